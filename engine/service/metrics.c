/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cleat/v1/services.rpc.h"
#include "fd.h"
#include "histogram.h"
#include "layer.h"
#include "record.h"
#include "request.h"
#include "service.h"
#include "status.h"
#include "str.h"
#include "treesize.h"

struct counts {
	const struct rpc_method *method;
	atomic_ullong codes[ERR_N_CODES];
	struct histogram latency;
};

struct metrics {
	size_t n;
	struct counts counts[];
};

struct metrics *metrics_new(void)
{
	struct metrics *m;
	size_t n = 0;

	for (size_t i = 0; i < cleat_v1_n_services; i++)
		n += cleat_v1_services[i]->n_methods;
	m = calloc(1, sizeof(*m) + n * sizeof(m->counts[0]));
	if (!m)
		return NULL;
	for (size_t i = 0; i < cleat_v1_n_services; i++)
		for (size_t k = 0; k < cleat_v1_services[i]->n_methods; k++)
			m->counts[m->n++].method = &cleat_v1_services[i]->methods[k];
	return m;
}

struct metrics *metrics_free(struct metrics *metrics)
{
	free(metrics);
	return NULL;
}

void metrics_call_ended(const struct rpc_call *call, enum err_code code, int64_t took_ns)
{
	struct metrics *m = service_engine(call)->metrics;
	const struct rpc_method *method = rpc_call_method(call);

	for (size_t i = 0; i < m->n; i++) {
		struct counts *c = &m->counts[i];

		if (c->method != method)
			continue;
		atomic_fetch_add(&c->codes[code < ERR_N_CODES ? code : ERR_UNKNOWN], 1);
		if (method->shape == RPC_UNARY)
			histogram_add(&c->latency, took_ns);
		return;
	}
}

/* ---- the reply */

static int add_calls(Cleat__V1__MetricsReply *reply, const struct counts *c, enum err_code code)
{
	Cleat__V1__MetricsReply__Calls *out = malloc(sizeof(*out));

	if (!out)
		return -ENOMEM;
	cleat__v1__metrics_reply__calls__init(out);
	reply->calls[reply->n_calls++] = out;
	out->method = strdup(c->method->path);
	out->code = strdup(err_code_name(code));
	out->count = atomic_load(&c->codes[code]);
	return out->method && out->code ? 0 : -ENOMEM;
}

static int add_latency(Cleat__V1__MetricsReply *reply, struct counts *c)
{
	Cleat__V1__MetricsReply__Latency *out = malloc(sizeof(*out));
	struct histogram_view view;

	if (!out)
		return -ENOMEM;
	cleat__v1__metrics_reply__latency__init(out);
	reply->latencies[reply->n_latencies++] = out;
	histogram_read(&c->latency, &view);
	out->method = strdup(c->method->path);
	out->count = view.count;
	out->sum_seconds = view.sum_s;
	out->upto = malloc(sizeof(view.upto));
	if (!out->method || !out->upto)
		return -ENOMEM;
	memcpy(out->upto, view.upto, sizeof(view.upto));
	out->n_upto = HISTOGRAM_BOUNDS;
	return 0;
}

static int fill_method(Cleat__V1__MetricsReply *reply, struct counts *c)
{
	bool called = false;
	int r = 0;

	for (int code = 0; r == 0 && code < ERR_N_CODES; code++)
		if (atomic_load(&c->codes[code])) {
			called = true;
			r = add_calls(reply, c, (enum err_code)code);
		}
	return r < 0 || !called || c->method->shape != RPC_UNARY ? r : add_latency(reply, c);
}

static int fill_calls(Cleat__V1__MetricsReply *reply, struct metrics *m)
{
	int r = 0;

	reply->calls = calloc(m->n * ERR_N_CODES, sizeof(*reply->calls));
	reply->latencies = calloc(m->n, sizeof(*reply->latencies));
	reply->bounds_seconds = malloc(sizeof(histogram_bounds_s));
	if (!reply->calls || !reply->latencies || !reply->bounds_seconds)
		return -ENOMEM;
	memcpy(reply->bounds_seconds, histogram_bounds_s, sizeof(histogram_bounds_s));
	reply->n_bounds_seconds = HISTOGRAM_BOUNDS;
	for (size_t i = 0; r == 0 && i < m->n; i++)
		r = fill_method(reply, &m->counts[i]);
	return r;
}

enum { STATES = CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_DEAD + 1 };

static int fill_states(Cleat__V1__MetricsReply *reply, const uint32_t by_state[STATES])
{
	reply->containers = calloc(STATES, sizeof(*reply->containers));
	if (!reply->containers)
		return -ENOMEM;
	for (int i = 1; i < STATES; i++) {
		Cleat__V1__MetricsReply__ContainersEntry *e = malloc(sizeof(*e));

		if (!e)
			return -ENOMEM;
		cleat__v1__metrics_reply__containers_entry__init(e);
		reply->containers[reply->n_containers++] = e;
		e->key = strdup(status_word((Cleat__V1__ContainerState)i));
		e->value = by_state[i];
		if (!e->key)
			return -ENOMEM;
	}
	return 0;
}

/* A container that is removed just now has none. */
static void add_log(const struct engine *engine, const char *id, uint64_t *bytes)
{
	cleanup_free char *path = str_printf("%s/log", id);
	cleanup_fd int fd = path ? openat(engine->containers_fd, path,
					  O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
				 : -1;
	uint64_t size = 0;

	if (fd >= 0 && treesize(fd, &size) == 0)
		*bytes += size;
}

static int fill_containers(struct engine *engine, Cleat__V1__MetricsReply *reply, struct err *err)
{
	uint32_t by_state[STATES] = { 0 };
	struct record *records = NULL;
	size_t n = 0;
	int r = record_list(engine->store, &records, &n, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		struct status status;

		if (request_is_internal(&records[i]))
			continue;
		status_read(engine, &records[i], &status);
		by_state[(unsigned)status.state % STATES]++;
		add_log(engine, records[i].id, &reply->logs_bytes);
	}
	record_list_free(records, n);
	return fill_states(reply, by_state);
}

/* Layers that are removed meanwhile count for nothing. */
static int fill_layers(const struct engine *engine, Cleat__V1__MetricsReply *reply, struct err *err)
{
	cleanup(buf_deinit) struct buf list = BUF_NULL;
	int r = layers_list(engine->layers, &list, err);
	char *rest = NULL;

	for (char *line = r == 0 && list.data ? strtok_r(list.data, "\n", &rest) : NULL; line;
	     line = strtok_r(NULL, "\n", &rest)) {
		uint64_t size;

		if (layers_size(engine->layers, line, &size) == 0)
			reply->layers_bytes += size;
	}
	return r;
}

int metrics_serve(struct rpc_call *call, const Cleat__V1__MetricsRequest *req,
		  Cleat__V1__MetricsReply *reply, struct err *err)
{
	struct engine *engine = service_engine(call);
	int r = fill_calls(reply, engine->metrics);

	(void)req;
	reply->started_ns = engine->started_ns;
	if (r == 0)
		r = fill_containers(engine, reply, err);
	if (r == 0)
		r = fill_layers(engine, reply, err);
	return r < 0 ? err_wrap(err, r, "metrics") : 0;
}
