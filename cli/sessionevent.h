/* SPDX-License-Identifier: Apache-2.0 */
/* What the two kinds of sessions, attach and exec, are told by the engine, as one kind of event. Private to session.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cleat/v1/containers.pb-c.h"
#include "cleat/v1/exec.pb-c.h"

enum { SESSIONEVENT_ID_MAX = 80 };

enum event_kind {
	EV_NONE,
	EV_OPENED,
	EV_STARTED,
	EV_TAKEN,
	EV_OUTPUT,
	EV_EXITED,
	EV_DETACHED,
	EV_MOVING
};

struct event {
	enum event_kind kind;
	bool is_stderr;
	ProtobufCBinaryData data;
	uint64_t position;
	int exit_code;
	const char *error;
	bool counted;         /* EV_OPENED: the input ... */
	uint64_t input_taken; /* ... and how much of it has been taken; EV_TAKEN too */
};

/* A message as an event, which borrows from it. What a call that is opened again has to say is written into *start. */
void sessionevent_of_attach(Cleat__V1__AttachReply *m, Cleat__V1__AttachStart *start,
			    struct event *e);
/* The same, with the session's id. */
void sessionevent_of_exec(Cleat__V1__ExecOutput *m, char id[SESSIONEVENT_ID_MAX], struct event *e);
