/* SPDX-License-Identifier: Apache-2.0 */
/* The life of existing containers, and their output. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cleat/v1/containers.rpc.h"
#include "fd.h"
#include "msg.h"
#include "session.h"
#include "str.h"
#include "table.h"

#define TEXT_OF(s) ((char *)(uintptr_t)(s))

static int parse_timeout(const struct flags *flags, int64_t *seconds, struct err *err)
{
	const char *text = flags_text(flags, "timeout");

	*seconds = 0;
	if (!text)
		text = flags_text(flags, "time");
	if (!text)
		return 0;
	if (str_int_in(text, -1, INT32_MAX, seconds) < 0)
		return err_set(err, ERR_INVALID,
			       "invalid argument \"%s\" for \"-t, --timeout\" flag: expected "
			       "seconds, or -1",
			       text);
	return 1;
}

static int one_stop(struct cli *cli, const struct flags *flags, const char *arg, struct err *err)
{
	Cleat__V1__StopContainerRequest req = CLEAT__V1__STOP_CONTAINER_REQUEST__INIT;
	int64_t seconds;
	int r = parse_timeout(flags, &seconds, err);

	if (r < 0)
		return r;
	req.container = TEXT_OF(arg);
	req.signal = TEXT_OF(str_or_empty(flags_text(flags, "signal")));
	if (r == 1) {
		req.timeout_case = CLEAT__V1__STOP_CONTAINER_REQUEST__TIMEOUT_TIMEOUT_SECONDS;
		req.timeout_seconds = (int32_t)seconds;
	}
	return remote_call(cli, &cleat_v1_containers, "Stop", &req.base, NULL, err);
}

static int run_stop(struct cli *cli, const struct flags *flags, struct err *err)
{
	(void)err;
	return cli_each(cli, flags, false, one_stop);
}

static int one_restart(struct cli *cli, const struct flags *flags, const char *arg, struct err *err)
{
	Cleat__V1__RestartContainerRequest req = CLEAT__V1__RESTART_CONTAINER_REQUEST__INIT;
	int64_t seconds;
	int r = parse_timeout(flags, &seconds, err);

	if (r < 0)
		return r;
	req.container = TEXT_OF(arg);
	req.signal = TEXT_OF(str_or_empty(flags_text(flags, "signal")));
	if (r == 1) {
		req.timeout_case = CLEAT__V1__RESTART_CONTAINER_REQUEST__TIMEOUT_TIMEOUT_SECONDS;
		req.timeout_seconds = (int32_t)seconds;
	}
	return remote_call(cli, &cleat_v1_containers, "Restart", &req.base, NULL, err);
}

static int run_restart(struct cli *cli, const struct flags *flags, struct err *err)
{
	(void)err;
	return cli_each(cli, flags, false, one_restart);
}

static int one_kill(struct cli *cli, const struct flags *flags, const char *arg, struct err *err)
{
	Cleat__V1__KillContainerRequest req = CLEAT__V1__KILL_CONTAINER_REQUEST__INIT;

	req.container = TEXT_OF(arg);
	req.signal = TEXT_OF(str_or_empty(flags_text(flags, "signal")));
	return remote_call(cli, &cleat_v1_containers, "Kill", &req.base, NULL, err);
}

static int run_kill(struct cli *cli, const struct flags *flags, struct err *err)
{
	(void)err;
	return cli_each(cli, flags, false, one_kill);
}

static int one_pause(struct cli *cli, const struct flags *flags, const char *arg, struct err *err)
{
	Cleat__V1__PauseContainerRequest req = CLEAT__V1__PAUSE_CONTAINER_REQUEST__INIT;

	(void)flags;
	req.container = TEXT_OF(arg);
	return remote_call(cli, &cleat_v1_containers, "Pause", &req.base, NULL, err);
}

static int run_pause(struct cli *cli, const struct flags *flags, struct err *err)
{
	(void)err;
	return cli_each(cli, flags, false, one_pause);
}

static int one_unpause(struct cli *cli, const struct flags *flags, const char *arg, struct err *err)
{
	Cleat__V1__UnpauseContainerRequest req = CLEAT__V1__UNPAUSE_CONTAINER_REQUEST__INIT;

	(void)flags;
	req.container = TEXT_OF(arg);
	return remote_call(cli, &cleat_v1_containers, "Unpause", &req.base, NULL, err);
}

static int run_unpause(struct cli *cli, const struct flags *flags, struct err *err)
{
	(void)err;
	return cli_each(cli, flags, false, one_unpause);
}

static int one_remove(struct cli *cli, const struct flags *flags, const char *arg, struct err *err)
{
	Cleat__V1__RemoveContainerRequest req = CLEAT__V1__REMOVE_CONTAINER_REQUEST__INIT;
	int r;

	req.container = TEXT_OF(arg);
	req.force = flags_switch(flags, "force");
	req.remove_volumes = flags_switch(flags, "volumes");
	req.link = flags_switch(flags, "link");
	r = remote_call(cli, &cleat_v1_containers, "Remove", &req.base, NULL, err);
	if (r == 0 || !req.force || err->code != ERR_NOT_FOUND)
		return r;
	output_error(err); /* it is not there: what was wanted */
	return 1;
}

