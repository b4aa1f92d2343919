/* SPDX-License-Identifier: Apache-2.0 */
/* The process object goes to the shim in a memfd, so its size is no matter of the messages'. The row is
 * claimed before the shim is asked: of two starts of one exec only one reaches it. */
#include "exec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "cleat/shim/v1/shim.pb-c.h"
#include "eventmsg.h"
#include "fd.h"
#include "healthcheck.h"
#include "history.h"
#include "lifecycle.h"
#include "probekeep.h"
#include "record.h"
#include "request.h"
#include "shimlink.h"
#include "spec.h"
#include "status.h"
#include "store/requests.h"
#include "store/store.h"
#include "str.h"
#include "user.h"
#include "userns.h"
#include "usernsmode.h"

typedef Cleat__V1__CreateContainerRequest container_request;

static void container_request_free(container_request **request)
{
	if (*request)
		cleat__v1__create_container_request__free_unpacked(*request, NULL);
}

static void exec_request_free(Cleat__V1__CreateExecRequest **request)
{
	if (*request)
		cleat__v1__create_exec_request__free_unpacked(*request, NULL);
}

/* A container that can take an exec now, with its status. */
static int find_running(struct engine *engine, const char *reference, struct record *record,
			struct status *status, struct err *err)
{
	int r = record_find(engine->store, reference, record, err);

	if (r < 0)
		return r;
	status_read(engine, record, status);
	if (status->state == CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_PAUSED)
		return err_reason(err, ERR_PRECONDITION, "PAUSED",
				  "Container %s is paused, unpause the container before exec",
				  record->name);
	if (status->state != CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_RUNNING)
		return err_reason(err, ERR_PRECONDITION, "NOT_RUNNING",
				  "container %s is not running", record->id);
	return 0;
}

static int check(const Cleat__V1__CreateExecRequest *request, struct err *err)
{
	if (!request->n_command || !request->command[0][0])
		return err_set(err, ERR_INVALID, "No exec command specified");
	if (request->working_dir[0] && request->working_dir[0] != '/')
		return err_set(err, ERR_INVALID,
			       "Cwd must be an absolute path: working directory '%.100s'",
			       request->working_dir);
	for (size_t i = 0; i < request->n_env; i++)
		if (request->env[i][0] == '=' || !request->env[i][0])
			return err_set(err, ERR_INVALID, "invalid environment variable: %.100s",
				       request->env[i]);
	return 0;
}

static void tell_created(struct engine *engine, const struct record *container,
			 const Cleat__V1__CreateExecRequest *request, const char *id)
{
	const struct history_detail details[] = { { "execID", id }, { NULL, NULL } };
	cleanup(buf_deinit) struct buf action = BUF_NULL;

	buf_puts(&action, "exec_create");
	eventmsg_command(&action, request->command, request->n_command);
	if (!action.error)
		history_action(engine, container, action.data, details);
}

/* The record and the memory of the call are one change. */
static int insert_once(struct store *store, const char *key, const struct execrecord *record,
		       struct err *err)
{
	int r = store_begin(store, err), ended;

	if (r < 0)
		return r;
	r = requests_remember(store, key, record->id, strlen(record->id), err);
	if (r == 0)
		r = execrecord_insert(store, record, err);
	ended = store_end(store, r == 0, err);
	return r < 0 ? r : ended;
}

/* 1 with the record of an earlier try of the same call, unless it is gone. */
static int made_before(struct engine *engine, const char *key, struct execrecord *record,
		       struct err *err)
{
	cleanup(buf_deinit) struct buf id = BUF_NULL;
	int r = requests_recall(engine->store, key, &id, err);

	if (r <= 0)
		return r;
	return execrecord_find(engine->store, id.data ? id.data : "", record, NULL) == 0 ? 1 : 0;
}

int exec_create(struct engine *engine, const Cleat__V1__CreateExecRequest *request, const char *key,
		struct execrecord *record, struct err *err)
{
	cleanup(record_deinit) struct record container = { 0 };
	struct status status;
	int r = check(request, err);

	if (r == 0)
		r = made_before(engine, key, record, err);
	if (r)
		return r;
	r = find_running(engine, request->container, &container, &status, err);
	if (r < 0)
		return r;
	*record = (struct execrecord){ .created_ns = fd_realtime_ns() };
	str_random_id(record->id);
	(void)snprintf(record->container_id, sizeof(record->container_id), "%s", container.id);
	record->config_len = cleat__v1__create_exec_request__get_packed_size(request);
	record->config = malloc(record->config_len + 1);
	if (!record->config)
		return err_sys(err, ENOMEM, "exec");
	cleat__v1__create_exec_request__pack(request, record->config);
	r = insert_once(engine->store, key, record, err);
	if (r == 0)
		tell_created(engine, &container, request, record->id);
	return r;
}

static int find_user(const struct status *status, const Cleat__V1__CreateExecRequest *exec,
		     const Cleat__V1__ContainerConfig *container, struct passwd_user *user,
		     struct err *err)
{
	const char *spec = exec->user[0] ? exec->user : container->user;
	char path[64];
	cleanup_fd int root = -1;

