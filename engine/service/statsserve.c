/* SPDX-License-Identifier: Apache-2.0 */
/* Rounds at fixed times from the beginning on: a round that takes long does not move the next. Who is named is
 * looked up once, so that a name means the same container throughout. Where nothing is known to compare with,
 * the first round is what is now, and the second follows after some ticks of the kernel's accounts. */
#include "statsserve.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>

#include "fd.h"
#include "record.h"
#include "request.h"
#include "server.h"
#include "stats.h"
#include "statskeep.h"
#include "status.h"

enum { FIRST_MS = 12, INTERVAL_MS = 1000, INTERVAL_MIN_MS = 100, NAMED_MAX = 4096 };

struct rounds {
	struct engine *engine;
	struct rpc_call *call;
	const Cleat__V1__StatsRequest *request;
	struct cleat_v1_containers_stats_stream *out;
	char (*ids)[65]; /* of the containers named */
	bool first;      /* it is the round to compare with */
	bool wait;       /* one of its samples was taken just now */
	size_t n_sent;   /* in this round */
};

static int find_named(struct rounds *rounds, struct err *err)
{
	const Cleat__V1__StatsRequest *request = rounds->request;

	if (request->n_containers > NAMED_MAX)
		return err_set(err, ERR_INVALID, "containers: more than %d", NAMED_MAX);
	rounds->ids = calloc(request->n_containers + 1, sizeof(*rounds->ids));
	if (!rounds->ids)
		return err_sys(err, ENOMEM, "stats");
	for (size_t i = 0; i < request->n_containers; i++) {
		cleanup(record_deinit) struct record record = { 0 };
		int r = record_find(rounds->engine->store, request->containers[i], &record, err);

		if (r < 0)
			return r;
		memcpy(rounds->ids[i], record.id, sizeof(record.id));
	}
	return 0;
}

static int send_read(struct rounds *rounds, const Cleat__V1__StatsSample *now, int64_t started_ns,
		     struct err *err)
{
	Cleat__V1__StatsSample before;

	if (!rounds->first) {
		statskeep_put(rounds->engine->statskeep, now);
		return cleat_v1_containers_stats_send(rounds->out, now, err);
	}
	if (now->time_ns && statskeep_before(rounds->engine->statskeep, now, started_ns, &before))
		return cleat_v1_containers_stats_send(rounds->out, &before, err);
	rounds->wait |= now->time_ns;
	return cleat_v1_containers_stats_send(rounds->out, now, err);
}

static int send_sample(struct rounds *rounds, const struct record *record, struct err *err)
{
	Cleat__V1__StatsSample *sample = malloc(sizeof(*sample));
	int64_t started_ns = 0;
	int r;

	if (!sample)
		return err_sys(err, ENOMEM, "stats");
	cleat__v1__stats_sample__init(sample);
	if (stats_read(rounds->engine, record, sample, &started_ns) < 0)
		r = err_sys(err, ENOMEM, "stats");
	else
		r = send_read(rounds, sample, started_ns, err);
	rounds->n_sent++;
	cleat__v1__stats_sample__free_unpacked(sample, NULL);
	return r;
}

static int send_named(struct rounds *rounds, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < rounds->request->n_containers; i++) {
		cleanup(record_deinit) struct record record = { 0 };

		if (record_find(rounds->engine->store, rounds->ids[i], &record, NULL) == 0)
			r = send_sample(rounds, &record, err);
	}
	return r;
}

static bool is_shown(const struct rounds *rounds, const struct record *record)
{
	struct status status;

	if (record->intent[0] || request_is_internal(record))
		return false;
	if (rounds->request->all)
		return true;
	status_read(rounds->engine, record, &status);
	return status_active(&status);
}

static int send_all(struct rounds *rounds, struct err *err)
{
	struct record *records = NULL;
	size_t n = 0;
	int r = record_list(rounds->engine->store, &records, &n, err);

	for (size_t i = 0; r == 0 && i < n; i++)
		if (is_shown(rounds, &records[i]))
			r = send_sample(rounds, &records[i], err);
	record_list_free(records, n);
	return r;
}

static int send_round(struct rounds *rounds, struct err *err)
{
	static const Cleat__V1__StatsSample end = CLEAT__V1__STATS_SAMPLE__INIT;
	int r;

	rounds->n_sent = 0;
	r = rounds->request->n_containers ? send_named(rounds, err) : send_all(rounds, err);
	return r ? r : cleat_v1_containers_stats_send(rounds->out, &end, err);
}

/* Until `at_ns` (CLOCK_MONOTONIC). */
static int sleep_until(const struct rounds *rounds, int64_t at_ns, struct err *err)
{
	struct pollfd fds[] = {
		{ .fd = rpc_call_cancel_fd(rounds->call), .events = POLLIN },
		{ .fd = rpc_call_drain_fd(rounds->call), .events = POLLIN },
	};
	int64_t left_ms = (at_ns - fd_monotonic_ns() + 999999) / 1000000;

	(void)poll(fds, ARRAY_LEN(fds),
		   left_ms < 0         ? 0
		   : left_ms > INT_MAX ? INT_MAX
				       : (int)left_ms);
	if (fds[0].revents)
		return err_set(err, ERR_CANCELLED, "cancelled");
	if (fds[1].revents && !rounds->request->once)
		return err_reason(err, ERR_UNAVAILABLE, "MOVED", "another engine serves now");
	return 0;
}

static int64_t interval_ns(const Cleat__V1__StatsRequest *request)
{
	uint32_t ms = request->interval_ms ? request->interval_ms : INTERVAL_MS;

	return (int64_t)(ms < INTERVAL_MIN_MS ? INTERVAL_MIN_MS : ms) * 1000000;
}

static int send_first(struct rounds *rounds, struct err *err)
{
	int64_t at_ns = fd_monotonic_ns() + FIRST_MS * INT64_C(1000000);
	int r;

	rounds->first = true;
	r = send_round(rounds, err);
	rounds->first = false;
	return r == 0 && rounds->wait ? sleep_until(rounds, at_ns, err) : r;
}

static int send_rounds(struct rounds *rounds, struct err *err)
{
	const Cleat__V1__StatsRequest *request = rounds->request;
	int r = request->once && request->one_shot ? 0 : send_first(rounds, err);
	int64_t at_ns = fd_monotonic_ns();

	while (r == 0) {
		r = send_round(rounds, err);
		if (r < 0 || request->once || (request->n_containers && !rounds->n_sent))
			break;
		at_ns += interval_ns(request);
		if (at_ns < fd_monotonic_ns())
			at_ns = fd_monotonic_ns();
		r = sleep_until(rounds, at_ns, err);
	}
	return r;
}

int stats_serve(struct engine *engine, struct rpc_call *call,
		const Cleat__V1__StatsRequest *request,
		struct cleat_v1_containers_stats_stream *out, struct err *err)
{
	struct rounds rounds = { .engine = engine, .call = call, .request = request, .out = out };
	int r = find_named(&rounds, err);

	r = r ? r : send_rounds(&rounds, err);
	free(rounds.ids);
	return r;
}