static int run_remove(struct cli *cli, const struct flags *flags, struct err *err)
{
	(void)err;
	return cli_each(cli, flags, false, one_remove);
}

static int one_start(struct cli *cli, const struct flags *flags, const char *arg, struct err *err)
{
	Cleat__V1__StartContainerRequest req = CLEAT__V1__START_CONTAINER_REQUEST__INIT;

	(void)flags;
	req.container = TEXT_OF(arg);
	return remote_call(cli, &cleat_v1_containers, "Start", &req.base, NULL, err);
}

static int run_start(struct cli *cli, const struct flags *flags, struct err *err)
{
	Cleat__V1__AttachStart a = CLEAT__V1__ATTACH_START__INIT;
	struct session s = { .attach = &a,
			     .stdin_wanted = flags_switch(flags, "interactive"),
			     .sig_proxy = true,
			     .detach_keys = flags_text(flags, "detach-keys") };

	if (!flags_switch(flags, "attach") && !s.stdin_wanted)
		return cli_each(cli, flags, false, one_start);
	if (flags->n_args != 1)
		return err_set(err, ERR_INVALID,
			       "you cannot start and attach multiple containers at once");
	a.container = TEXT_OF(flags->args[0]);
	a.stdin = s.stdin_wanted;
	a.stdout = a.stderr = a.stream = a.start = a.lossless = true;
	a.detach_keys = TEXT_OF("none");
	s.tty = s.stdin_wanted && isatty(STDIN_FILENO);
	return session_run(cli, &s, err);
}

static int run_rename(struct cli *cli, const struct flags *flags, struct err *err)
{
	Cleat__V1__RenameContainerRequest req = CLEAT__V1__RENAME_CONTAINER_REQUEST__INIT;

	req.container = TEXT_OF(flags->args[0]);
	req.name = TEXT_OF(flags->args[1]);
	return remote_call(cli, &cleat_v1_containers, "Rename", &req.base, NULL, err);
}

/* ---- wait */

/* One stream of a wait: 1 with the exit code in *code. */
static int wait_once(struct cli *cli, Cleat__V1__WaitContainerRequest *req, int *code,
		     struct err *err)
{
	cleanup(rpc_client_call_closep) struct rpc_client_call *call = NULL;
	int r = remote_open(cli, &cleat_v1_containers, "Wait", NULL, &req->base, &call, err);

	while (r == 0) {
		cleanup(msg_freep) Cleat__V1__WaitContainerReply *m = NULL;
		int n = rpc_client_call_recv(call, (ProtobufCMessage **)(void *)&m, err);

		if (n <= 0)
			return n < 0 ? n
				     : err_set(err, ERR_INTERNAL,
					       "the wait ended without an answer");
		if (m->armed) {
			req->resume_case = CLEAT__V1__WAIT_CONTAINER_REQUEST__RESUME_EXITS;
			req->exits = m->exits;
			continue;
		}
		*code = m->exit_code;
		return m->error[0] ? err_set(err, ERR_UNKNOWN, "%s", m->error) : 1;
	}
	return r;
}

static int one_wait(struct cli *cli, const struct flags *flags, const char *arg, struct err *err)
{
	Cleat__V1__WaitContainerRequest req = CLEAT__V1__WAIT_CONTAINER_REQUEST__INIT;
	int64_t since_ns = 0;
	int code = 0, r;

	(void)flags;
	req.container = TEXT_OF(arg);
	do {
		*err = ERR_NULL;
		r = wait_once(cli, &req, &code, err);
	} while (r < 0 && cli->client && remote_again(cli, err, &since_ns));
	if (r == 1)
		printf("%d\n", code);
	fflush(stdout);
	return r < 0 ? r : 0;
}

static int run_wait(struct cli *cli, const struct flags *flags, struct err *err)
{
	(void)err;
	return cli_each(cli, flags, true, one_wait);
}

/* ---- logs */