	(void)snprintf(path, sizeof(path), "/proc/%d/root", status->pid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_reason(err, ERR_PRECONDITION, "NOT_RUNNING", "the container has ended");

	uint32_t ids;
	int r = user_of_root(root, spec, container->groups, container->n_groups, user, err);

	r = r ? r : usernsmode_parse(container->userns_mode, &ids, err);
	return r ? r : userns_check_user(user, ids, err);
}

/* The process object in a memfd; -errno. */
static int make_process(struct engine *engine, const struct execrecord *record,
			const Cleat__V1__CreateExecRequest *exec,
			const Cleat__V1__TerminalSize *size, struct err *err)
{
	cleanup(record_deinit) struct record container = { 0 };
	cleanup(container_request_free) container_request *request = NULL;
	cleanup_free char *json = NULL;
	cleanup_fd int fd = -1;
	struct passwd_user user;
	struct status status;
	int r = find_running(engine, record->container_id, &container, &status, err);

	if (r < 0)
		return r;
	request = cleat__v1__create_container_request__unpack(NULL, container.config_len,
							      container.config);
	if (!request || !request->config)
		return err_sys(err, ENOMEM, "exec");
	r = find_user(&status, exec, request->config, &user, err);
	if (r < 0)
		return r;

	const struct spec_exec_input input = {
		.container_id = container.id,
		.container = request->config,
		.exec = exec,
		.size = size,
		.user = { user.uid, user.gid, user.groups, user.n_groups, user.home },
	};

	r = spec_exec(&input, &json, err);
	if (r < 0)
		return r;
	fd = memfd_create("process", MFD_CLOEXEC);
	r = fd < 0 ? -errno : fd_write_all(fd, json, strlen(json));
	return r < 0 ? err_sys(err, r, "exec") : steal_fd(&fd);
}

static int start_claimed(struct engine *engine, const struct execrecord *record,
			 const Cleat__V1__CreateExecRequest *exec,
			 const Cleat__V1__ExecStart *start, struct shimstream *out, struct err *err)
{
	Cleat__Shim__V1__ShimRequest request = CLEAT__SHIM__V1__SHIM_REQUEST__INIT;
	Cleat__Shim__V1__ExecRequest body = CLEAT__SHIM__V1__EXEC_REQUEST__INIT;
	Cleat__Shim__V1__CountedInput input;
	const Cleat__V1__TerminalSize *size = start->terminal ? start->terminal : exec->terminal;
	cleanup_fd int process = make_process(engine, record, exec, size, err);

	if (process < 0)
		return process;
	body.exec_id = (char *)(uintptr_t)record->id;
	body.process_fd = true;
	body.tty = exec->tty;
	body.stdin = exec->attach_stdin;
	body.detached = start->detach;
	body.input = shimstream_input(start->input, &input);
	if (size) {
		body.rows = size->rows;
		body.columns = size->columns;
	}
	request.request_case = CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_EXEC;
	request.exec = &body;
	return (start->detach ? shimstream_none : shimstream_open)(
		engine->shims, record->container_id, &request, &process, 1, out, err);
}

int exec_start(struct engine *engine, const struct execrecord *record,
	       const Cleat__V1__ExecStart *start, struct shimstream *out, struct err *err)
{
	cleanup(exec_request_free) Cleat__V1__CreateExecRequest *exec =
		cleat__v1__create_exec_request__unpack(NULL, record->config_len, record->config);
	int r = exec ? execrecord_claim(engine->store, record->id, err)
		     : err_sys(err, ENOMEM, "exec");

	if (r < 0)
		return r;
	r = start_claimed(engine, record, exec, start, out, err);
	/* a shim that went away did not answer: who asks again finds out, and starts it if it never began */
	if (r < 0 && err->code == ERR_UNAVAILABLE)
		(void)!execrecord_unclaim(engine->store, record->id, NULL);
	else if (r < 0)
		(void)!execrecord_set_ended(engine->store, record->id,
					    r == -ENOENT   ? 127
					    : r == -EACCES ? 126
							   : 125,
					    NULL);
	return r;
}

/* An engine that has just begun may not have met the shim yet, which says nothing of the exec. */
static int reach(struct engine *engine, const char *container_id, struct err *err)
{
	cleanup(record_deinit) struct record record = { 0 };
	struct status status;
	int r = record_find(engine->store, container_id, &record, err);

	if (r < 0)
		return r;
	status_read(engine, &record, &status);
	return status_active(&status) ? lifecycle_reach(engine, &record, err) : 0;
}

int exec_join(struct engine *engine, const struct execrecord *record,
	      const Cleat__V1__ExecStart *start, struct shimstream *out, struct err *err)
{
	Cleat__Shim__V1__AttachRequest body = CLEAT__SHIM__V1__ATTACH_REQUEST__INIT;
	Cleat__Shim__V1__ShimRequest request = CLEAT__SHIM__V1__SHIM_REQUEST__INIT;
	Cleat__Shim__V1__CountedInput input;
	int r = reach(engine, record->container_id, err);

	if (r < 0)
		return r;
	body.exec_id = (char *)(uintptr_t)record->id;
	body.position = start->resume_position; /* 0 of one that does not go on */
	body.stdin = body.stdout = body.stderr = body.lossless = true;
	body.input = shimstream_input(start->input, &input);
	request.request_case = CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_ATTACH;
	request.attach = &body;
	return shimstream_open(engine->shims, record->container_id, &request, NULL, 0, out, err);
}

int exec_resize(struct engine *engine, const struct execrecord *record,
		const Cleat__V1__TerminalSize *size, struct err *err)
{
	Cleat__Shim__V1__ResizeRequest body = CLEAT__SHIM__V1__RESIZE_REQUEST__INIT;
	Cleat__Shim__V1__ShimRequest request = CLEAT__SHIM__V1__SHIM_REQUEST__INIT;

	body.exec_id = (char *)(uintptr_t)record->id;
	body.rows = size->rows;
	body.columns = size->columns;
	request.request_case = CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_RESIZE;
	request.resize = &body;
	return shims_call(engine->shims, record->container_id, &request, NULL, 0, SHIM_CALL_MS,
			  NULL, err);
}

int exec_kill(struct engine *engine, const struct execrecord *record, const char *key, int signal,
	      struct err *err)
{
	Cleat__Shim__V1__ExecKillRequest body = CLEAT__SHIM__V1__EXEC_KILL_REQUEST__INIT;
	Cleat__Shim__V1__ShimRequest request = CLEAT__SHIM__V1__SHIM_REQUEST__INIT;

