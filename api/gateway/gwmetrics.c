/* SPDX-License-Identifier: Apache-2.0 */
/* A series for each method, route and status that was seen: routes are those of the tables, so a client cannot make
 * series without end. */
#include "gwmetrics.h"

#include <pthread.h>
#include <string.h>

#include "cleat/v1/system.pb-c.h"
#include "fd.h"
#include "histogram.h"
#include "httpconn.h"

enum { MAX_ROUTES = 512, MAX_STATUSES = 24, METHOD_MAX = 8, ENGINE_MS = 2000 };

struct series {
	char method[METHOD_MAX];
	const char *route;
	struct {
		unsigned status;
		unsigned long long count;
	} statuses[MAX_STATUSES];
	struct histogram latency;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct series *series[MAX_ROUTES];
static size_t n_series;
static unsigned long long sent_bytes;

/* What no client can make up: the rest is one. */
static const char *known(const char *method)
{
	static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS" };

	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (strcmp(methods[i], method) == 0)
			return methods[i];
	return "other";
}

/* All under the mutex. */
static struct series *find(const char *method, const char *route)
{
	struct series *s;

	for (size_t i = 0; i < n_series; i++)
		if (series[i]->route == route && strcmp(series[i]->method, method) == 0)
			return series[i];
	if (n_series == MAX_ROUTES)
		return NULL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	memcpy(s->method, method, strlen(method) + 1);
	s->route = route;
	series[n_series++] = s;
	return s;
}

static void count_status(struct series *s, unsigned status)
{
	size_t i = 0;

	while (i < MAX_STATUSES - 1 && s->statuses[i].count && s->statuses[i].status != status)
		i++;
	if (!s->statuses[i].count)
		s->statuses[i].status = status;
	s->statuses[i].count++;
}

void gwmetrics_request(const struct http_request *request, const struct http_outcome *outcome)
{
	static const char none[] = "other";
	struct series *s;

	pthread_mutex_lock(&mutex);
	sent_bytes += outcome->sent_bytes;
	s = find(known(request->method), request->route ? request->route : none);
	if (s) {
		count_status(s, request->status);
		if (outcome->first_ns)
			histogram_add(&s->latency, outcome->first_ns);
	}
	pthread_mutex_unlock(&mutex);
}

/* ---- text */

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void gauge(struct buf *out, const char *name, const char *help, double value)
{
	head(out, name, "gauge", help);
	buf_printf(out, "%s %.17g\n", name, value);
}

/* `labels` without braces. */
static void put_histogram(struct buf *out, const char *name, const char *labels,
			  const double *bounds, const uint64_t *upto, size_t n, uint64_t count,
			  double sum)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%s_bucket{%s,le=\"%.9g\"} %llu\n", name, labels, bounds[i],
			   (unsigned long long)upto[i]);
	buf_printf(out, "%s_bucket{%s,le=\"+Inf\"} %llu\n%s_sum{%s} %.9g\n%s_count{%s} %llu\n",
		   name, labels, (unsigned long long)count, name, labels, sum, name, labels,
		   (unsigned long long)count);
}

static void put_own_latency(struct buf *out, struct series *s)
{
	cleanup(buf_deinit) struct buf labels = BUF_NULL;
	struct histogram_view view;

	histogram_read(&s->latency, &view);
	buf_printf(&labels, "method=\"%s\",route=\"%s\"", s->method, s->route);
	if (!labels.error)
		put_histogram(out, "cleat_gateway_request_duration_seconds", labels.data,
			      histogram_bounds_s, view.upto, HISTOGRAM_BOUNDS, view.count,
			      view.sum_s);
}

static void put_handshakes(struct buf *out)
{
	struct httpconn_handshakes n;

	httpconn_count_handshakes(&n);
	head(out, "cleat_gateway_tls_handshakes_total", "counter",
	     "TLS handshakes that ended, by their result.");
	buf_printf(out,
		   "cleat_gateway_tls_handshakes_total{result=\"done\"} %llu\n"
		   "cleat_gateway_tls_handshakes_total{result=\"failed\"} %llu\n",
		   (unsigned long long)n.done, (unsigned long long)n.failed);
}