/* What stands before each line. */
static void line_prefix(const struct flags *flags, const Cleat__V1__LogEntry *m, struct buf *out)
{
	char time[STR_TIME_MAX];

	if (flags_switch(flags, "timestamps")) {
		str_format_time(m->time_ns, time);
		buf_printf(out, "%s ", time);
	}
	if (flags_switch(flags, "details"))
		for (size_t i = 0; i < m->n_details; i++)
			buf_printf(out, "%s%s=%s%s", i ? "," : "", m->details[i]->key,
				   m->details[i]->value, i + 1 == m->n_details ? " " : "");
}

static int write_entry(const struct flags *flags, const Cleat__V1__LogEntry *m, bool *at_start,
		       struct err *err)
{
	cleanup(buf_deinit) struct buf prefix = BUF_NULL, out = BUF_NULL;
	bool is_stderr = m->stream == CLEAT__V1__OUTPUT_STREAM__OUTPUT_STREAM_STDERR;
	const char *at = (const char *)m->data.data, *end = at + m->data.len;
	int r;

	line_prefix(flags, m, &prefix);
	while (at < end) {
		const char *newline = prefix.len ? memchr(at, '\n', (size_t)(end - at)) : NULL;
		const char *stop = newline ? newline + 1 : end;

		if (*at_start && prefix.len)
			buf_append(&out, prefix.data, prefix.len);
		buf_append(&out, at, (size_t)(stop - at));
		at = stop;
		*at_start = stop[-1] == '\n';
	}
	r = prefix.error ? prefix.error
	    : out.error  ? out.error
			 : output_write(is_stderr ? STDERR_FILENO : STDOUT_FILENO,
                                       out.data ? out.data : "", out.len);
	return r < 0 ? err_sys(err, r, "output") : 0;
}

static int logs_once(struct cli *cli, const struct flags *flags, Cleat__V1__LogsRequest *req,
		     bool at_start[2], int64_t *since_ns, struct err *err)
{
	cleanup(rpc_client_call_closep) struct rpc_client_call *call = NULL;
	int r = remote_open(cli, &cleat_v1_containers, "Logs", NULL, &req->base, &call, err);

	while (r == 0) {
		cleanup(msg_freep) Cleat__V1__LogEntry *m = NULL;
		int n = rpc_client_call_recv(call, (ProtobufCMessage **)(void *)&m, err);

		if (n <= 0)
			return n;
		*since_ns = 0;
		r = write_entry(
			flags, m,
			&at_start[m->stream == CLEAT__V1__OUTPUT_STREAM__OUTPUT_STREAM_STDERR],
			err);
		req->resume_case = CLEAT__V1__LOGS_REQUEST__RESUME_RESUME_POSITION;
		req->resume_position = m->position + m->data.len;
	}
	return r;
}

static int time_flag(const struct flags *flags, const char *name, int64_t *ns, struct err *err)
{
	const char *text = flags_text(flags, name);

	if (text && str_time_ns(text, fd_realtime_ns(), ns) < 0)
		return err_set(err, ERR_INVALID,
			       "invalid value for \"--%s\": \"%s\" is no time or duration", name,
			       text);
	return 0;
}

static int run_logs(struct cli *cli, const struct flags *flags, struct err *err)
{
	Cleat__V1__LogsRequest req = CLEAT__V1__LOGS_REQUEST__INIT;
	const char *tail = flags_text(flags, "tail");
	bool at_start[2] = { true, true };
	int64_t since_ns = 0;
	int r;

	req.container = TEXT_OF(flags->args[0]);
	req.stdout = req.stderr = true;
	req.follow = req.announce = flags_switch(flags, "follow");
	req.details = flags_switch(flags, "details");
	if (time_flag(flags, "since", &req.since_ns, err) < 0 ||
	    time_flag(flags, "until", &req.until_ns, err) < 0)
		return -EINVAL;
	if (tail && strcmp(tail, "all") != 0 && tail[0] != '-') {
		req.lines_case = CLEAT__V1__LOGS_REQUEST__LINES_TAIL;
		if (str_u64(tail, &req.tail) < 0)
			return err_set(err, ERR_INVALID,
				       "invalid value for \"--tail\": \"%s\" is no number", tail);
	}
	do {
		*err = ERR_NULL;
		r = logs_once(cli, flags, &req, at_start, &since_ns, err);
	} while (r < 0 && cli->client && remote_again(cli, err, &since_ns));
	return r;
}

/* ---- top */

