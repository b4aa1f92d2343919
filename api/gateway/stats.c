/* SPDX-License-Identifier: Apache-2.0 */
/* Each sample goes out with the one before it. The first of a stream only serves the second, which follows at
 * once, so that whoever asks for one has a rate. */
#include <errno.h>
#include <string.h>

#include "cleat/v1/containers.pb-c.h"
#include "statsjson.h"
#include "stream.h"

struct stats {
	struct gw *gw;
	Cleat__V1__StatsRequest request;
	Cleat__V1__StatsSample *before; /* owned */
	size_t n_samples;               /* of this call */
	bool answered;
	int64_t since_ns; /* when the engine went away */
};

static void free_sample(Cleat__V1__StatsSample *sample)
{
	if (sample)
		cleat__v1__stats_sample__free_unpacked(sample, NULL);
}

static int answer(struct stats *stats, const Cleat__V1__StatsSample *before,
		  const Cleat__V1__StatsSample *now)
{
	struct gw *gw = stats->gw;

	stats->answered = true;
	if (stats->request.once) {
		gw_json(gw, 200, statsjson(before, now));
		return 0;
	}
	return gw_send_json(gw, statsjson(before, now));
}

/* Consumes the sample. */
static int take(struct stats *stats, Cleat__V1__StatsSample *now)
{
	const Cleat__V1__StatsSample *before = now->time_ns ? stats->before : NULL;
	bool first = stats->n_samples == 0 && !stats->request.one_shot;
	int r = 0;

	if (!now->id[0]) { /* the round's end */
		free_sample(now);
		return 0;
	}
	/* another engine: the answers go on from what was read last */
	if (first && stats->answered) {
		stats->n_samples++;
		free_sample(now);
		return 0;
	}
	if (!first)
		r = answer(stats, before && before->time_ns ? before : NULL, now);
	stats->n_samples++;
	free_sample(stats->before);
	stats->before = now;
	return r;
}

static int stats_once(struct stats *stats, struct err *err)
{
	cleanup(rpc_client_call_closep) struct rpc_client_call *call = NULL;
	struct gw *gw = stats->gw;
	int r = gw_open(gw, &stats->request.base, &call, err);

	stats->n_samples = 0;
	/* one answer is enough, also when the engine goes before the stream's end */
	while (r == 0 && !(stats->request.once && stats->answered)) {
		Cleat__V1__StatsSample *sample = NULL;
		int n = gw_recv(gw, call, &sample, err);

		if (n <= 0)
			return n;
		stats->since_ns = 0;
		r = take(stats, sample);
	}
	return r;
}

void gw_stream_stats(struct gw *gw)
{
	struct stats stats = { .gw = gw, .request = CLEAT__V1__STATS_REQUEST__INIT };
	const char *stream = http_query(gw->http, "stream");
	char *container = gw->match.param;
	struct err err = ERR_NULL;
	int r;

	stats.request.containers = &container;
	stats.request.n_containers = 1;
	stats.request.once = *stream && !gw_query_bool(gw, "stream");
	stats.request.one_shot = stats.request.once && gw_query_bool(gw, "one-shot");
	do {
		err = ERR_NULL;
		r = stats_once(&stats, &err);
	} while (r < 0 && r != -EPIPE && gw_again(gw, &err, &stats.since_ns));
	if (r >= 0 && !stats.answered)
		r = err_reason(&err, ERR_NOT_FOUND, "CONTAINER_NOT_FOUND", "No such container: %s",
			       container);
	if (r < 0 && r != -EPIPE && !gw->streaming)
		gw_fail(gw, &err);
	free_sample(stats.before);
}