static void put_own(struct buf *out)
{
	pthread_mutex_lock(&mutex);
	head(out, "cleat_gateway_requests_total", "counter", "Requests that are over.");
	for (size_t i = 0; i < n_series; i++)
		for (size_t k = 0; k < MAX_STATUSES && series[i]->statuses[k].count; k++)
			buf_printf(out,
				   "cleat_gateway_requests_total{method=\"%s\",route=\"%s\",code="
				   "\"%u\"} "
				   "%llu\n",
				   series[i]->method, series[i]->route,
				   series[i]->statuses[k].status, series[i]->statuses[k].count);
	head(out, "cleat_gateway_request_duration_seconds", "histogram",
	     "Time from a request's head to the begin of its answer.");
	for (size_t i = 0; i < n_series; i++)
		put_own_latency(out, series[i]);
	head(out, "cleat_gateway_sent_bytes_total", "counter",
	     "Bytes of answers' bodies, raw connections not counted.");
	buf_printf(out, "cleat_gateway_sent_bytes_total %llu\n", sent_bytes);
	pthread_mutex_unlock(&mutex);
	gauge(out, "cleat_gateway_connections", "Connections of clients.", httpconn_count());
	put_handshakes(out);
}

static void put_calls(struct buf *out, const Cleat__V1__MetricsReply *m)
{
	head(out, "cleat_engine_calls_total", "counter", "RPCs that ended.");
	for (size_t i = 0; i < m->n_calls; i++)
		buf_printf(out, "cleat_engine_calls_total{method=\"%s\",code=\"%s\"} %llu\n",
			   m->calls[i]->method, m->calls[i]->code,
			   (unsigned long long)m->calls[i]->count);
	head(out, "cleat_engine_call_duration_seconds", "histogram",
	     "Time that the handlers of unary RPCs took.");
	for (size_t i = 0; i < m->n_latencies; i++) {
		const Cleat__V1__MetricsReply__Latency *l = m->latencies[i];
		cleanup(buf_deinit) struct buf labels = BUF_NULL;

		buf_printf(&labels, "method=\"%s\"", l->method);
		if (!labels.error && l->n_upto == m->n_bounds_seconds)
			put_histogram(out, "cleat_engine_call_duration_seconds", labels.data,
				      m->bounds_seconds, l->upto, l->n_upto, l->count,
				      l->sum_seconds);
	}
}

static void put_engine(struct buf *out, const Cleat__V1__MetricsReply *m)
{
	put_calls(out, m);
	head(out, "cleat_engine_containers", "gauge", "Containers by state.");
	for (size_t i = 0; i < m->n_containers; i++)
		buf_printf(out, "cleat_engine_containers{state=\"%s\"} %u\n", m->containers[i]->key,
			   m->containers[i]->value);
	gauge(out, "cleat_engine_layers_bytes", "Bytes of all layers, as unpacked.",
	      (double)m->layers_bytes);
	gauge(out, "cleat_engine_logs_bytes", "Bytes of the logs of all containers.",
	      (double)m->logs_bytes);
	gauge(out, "cleat_engine_start_time_seconds", "When the engine started, UNIX time.",
	      (double)m->started_ns / 1e9);
}

void gw_metrics(struct gw *gw)
{
	Cleat__V1__MetricsRequest request = CLEAT__V1__METRICS_REQUEST__INIT;
	Cleat__V1__MetricsReply *reply = NULL;
	struct buf *out = &gw->http->reply;
	struct err err = ERR_NULL;
	int r;

	gw->deadline_ns = fd_monotonic_ns() + ENGINE_MS * INT64_C(1000000);
	r = gw_call(gw, &request, &reply, &err);
	gw->http->type = "text/plain; version=0.0.4; charset=utf-8";
	put_own(out);
	gauge(out, "cleat_engine_up", "Whether the engine answers.", r == 0);
	if (r < 0)
		return;
	put_engine(out, reply);
	cleat__v1__metrics_reply__free_unpacked(reply, NULL);
}