	if (record->state != EXEC_STARTED)
		return err_reason(err, ERR_PRECONDITION, "NOT_RUNNING", "exec %.12s does not run",
				  record->id);
	body.exec_id = (char *)(uintptr_t)record->id;
	body.signal = signal;
	request.request_case = CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_EXEC_KILL;
	request.exec_kill = &body;
	request.request_key = (char *)(uintptr_t)key;
	return shims_call(engine->shims, record->container_id, &request, NULL, 0, SHIM_CALL_MS,
			  NULL, err);
}

int exec_tell_detached(struct engine *engine, const char *id, struct err *err)
{
	cleanup(execrecord_deinit) struct execrecord record = { 0 };
	cleanup(record_deinit) struct record container = { 0 };
	int r = execrecord_find(engine->store, id, &record, err);
	const struct history_detail details[] = { { "execID", record.id }, { NULL, NULL } };

	r = r ? r : record_find(engine->store, record.container_id, &container, err);
	if (r == 0)
		history_action(engine, &container, "exec_detach", details);
	return r;
}

/* Of a run of a health check: its command is the container's. */
static int describe_probe(struct engine *engine, struct execrecord *probe, struct err *err)
{
	Cleat__V1__CreateExecRequest exec = CLEAT__V1__CREATE_EXEC_REQUEST__INIT;
	cleanup(record_deinit) struct record container = { 0 };
	cleanup(request_freep) create_request *request = NULL;
	cleanup_free char **words = NULL;
	int r = record_find(engine->store, probe->container_id, &container, err);

	request = r < 0 ? NULL : request_of(&container, err);
	if (!request)
		return r < 0 ? r : -EINVAL;
	if (healthcheck_command(request->config, &words, &exec.n_command) < 0)
		return err_sys(err, ENOMEM, "exec");
	exec.container = probe->container_id;
	exec.command = words;
	exec.attach_stdout = exec.attach_stderr = true;
	exec.user = request->config->user;
	probe->config_len = cleat__v1__create_exec_request__get_packed_size(&exec);
	probe->config = malloc(probe->config_len);
	if (!probe->config)
		return err_sys(err, ENOMEM, "exec");
	cleat__v1__create_exec_request__pack(&exec, probe->config);
	return 0;
}

int exec_find(struct engine *engine, const char *reference, struct execrecord *out, struct err *err)
{
	int r = execrecord_find(engine->store, reference, out, err);

	if (r != -ENOENT || !probekeep_find(engine->probekeep, reference, out))
		return r;
	*err = ERR_NULL;
	return describe_probe(engine, out, err);
}

int exec_details(struct engine *engine, const struct execrecord *record,
		 Cleat__V1__ExecDetails *out, struct err *err)
{
	cleanup(record_deinit) struct record container = { 0 };
	struct status status;

	out->id = strdup(record->id);
	out->container_id = strdup(record->container_id);
	out->config =
		cleat__v1__create_exec_request__unpack(NULL, record->config_len, record->config);
	out->running = record->state == EXEC_STARTED;
	out->pid = record->pid;
	if (record->state == EXEC_ENDED) {
		out->exit_case = CLEAT__V1__EXEC_DETAILS__EXIT_EXIT_CODE;
		out->exit_code = record->exit_code;
	}
	if (!out->id || !out->container_id || !out->config)
		return err_sys(err, ENOMEM, "exec");
	if (record_find(engine->store, record->container_id, &container, NULL) == 0) {
		status_read(engine, &container, &status);
		out->container_state = status.state;
	}
	return 0;
}
