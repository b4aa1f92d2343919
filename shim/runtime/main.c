/* SPDX-License-Identifier: Apache-2.0 */
/* cleat-oci: an OCI runtime. The verbs are a table; errors are printed once, here: to stderr, to
 * --log in the form --log-format asks for, and to --notify-fd. */
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "arena.h"
#include "buf.h"
#include "container.h"
#include "fd.h"
#include "foreign.h"
#include "launch.h"
#include "notify.h"
#include "seal.h"
#include "str.h"

struct call {
	const struct options *o;
	struct outcome out;
	int code;
};

static int do_create(struct call *c, struct err *err)
{
	return container_create(c->o, false, &c->code, &c->out, err);
}

static int do_run(struct call *c, struct err *err)
{
	if (c->o->runtime)
		return foreign_run(c->o, &c->out, err);
	return container_create(c->o, true, &c->code, &c->out, err);
}

static int do_start(struct call *c, struct err *err)
{
	return container_start(c->o, &c->out, err);
}

static int do_exec(struct call *c, struct err *err)
{
	if (c->o->runtime)
		return foreign_exec(c->o, &c->out, err);
	return container_exec(c->o, &c->code, &c->out, err);
}

static int do_kill(struct call *c, struct err *err)
{
	return container_kill(c->o, err);
}

static int do_delete(struct call *c, struct err *err)
{
	return container_delete(c->o, err);
}

static int do_state(struct call *c, struct err *err)
{
	return container_state(c->o, err);
}

static int do_list(struct call *c, struct err *err)
{
	return container_list(c->o, err);
}

static int do_pause(struct call *c, struct err *err)
{
	return container_freeze(c->o, true, err);
}

static int do_resume(struct call *c, struct err *err)
{
	return container_freeze(c->o, false, err);
}

static int do_update(struct call *c, struct err *err)
{
	struct oci_notify n = { .magic = OCI_NOTIFY_MAGIC, .kind = OCI_NOTIFY_DONE };
	int r;

	if (!c->o->resources)
		return err_set(err, ERR_INVALID, "update needs --resources");
	r = c->o->runtime ? foreign_update(c->o, &c->out, err) : container_update(c->o, err);
	if (!r && c->o->notify_fd >= 0)
		(void)!fd_send(c->o->notify_fd, &n, sizeof(n), NULL, 0, MSG_NOSIGNAL);
	return r;
}

static int do_features(struct call *c, struct err *err)
{
	(void)c;
	(void)err;
	(void)puts(
		"{\"ociVersionMin\":\"1.0.0\",\"ociVersionMax\":\"1.1.0\","
		"\"hooks\":[\"prestart\",\"createRuntime\",\"createContainer\",\"startContainer\","
		"\"poststart\",\"poststop\"],\"linux\":{\"namespaces\":[\"cgroup\",\"ipc\","
		"\"mount\",\"network\",\"pid\",\"user\",\"uts\"],\"cgroup\":{\"v1\":true,"
		"\"v2\":true,\"systemd\":false},\"seccomp\":{\"enabled\":true},"
		"\"apparmor\":{\"enabled\":true},\"selinux\":{\"enabled\":false}}}");
	return 0;
}

static const struct {
	const char *name, *help;
	bool id, enters; /* needs an id; a child of it enters a container */
	int (*run)(struct call *c, struct err *err);
} verbs[] = {
	{ "create", "make a container from a bundle, ready to start", true, true, do_create },
	{ "start", "start a created container", true, false, do_start },
	{ "run", "create and start a container and wait for it", true, true, do_run },
	{ "exec", "run a further program in a container", true, true, do_exec },
	{ "state", "print the state of a container", true, false, do_state },
	{ "kill", "send a signal to a container", true, false, do_kill },
	{ "delete", "remove a container", true, false, do_delete },
	{ "pause", "freeze a container", true, false, do_pause },
	{ "resume", "thaw a container", true, false, do_resume },
	{ "update", "change the limits of a container", true, false, do_update },
	{ "list", "list containers", false, false, do_list },
	{ "features", "print what this runtime supports", false, false, do_features },
};

static int help(void)
{
	(void)puts("usage: cleat-oci [--root DIR] [--log FILE] [--log-format text|json] VERB "
		   "[options] ID\n");
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		(void)printf("  %-10s %s\n", verbs[i].name, verbs[i].help);
	return 0;
}

static void write_log(const struct options *o, const struct err *err)
{
	cleanup(buf_deinit) struct buf b = BUF_NULL;
	char now[STR_TIME_MAX];
	cleanup_fd int fd = -1;

	if (!o->log)
		return;
	fd = open(o->log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	str_format_time(fd_realtime_ns(), now);
	if (o->log_format && !strcmp(o->log_format, "json")) {
		buf_puts(&b, "{\"level\":\"error\",\"msg\":");
		buf_json_string(&b, err->message, strlen(err->message));
		buf_printf(&b, ",\"time\":\"%s\"}\n", now);
	} else {
		buf_printf(&b, "%s error: %s\n", now, err->message);
	}
	if (fd >= 0 && !b.error)
		(void)!fd_write_all(fd, b.data, b.len);
}

static int report(const struct options *o, const struct call *c, const struct err *err)
{
	struct oci_notify n = { .magic = OCI_NOTIFY_MAGIC, .kind = OCI_NOTIFY_FAILED };

	n.exit_code = c->out.exit_code ? c->out.exit_code : EXIT_RUNTIME;
	n.sys = err->sys;
	(void)snprintf(n.stage, sizeof(n.stage), "%s", str_or_empty(c->out.stage));
	(void)snprintf(n.message, sizeof(n.message), "%s", err->message);
	if (o->notify_fd >= 0)
		(void)!fd_send(o->notify_fd, &n, sizeof(n), NULL, 0, MSG_NOSIGNAL);
	write_log(o, err);
	if (c->out.stage)
		(void)fprintf(stderr, "cleat-oci: %s: %s\n", c->out.stage, err->message);
	else
		(void)fprintf(stderr, "cleat-oci: %s\n", err->message);
	return n.exit_code;
}

int main(int argc, char **argv)
{
	static struct options o;
	struct call call = { .o = &o };
	struct err err = ERR_NULL;
	int r = options_parse(&o, argc, argv, &err);

	launch_note_line(argc, argv);
	json_set_alloc_funcs(arena_take, arena_keep);
	if (!r && o.help)
		return help();
	if (!r && o.version)
		return puts("cleat-oci version " CLEAT_VERSION "\nspec: 1.1.0") < 0;
	for (size_t i = 0; !r && o.verb && i < ARRAY_LEN(verbs); i++) {
		if (strcmp(verbs[i].name, o.verb) != 0)
			continue;
		if (verbs[i].id && !o.id)
			r = err_set(&err, ERR_INVALID, "%s needs a container id", o.verb);
		if (!r && verbs[i].enters && !o.runtime)
			seal_self(argv);
		r = r ? r : verbs[i].run(&call, &err);
		return r ? report(&o, &call, &err) : call.code;
	}
	if (!r)
		r = err_set(&err, ERR_INVALID, "unknown command \"%.40s\"", str_or_empty(o.verb));
	return report(&o, &call, &err);
}
