/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's exec. */
#include <errno.h>

#include "cleat/v1/exec.pb-c.h"
#include "createjson.h"
#include "exchange.h"
#include "listjson.h"
#include "stream.h"

void gw_create_exec(struct gw *gw)
{
	Cleat__V1__CreateExecRequest *request = NULL;
	Cleat__V1__CreateExecReply *reply = NULL;
	struct err err = ERR_NULL;
	json_t *body = gw_body(gw, &err);
	int r = body ? createjson_parse_exec(body, gw->match.param, &request, &err) : -EINVAL;

	r = r ? r : gw_call(gw, request, &reply, &err);
	if (r < 0) {
		gw_fail(gw, &err);
		if (err.code == ERR_PRECONDITION)
			gw->http->status = 409;
	} else {
		gw_json(gw, 201, json_pack("{s:s}", "Id", reply->id));
		cleat__v1__create_exec_reply__free_unpacked(reply, NULL);
	}
	json_decref(body);
	if (request)
		cleat__v1__create_exec_request__free_unpacked(request, NULL);
}

static int details(struct gw *gw, Cleat__V1__ExecDetails **reply, struct err *err)
{
	Cleat__V1__InspectExecRequest request = CLEAT__V1__INSPECT_EXEC_REQUEST__INIT;

	request.exec_id = gw->match.param;
	return gw_call_other(gw, "cleat.v1.Exec/Inspect", &request, reply, err);
}

void gw_inspect_exec(struct gw *gw)
{
	Cleat__V1__ExecDetails *reply = NULL;
	struct err err = ERR_NULL;

	if (details(gw, &reply, &err) < 0) {
		gw_fail(gw, &err);
		return;
	}
	gw_json(gw, 200, listjson_exec(reply));
	cleat__v1__exec_details__free_unpacked(reply, NULL);
}

static int start_detached(struct gw *gw, struct err *err)
{
	Cleat__V1__ExecStart start = CLEAT__V1__EXEC_START__INIT;
	Cleat__V1__ExecInput first = CLEAT__V1__EXEC_INPUT__INIT;
	cleanup(rpc_client_call_closep) struct rpc_client_call *call = NULL;
	int r;

	start.exec_id = gw->match.param;
	start.detach = true;
	first.message_case = CLEAT__V1__EXEC_INPUT__MESSAGE_START;
	first.start = &start;
	r = gw_open(gw, &first.base, &call, err);
	for (int n = r; n >= 0 && r == 0;) {
		Cleat__V1__ExecOutput *output = NULL;

		n = gw_recv(gw, call, &output, err);
		if (n <= 0)
			return n;
		cleat__v1__exec_output__free_unpacked(output, NULL);
	}
	return r;
}

void gw_start_exec(struct gw *gw)
{
	Cleat__V1__ExecDetails *exec = NULL;
	struct err err = ERR_NULL;
	json_t *body = gw_body(gw, &err);
	bool detach = json_is_true(json_object_get(body, "Detach"));
	int r = body ? details(gw, &exec, &err) : -EINVAL;

	json_decref(body);
	if (r == 0 && detach)
		r = start_detached(gw, &err);
	else if (r == 0)
		stream_exec(gw, gw->match.param, exec->config && exec->config->tty,
			    exec->config ? exec->config->detach_keys : "");
	if (exec)
		cleat__v1__exec_details__free_unpacked(exec, NULL);
	if (r < 0)
		gw_fail(gw, &err);
	else if (detach)
		gw_status(gw, 200);
}

void gw_resize_exec(struct gw *gw)
{
	Cleat__V1__ResizeExecRequest request = CLEAT__V1__RESIZE_EXEC_REQUEST__INIT;
	Cleat__V1__ResizeExecReply *reply = NULL;
	Cleat__V1__TerminalSize size = CLEAT__V1__TERMINAL_SIZE__INIT;
	struct err err = ERR_NULL;
	int r = stream_size(gw, &size, &err);

	request.exec_id = gw->match.param;
	request.size = &size;
	r = r ? r : gw_call(gw, &request, &reply, &err);
	if (r < 0) {
		gw_fail(gw, &err);
		return;
	}
	cleat__v1__resize_exec_reply__free_unpacked(reply, NULL);
	gw_status(gw, 200);
}