static int run_top(struct cli *cli, const struct flags *flags, struct err *err)
{
	Cleat__V1__TopContainerRequest req = CLEAT__V1__TOP_CONTAINER_REQUEST__INIT;
	cleanup(msg_freep) Cleat__V1__TopContainerReply *reply = NULL;
	cleanup(buf_deinit) struct buf b = BUF_NULL, out = BUF_NULL;
	int r;

	req.container = TEXT_OF(flags->args[0]);
	req.ps_args = (char **)(uintptr_t)(flags->args + 1);
	req.n_ps_args = flags->n_args - 1;
	r = remote_call(cli, &cleat_v1_containers, "Top", &req.base, &reply, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < reply->n_titles; i++)
		buf_printf(&b, "%s%s", i ? "\t" : "", reply->titles[i]);
	buf_putc(&b, '\n');
	for (size_t k = 0; k < reply->n_processes; k++) {
		for (size_t i = 0; i < reply->processes[k]->n_cells; i++)
			buf_printf(&b, "%s%s", i ? "\t" : "", reply->processes[k]->cells[i]);
		buf_putc(&b, '\n');
	}
	table_align(&out, b.data ? b.data : "");
	r = output_write(STDOUT_FILENO, out.data ? out.data : "", out.len);
	return r < 0 ? err_sys(err, r, "output") : 0;
}

static const struct flag no_flags[] = { { 0 } };
static const struct flag stop_flags[] = {
	{ "signal", 's', FLAG_TEXT, "string", "Signal to send to the container" },
	{ "timeout", 't', FLAG_TEXT, "int", "Seconds to wait before killing the container" },
	{ "time", 0, FLAG_TEXT, "int", NULL },
	{ 0 },
};
static const struct flag kill_flags[] = {
	{ "signal", 's', FLAG_TEXT, "string", "Signal to send to the container" },
	{ 0 },
};
static const struct flag start_flags[] = {
	{ "attach", 'a', FLAG_SWITCH, NULL, "Attach STDOUT/STDERR and forward signals" },
	{ "detach-keys", 0, FLAG_TEXT, "string", "Override the key sequence for detaching" },
	{ "interactive", 'i', FLAG_SWITCH, NULL, "Attach container's STDIN" },
	{ 0 },
};
static const struct flag rm_flags[] = {
	{ "force", 'f', FLAG_SWITCH, NULL, "Force the removal of a running container" },
	{ "link", 'l', FLAG_SWITCH, NULL, "Remove the specified link" },
	{ "volumes", 'v', FLAG_SWITCH, NULL, "Remove anonymous volumes of the container" },
	{ 0 },
};
static const struct flag logs_flags[] = {
	{ "details", 0, FLAG_SWITCH, NULL, "Show extra details provided to logs" },
	{ "follow", 'f', FLAG_SWITCH, NULL, "Follow log output" },
	{ "since", 0, FLAG_TEXT, "string", "Show logs since a time or a duration ago" },
	{ "tail", 'n', FLAG_TEXT, "string", "Number of lines to show from the end" },
	{ "timestamps", 't', FLAG_SWITCH, NULL, "Show timestamps" },
	{ "until", 0, FLAG_TEXT, "string", "Show logs before a time or a duration ago" },
	{ 0 },
};

#define MANY "[OPTIONS] CONTAINER [CONTAINER...]"

const struct command cmd_container_table[] = {
	{ "container", "start", "start", MANY, "Start one or more stopped containers", start_flags,
	  1, SIZE_MAX, false, run_start },
	{ "container", "stop", "stop", MANY, "Stop one or more running containers", stop_flags, 1,
	  SIZE_MAX, false, run_stop },
	{ "container", "restart", "restart", MANY, "Restart one or more containers", stop_flags, 1,
	  SIZE_MAX, false, run_restart },
	{ "container", "kill", "kill", MANY, "Kill one or more running containers", kill_flags, 1,
	  SIZE_MAX, false, run_kill },
	{ "container", "pause", "pause", MANY, "Pause all processes of containers", no_flags, 1,
	  SIZE_MAX, false, run_pause },
	{ "container", "unpause", "unpause", MANY, "Unpause all processes of containers", no_flags,
	  1, SIZE_MAX, false, run_unpause },
	{ "container", "wait", "wait", MANY,
	  "Block until containers stop, then print their exit codes", no_flags, 1, SIZE_MAX, false,
	  run_wait },
	{ "container", "remove", NULL, MANY, "Remove one or more containers", rm_flags, 1, SIZE_MAX,
	  false, run_remove },
	{ "container", "rm", "rm", MANY, "Remove one or more containers", rm_flags, 1, SIZE_MAX,
	  false, run_remove },
	{ "container", "rename", "rename", "CONTAINER NEW_NAME", "Rename a container", no_flags, 2,
	  2, false, run_rename },
	{ "container", "logs", "logs", "[OPTIONS] CONTAINER", "Fetch the logs of a container",
	  logs_flags, 1, 1, false, run_logs },
	{ "container", "top", "top", "CONTAINER [ps OPTIONS]",
	  "Display the running processes of a container", no_flags, 1, SIZE_MAX, true, run_top },
	{ 0 },
};
