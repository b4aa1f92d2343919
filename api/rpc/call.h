/* SPDX-License-Identifier: Apache-2.0 */
/* The state of one call, of either end: what may be sent and received next, the windows both ways,
 * and messages in parts. Pure: no descriptor, clock or lock; the owner serialises. */
#pragma once

#include "buf.h"
#include "list.h"
#include "rpc.h"

enum call_phase {
	CALL_OPEN,        /* both ends may send */
	CALL_HALF_REMOTE, /* the peer has ended, we may send */
	CALL_HALF_LOCAL,  /* we have ended, the peer may send */
	CALL_BOTH_ENDED,  /* only STATUS is left */
	CALL_DONE,        /* STATUS was sent or received; the id is dead */
	CALL_N_PHASES
};

enum call_event {
	CALL_RECV_DATA,
	CALL_RECV_END,
	CALL_SEND_DATA,
	CALL_SEND_END,
	CALL_STATUS, /* sent or received */
	CALL_N_EVENTS
};

/* A message received whole. */
struct call_message {
	struct list link;
	size_t size, credited; /* credited: bytes of it that need no credit any more */
	uint8_t *data;         /* owned */
};

struct call {
	enum call_phase phase;
	int64_t send_window;  /* bytes the peer still lets us send */
	int64_t recv_window;  /* bytes we still let the peer send */
	uint32_t recv_target; /* what recv_window is filled up to */
	uint32_t uncredited;  /* consumed, but not yet granted again */
	size_t buffered;      /* bytes held in partial and messages */
	struct buf partial;   /* parts of a message that is not complete */
	bool partial_open;
	size_t partial_credited; /* granted before it was complete, or never charged */
	struct list messages;    /* struct call_message, oldest first */
};

void call_init(struct call *call, uint32_t send_window, uint32_t recv_window);
void call_deinit(struct call *call);

/* Moves on: 0, -EPROTO when the event is not allowed in this phase, -EALREADY in CALL_DONE. */
int call_step(struct call *call, enum call_event event) must_check;

/* Takes one part of a message (*data is consumed on success: malloc'ed, set to NULL). `charge`: it
 * counts against the window. 0; -EPROTO in a wrong phase; -ENOBUFS beyond the window; -EMSGSIZE when
 * the message exceeds RPC_MAX_MESSAGE; -ENOMEM. */
int call_receive(struct call *call, uint8_t **data, size_t size, bool more, bool charge) must_check;

/* Oldest message, owned, or NULL. Its bytes become grantable. */
struct call_message *call_take(struct call *call);
void call_message_free(struct call_message *message);

/* Bytes of CREDIT to send now: half the window has been consumed, or a message larger than the window
 * is being assembled. Counted as granted. 0 = none yet. */
uint32_t call_credit(struct call *call);

/* Bytes of a message of `left` bytes that may go into the next frame now, 0 = window closed; an empty
 * message needs no window (returns 0 with *whole set). *whole: nothing is left after it. */
size_t call_chunk(const struct call *call, size_t left, bool *whole);
