/* SPDX-License-Identifier: Apache-2.0 */
/* The phases are a table, the same for client and server: each side feeds its own "send" events and
 * the peer's "recv" events. Windows count bytes of `data` alone. Credit is granted when half of the
 * window has been consumed by the application; parts of an incomplete message with nothing before it
 * count as consumed, or a message longer than the window could never arrive. */
#include "call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* next phase + 1; 0 = not allowed */
#define TO(phase) ((uint8_t)((phase) + 1))
static const uint8_t steps[CALL_N_PHASES][CALL_N_EVENTS] = {
	[CALL_OPEN] = { [CALL_RECV_DATA] = TO(CALL_OPEN),
			[CALL_RECV_END] = TO(CALL_HALF_REMOTE),
			[CALL_SEND_DATA] = TO(CALL_OPEN),
			[CALL_SEND_END] = TO(CALL_HALF_LOCAL),
			[CALL_STATUS] = TO(CALL_DONE) },
	[CALL_HALF_REMOTE] = { [CALL_SEND_DATA] = TO(CALL_HALF_REMOTE),
			       [CALL_SEND_END] = TO(CALL_BOTH_ENDED),
			       [CALL_STATUS] = TO(CALL_DONE) },
	[CALL_HALF_LOCAL] = { [CALL_RECV_DATA] = TO(CALL_HALF_LOCAL),
			      [CALL_RECV_END] = TO(CALL_BOTH_ENDED),
			      [CALL_STATUS] = TO(CALL_DONE) },
	[CALL_BOTH_ENDED] = { [CALL_STATUS] = TO(CALL_DONE) },
};

void call_init(struct call *call, uint32_t send_window, uint32_t recv_window)
{
	*call = (struct call){ .send_window = send_window,
			       .recv_window = recv_window,
			       .recv_target = recv_window,
			       .partial = { .max = RPC_MAX_MESSAGE } };
	list_init(&call->messages);
}

void call_deinit(struct call *call)
{
	struct call_message *m, *tmp;

	list_each_safe (m, tmp, &call->messages, link)
		call_message_free(m);
	list_init(&call->messages);
	buf_deinit(&call->partial);
	call->buffered = 0;
}

int call_step(struct call *call, enum call_event event)
{
	uint8_t next = steps[call->phase][event];

	if (!next)
		return call->phase == CALL_DONE ? -EALREADY : -EPROTO;
	call->phase = (enum call_phase)(next - 1);
	return 0;
}

static int queue_message(struct call *call, uint8_t *data, size_t size, size_t credited)
{
	struct call_message *m = malloc(sizeof(*m));

	if (!m)
		return -ENOMEM;
	*m = (struct call_message){ .size = size, .credited = credited, .data = data };
	list_init(&m->link);
	list_append(&call->messages, &m->link);
	return 0;
}

int call_receive(struct call *call, uint8_t **data, size_t size, bool more, bool charge)
{
	bool last_only = !more && !call->partial_open;
	uint32_t part = charge ? (uint32_t)size : 0;
	int r = call_step(call, CALL_RECV_DATA);

	if (r < 0)
		return r;
	if (charge && (int64_t)size > call->recv_window)
		return -ENOBUFS;
	if (last_only) {
		r = queue_message(call, *data, size, size - part);
		if (r < 0)
			return r;
		*data = NULL;
	} else {
		buf_append(&call->partial, *data, size);
		if (call->partial.error)
			return call->partial.error;
		call->partial_open = more;
		call->partial_credited += size - part;
		if (!more) {
			size_t len = call->partial.len;
			char *whole = buf_steal(&call->partial);

			if (!whole ||
			    queue_message(call, (uint8_t *)whole, len, call->partial_credited) < 0)
				return free(whole), -ENOMEM;
			call->partial.max = RPC_MAX_MESSAGE;
			call->partial_credited = 0;
		}
		free(steal(data));
	}
	call->recv_window -= part;
	call->buffered += size;
	return 0;
}

struct call_message *call_take(struct call *call)
{
	struct call_message *m = list_first(&call->messages, struct call_message, link);

	if (!m)
		return NULL;
	list_remove(&m->link);
	call->buffered -= m->size;
	call->uncredited += (uint32_t)(m->size - m->credited);
	return m;
}

void call_message_free(struct call_message *message)
{
	if (!message)
		return;
	free(message->data);
	free(message);
}

uint32_t call_credit(struct call *call)
{
	size_t early = call->partial_open && list_empty(&call->messages)
			       ? call->partial.len - call->partial_credited
			       : 0;
	uint32_t credit = call->uncredited + (uint32_t)early;

	if (credit == 0 || credit < call->recv_target / 2)
		return 0;
	call->partial_credited += early;
	call->uncredited = 0;
	call->recv_window += credit;
	return credit;
}

size_t call_chunk(const struct call *call, size_t left, bool *whole)
{
	size_t n = left > RPC_CHUNK ? RPC_CHUNK : left;

	if (call->send_window <= 0)
		n = 0;
	else if ((int64_t)n > call->send_window)
		n = (size_t)call->send_window;
	*whole = n == left;
	return n;
}
