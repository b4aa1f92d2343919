/* SPDX-License-Identifier: Apache-2.0 */
/* exec: one call that creates and starts the session. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "envfile.h"
#include "fd.h"
#include "msg.h"
#include "session.h"
#include "str.h"

static int add_env(void *arg, const char *line, struct err *err)
{
	Cleat__V1__CreateExecRequest *c = arg;
	cleanup_free char *whole = NULL;

	if (!strchr(line, '=')) {
		const char *value = getenv(line);

		if (!value)
			return 0;
		whole = str_printf("%s=%s", line, value);
		line = whole ? whole : line;
	}
	return msg_add(&c->env, &c->n_env, line) ? 0 : err_sys(err, ENOMEM, "env");
}

static int fill_env(const struct flags *flags, Cleat__V1__CreateExecRequest *c, struct err *err)
{
	const char *text;
	int r = 0;

	for (size_t i = 0; r == 0 && (text = flags_nth(flags, "env-file", i)); i++) {
		cleanup(buf_deinit) struct buf b = BUF_NULL;

		r = fd_read_file(AT_FDCWD, text, 4 << 20, &b);
		if (r < 0)
			return err_sys(err, r, "--env-file %s", text);
		r = envfile_parse(text, b.data ? b.data : "", b.len, add_env, c, err);
	}
	for (size_t i = 0; r == 0 && (text = flags_nth(flags, "env", i)); i++)
		r = add_env(c, text, err);
	return r;
}

static int fill(const struct flags *flags, Cleat__V1__CreateExecRequest *c, struct err *err)
{
	bool detach = flags_switch(flags, "detach");

	if (!msg_set(&c->container, flags->args[0]) ||
	    !msg_set(&c->user, str_or_empty(flags_text(flags, "user"))) ||
	    !msg_set(&c->working_dir, str_or_empty(flags_text(flags, "workdir"))))
		return err_sys(err, ENOMEM, "exec");
	for (size_t i = 1; i < flags->n_args; i++)
		if (!msg_add(&c->command, &c->n_command, flags->args[i]))
			return err_sys(err, ENOMEM, "exec");
	c->tty = flags_switch(flags, "tty");
	c->privileged = flags_switch(flags, "privileged");
	c->attach_stdin = flags_switch(flags, "interactive") && !detach;
	c->attach_stdout = c->attach_stderr = !detach;
	return fill_env(flags, c, err);
}

static int run_exec(struct cli *cli, const struct flags *flags, struct err *err)
{
	cleanup(msg_freep) Cleat__V1__CreateExecRequest *c =
		msg_new(&cleat__v1__create_exec_request__descriptor);
	Cleat__V1__ExecStart start = CLEAT__V1__EXEC_START__INIT;
	struct session s = { .exec = &start, .detach_keys = flags_text(flags, "detach-keys") };
	int r = c ? fill(flags, c, err) : err_sys(err, ENOMEM, "exec");

	if (r < 0)
		return r;
	if (c->tty && c->attach_stdin && !isatty(STDIN_FILENO))
		return err_set(err, ERR_INVALID, "the input device is not a TTY");
	start.create = c;
	start.detach = flags_switch(flags, "detach");
	s.stdin_wanted = c->attach_stdin;
	s.tty = c->tty;
	return session_run(cli, &s, err);
}

static const struct flag exec_flags[] = {
	{ "detach", 'd', FLAG_SWITCH, NULL, "Detached mode: run command in the background" },
	{ "detach-keys", 0, FLAG_TEXT, "string", "Override the key sequence for detaching" },
	{ "env", 'e', FLAG_LIST, "list", "Set environment variables" },
	{ "env-file", 0, FLAG_LIST, "list", "Read in a file of environment variables" },
	{ "interactive", 'i', FLAG_SWITCH, NULL, "Keep STDIN open even if not attached" },
	{ "privileged", 0, FLAG_SWITCH, NULL, "Give extended privileges to the command" },
	{ "tty", 't', FLAG_SWITCH, NULL, "Allocate a pseudo-TTY" },
	{ "user", 'u', FLAG_TEXT, "string", "Username or UID (name|uid[:group|gid])" },
	{ "workdir", 'w', FLAG_TEXT, "string", "Working directory inside the container" },
	{ 0 },
};

const struct command cmd_exec_table[] = {
	{ "container", "exec", "exec", "[OPTIONS] CONTAINER COMMAND [ARG...]",
	  "Execute a command in a running container", exec_flags, 2, SIZE_MAX, true, run_exec },
	{ 0 },
};
