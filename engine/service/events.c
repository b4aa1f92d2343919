/* SPDX-License-Identifier: Apache-2.0 */
/* Each subscriber reads the journal itself: there is no queue that could overflow, a slow client only
 * falls behind, at worst behind the oldest file. */
#include "events.h"

#include <poll.h>

#include "eventmatch.h"
#include "fd.h"
#include "journal.h"

static int send_all(struct journal_reader *reader, const Cleat__V1__EventsRequest *request,
		    struct cleat_v1_system_events_stream *out, bool *past_until, struct err *err)
{
	Cleat__V1__Event *event = NULL;
	int r;

	while (!*past_until && (r = journal_reader_next(reader, &event, err)) > 0) {
		*past_until = request->until_ns && event->time_ns > request->until_ns;
		r = 0;
		if (!*past_until && eventmatch(event, request->filters, request->n_filters))
			r = cleat_v1_system_events_send(out, event, err);
		cleat__v1__event__free_unpacked(event, NULL);
		if (r < 0)
			return r;
	}
	return *past_until ? 0 : r;
}

/* 0 = look again, -ECANCELED, UNAVAILABLE with reason MOVED; *past_until when the time has come. */
static int wait_for_more(struct journal_reader *reader, const Cleat__V1__EventsRequest *request,
			 struct rpc_call *call, bool *past_until, struct err *err)
{
	struct pollfd fds[] = {
		{ .fd = journal_reader_fd(reader), .events = POLLIN },
		{ .fd = rpc_call_cancel_fd(call), .events = POLLIN },
		{ .fd = rpc_call_drain_fd(call), .events = POLLIN },
	};
	int64_t left_ms = -1;

	if (request->until_ns) {
		left_ms = (request->until_ns - fd_realtime_ns()) / 1000000 + 1;
		*past_until = left_ms <= 0;
		if (*past_until)
			return 0;
	}
	(void)poll(fds, ARRAY_LEN(fds), left_ms > INT32_MAX ? INT32_MAX : (int)left_ms);
	if (fds[1].revents)
		return err_set(err, ERR_CANCELLED, "cancelled");
	if (fds[2].revents)
		return err_reason(err, ERR_UNAVAILABLE, "MOVED", "another engine serves now");
	return 0;
}

int events_serve(struct engine *engine, struct rpc_call *call,
		 const Cleat__V1__EventsRequest *request, struct cleat_v1_system_events_stream *out,
		 struct err *err)
{
	cleanup(journal_reader_freep) struct journal_reader *reader = NULL;
	bool resumes = request->resume_case == CLEAT__V1__EVENTS_REQUEST__RESUME_RESUME_SEQUENCE;
	bool past_until = false;
	int r = eventmatch_check(request->filters, request->n_filters, err);

	if (r == 0)
		r = journal_reader_open(&reader, engine->journal,
					resumes ? request->resume_sequence : 0, request->since_ns,
					err);
	while (r == 0 && !past_until) {
		journal_reader_clear(reader);
		r = send_all(reader, request, out, &past_until, err);
		if (r == 0 && !past_until)
			r = wait_for_more(reader, request, call, &past_until, err);
	}
	return r;
}
