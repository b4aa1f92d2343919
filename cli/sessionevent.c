/* SPDX-License-Identifier: Apache-2.0 */
#include "sessionevent.h"

#include <stdio.h>

void sessionevent_of_attach(Cleat__V1__AttachReply *m, Cleat__V1__AttachStart *start,
			    struct event *e)
{
	switch (m->message_case) {
	case CLEAT__V1__ATTACH_REPLY__MESSAGE_ATTACHED:
		*e = (struct event){ .kind = EV_OPENED,
				     .counted =
					     m->attached->input_case ==
					     CLEAT__V1__ATTACH_REPLY__ATTACHED__INPUT_INPUT_TAKEN,
				     .input_taken = m->attached->input_taken };
		if (start->resume_case == 0) {
			start->resume_case = CLEAT__V1__ATTACH_START__RESUME_RESUME_POSITION;
			start->resume_position = m->attached->position;
		}
		start->seen_case = CLEAT__V1__ATTACH_START__SEEN_EXITS;
		start->exits = m->attached->exits;
		break;
	case CLEAT__V1__ATTACH_REPLY__MESSAGE_OUTPUT:
		*e = (struct event){ .kind = EV_OUTPUT,
				     .is_stderr = m->output->stream ==
						  CLEAT__V1__OUTPUT_STREAM__OUTPUT_STREAM_STDERR,
				     .data = m->output->data,
				     .position = m->output->position + m->output->data.len };
		break;
	case CLEAT__V1__ATTACH_REPLY__MESSAGE_EXITED:
		*e = (struct event){ .kind = EV_EXITED,
				     .exit_code = m->exited->exit_code,
				     .error = m->exited->error };
		break;
	case CLEAT__V1__ATTACH_REPLY__MESSAGE_DETACHED:
		e->kind = EV_DETACHED;
		break;
	case CLEAT__V1__ATTACH_REPLY__MESSAGE_STARTED:
		e->kind = EV_STARTED;
		break;
	case CLEAT__V1__ATTACH_REPLY__MESSAGE_MOVING:
		e->kind = EV_MOVING;
		break;
	case CLEAT__V1__ATTACH_REPLY__MESSAGE_INPUT_TAKEN:
		*e = (struct event){ .kind = EV_TAKEN, .input_taken = m->input_taken };
		break;
	default:
		break;
	}
}

void sessionevent_of_exec(Cleat__V1__ExecOutput *m, char id[SESSIONEVENT_ID_MAX], struct event *e)
{
	switch (m->message_case) {
	case CLEAT__V1__EXEC_OUTPUT__MESSAGE_STARTED:
		*e = (struct event){ .kind = EV_OPENED,
				     .counted = m->started->input_case ==
						CLEAT__V1__EXEC_OUTPUT__STARTED__INPUT_INPUT_TAKEN,
				     .input_taken = m->started->input_taken };
		snprintf(id, SESSIONEVENT_ID_MAX, "%s", m->started->exec_id);
		break;
	case CLEAT__V1__EXEC_OUTPUT__MESSAGE_OUTPUT:
		*e = (struct event){ .kind = EV_OUTPUT,
				     .is_stderr = m->output->stream ==
						  CLEAT__V1__OUTPUT_STREAM__OUTPUT_STREAM_STDERR,
				     .data = m->output->data,
				     .position = m->output->position + m->output->data.len };
		break;
	case CLEAT__V1__EXEC_OUTPUT__MESSAGE_EXITED:
		*e = (struct event){ .kind = EV_EXITED, .exit_code = m->exited->exit_code };
		break;
	case CLEAT__V1__EXEC_OUTPUT__MESSAGE_DETACHED:
		e->kind = EV_DETACHED;
		break;
	case CLEAT__V1__EXEC_OUTPUT__MESSAGE_MOVING:
		e->kind = EV_MOVING;
		break;
	case CLEAT__V1__EXEC_OUTPUT__MESSAGE_INPUT_TAKEN:
		*e = (struct event){ .kind = EV_TAKEN, .input_taken = m->input_taken };
		break;
	default:
		break;
	}
}
