/* SPDX-License-Identifier: Apache-2.0 */
/* Service Exec. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "cleat/v1/exec.rpc.h"
#include "exec.h"
#include "execsession.h"
#include "record.h"
#include "service.h"
#include "str.h"

static int find(struct rpc_call *call, const char *id, struct execrecord *out, struct err *err)
{
	return execrecord_find(service_engine(call)->store, id, out, err);
}

static int on_create(struct rpc_call *call, const Cleat__V1__CreateExecRequest *req,
		     Cleat__V1__CreateExecReply *reply, struct err *err)
{
	const struct call_key key = service_key(call);
	cleanup(execrecord_deinit) struct execrecord record = { 0 };
	int r = exec_create(service_engine(call), req, key.text, &record, err);

	if (r >= 0 && !(reply->id = strdup(record.id)))
		r = err_sys(err, ENOMEM, "exec");
	return r < 0 ? r : 0;
}

static int on_start(struct rpc_call *call, struct cleat_v1_exec_start_stream *io, struct err *err)
{
	return execsession_start(service_engine(call), call, io, err);
}

static int on_inspect(struct rpc_call *call, const Cleat__V1__InspectExecRequest *req,
		      Cleat__V1__ExecDetails *reply, struct err *err)
{
	cleanup(execrecord_deinit) struct execrecord record = { 0 };
	int r = exec_find(service_engine(call), req->exec_id, &record, err);

	return r < 0 ? r : exec_details(service_engine(call), &record, reply, err);
}

static int on_resize(struct rpc_call *call, const Cleat__V1__ResizeExecRequest *req,
		     Cleat__V1__ResizeExecReply *reply, struct err *err)
{
	cleanup(execrecord_deinit) struct execrecord record = { 0 };
	int r = find(call, req->exec_id, &record, err);

	(void)reply;
	if (r == 0 && !req->size)
		r = err_set(err, ERR_INVALID, "size is missing");
	return r < 0 ? r : exec_resize(service_engine(call), &record, req->size, err);
}

static int add_details(struct engine *engine, const struct execrecord *record,
		       Cleat__V1__ListExecsReply *reply, struct err *err)
{
	Cleat__V1__ExecDetails *details = malloc(sizeof(*details));

	if (!details)
		return err_sys(err, ENOMEM, "list execs");
	cleat__v1__exec_details__init(details);
	reply->execs[reply->n_execs++] = details;
	return exec_details(engine, record, details, err);
}

/* The id of the container a list is for, "" = all. */
static int list_scope(struct engine *engine, const char *container, char id[65], struct err *err)
{
	cleanup(record_deinit) struct record record = { 0 };
	int r = container[0] ? record_find(engine->store, container, &record, err) : 0;

	memcpy(id, record.id, sizeof(record.id));
	return r;
}

static int on_list(struct rpc_call *call, const Cleat__V1__ListExecsRequest *req,
		   Cleat__V1__ListExecsReply *reply, struct err *err)
{
	struct engine *engine = service_engine(call);
	struct execrecord *records = NULL;
	char id[65];
	size_t n = 0;
	int r = list_scope(engine, req->container, id, err);

	if (r == 0)
		r = execrecord_list(engine->store, id[0] ? id : NULL, &records, &n, err);
	if (r == 0 && !(reply->execs = calloc(n + 1, sizeof(*reply->execs))))
		r = err_sys(err, ENOMEM, "list execs");
	for (size_t i = 0; i < n; i++) {
		if (r == 0)
			r = add_details(engine, &records[i], reply, err);
		execrecord_deinit(&records[i]);
	}
	free(records);
	return r;
}

static int on_kill(struct rpc_call *call, const Cleat__V1__KillExecRequest *req,
		   Cleat__V1__KillExecReply *reply, struct err *err)
{
	cleanup(execrecord_deinit) struct execrecord record = { 0 };
	const struct call_key key = service_key(call);
	int number = SIGKILL;
	int r = req->signal[0] ? lifecycle_signal(req->signal, &number, err) : 0;

	(void)reply;
	if (r == 0)
		r = find(call, req->exec_id, &record, err);
	return r < 0 ? r : exec_kill(service_engine(call), &record, key.text, number, err);
}

static const struct cleat_v1_exec_ops ops = {
	.create = on_create,
	.start = on_start,
	.inspect = on_inspect,
	.resize = on_resize,
	.list = on_list,
	.kill = on_kill,
};

int service_register_exec(struct rpc_server *server)
{
	return cleat_v1_exec_register(server, &ops);
}
