/* SPDX-License-Identifier: Apache-2.0 */
/* version, info, events, wait-ready, upgrade. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cleat/v1/system.rpc.h"
#include "cli.h"
#include "fd.h"
#include "listjson.h"
#include "msg.h"
#include "str.h"

#define TEXT_OF(s) ((char *)(uintptr_t)(s))

static json_t *version_json(const Cleat__V1__VersionReply *v)
{
	json_t *o = json_object(), *client = json_object(), *server = json_object();

	json_object_set_new(client, "Version", row_text(CLEAT_VERSION));
	json_object_set_new(client, "Os", row_text("linux"));
	json_object_set_new(o, "Client", client);
	if (!v) {
		json_decref(server);
		return o;
	}
	json_object_set_new(server, "Version", row_text(v->version));
	json_object_set_new(server, "GitCommit", row_text(v->git_commit));
	json_object_set_new(server, "Os", row_text(v->os));
	json_object_set_new(server, "Arch", row_text(v->architecture));
	json_object_set_new(server, "KernelVersion", row_text(v->kernel));
	json_object_set_new(server, "BuildTime", row_text(v->build_time));
	json_object_set_new(o, "Server", server);
	return o;
}

static int run_version(struct cli *cli, const struct flags *flags, struct err *err)
{
	Cleat__V1__VersionRequest req = CLEAT__V1__VERSION_REQUEST__INIT;
	cleanup(msg_freep) Cleat__V1__VersionReply *v = NULL;
	const char *format = flags_text(flags, "format");
	int r = remote_call(cli, &cleat_v1_system, "Version", &req.base, &v, err);

	if (format) {
		json_t *o = version_json(v);
		struct err second = ERR_NULL;
		int w = output_value(format, o, false, r < 0 ? &second : err);

		json_decref(o);
		return r < 0 ? r : w;
	}
	printf("Client:\n Version:    %s\n", CLEAT_VERSION);
	if (r < 0)
		return r;
	printf("\nServer:\n Version:    %s\n OS/Arch:    %s/%s\n Kernel:     %s\n", v->version,
	       v->os, v->architecture, v->kernel);
	if (v->git_commit[0])
		printf(" Git commit: %s\n", v->git_commit);
	for (size_t i = 0; i < v->n_components; i++)
		printf(" %s: %s\n", v->components[i]->name, v->components[i]->version);
	return 0;
}

static int run_info(struct cli *cli, const struct flags *flags, struct err *err)
{
	Cleat__V1__InfoRequest req = CLEAT__V1__INFO_REQUEST__INIT;
	cleanup(msg_freep) Cleat__V1__InfoReply *i = NULL;
	const char *format = flags_text(flags, "format");
	int r = remote_call(cli, &cleat_v1_system, "Info", &req.base, &i, err);

	if (r < 0)
		return r;
	if (format) {
		json_t *o = listjson_info(i);

		r = o ? output_value(format, o, false, err) : err_sys(err, ENOMEM, "info");
		json_decref(o);
		return r;
	}
	printf("Server:\n Containers: %u\n  Running: %u\n  Paused: %u\n  Stopped: %u\n Images: "
	       "%u\n",
	       i->containers, i->running, i->paused, i->stopped, i->images);
	printf(" Server Version: %s\n Storage Driver: %s\n Logging Driver: %s\n", i->version,
	       i->layer_driver, i->log_driver);
	printf(" Cgroup Driver: %s\n Cgroup Version: %u\n Default Runtime: %s\n", i->cgroup_driver,
	       i->cgroup_version, i->runtime);
	printf(" Kernel Version: %s\n Operating System: %s\n Architecture: %s\n CPUs: %u\n",
	       i->kernel, i->operating_system, i->architecture, i->cpus);
	printf(" Total Memory: %.4gGiB\n Name: %s\n State Dir: %s\n Run Dir: %s\n",
	       (double)i->memory_bytes / (1 << 30), i->name, i->state_dir, i->run_dir);
	for (size_t k = 0; k < i->n_warnings; k++)
		fprintf(stderr, "WARNING: %s\n", i->warnings[k]);
	return 0;
}

/* ---- events */

static int show_event(const struct flags *flags, const Cleat__V1__Event *e, struct err *err)
{
	const char *format = flags_text(flags, "format");
	char time[STR_TIME_MAX];

	if (format) {
		json_t *o = listjson_event(e);
		int r = output_value(format, o, false, err);

		json_decref(o);
		return r;
	}
	str_format_time(e->time_ns, time);
	printf("%s %s %s %s", time, e->type, e->action, e->actor_id);
	for (size_t i = 0; i < e->n_attributes; i++)
		printf("%s%s=%s%s", i ? ", " : " (", e->attributes[i]->key, e->attributes[i]->value,
		       i + 1 == e->n_attributes ? ")" : "");
	printf("\n");
	return fflush(stdout) == 0 ? 0 : err_sys(err, errno, "output");
}

static int events_once(struct cli *cli, const struct flags *flags, Cleat__V1__EventsRequest *req,
		       int64_t *since_ns, struct err *err)
{
	cleanup(rpc_client_call_closep) struct rpc_client_call *call = NULL;
	int r = remote_open(cli, &cleat_v1_system, "Events", NULL, &req->base, &call, err);

	while (r == 0) {
		cleanup(msg_freep) Cleat__V1__Event *m = NULL;
		int n = rpc_client_call_recv(call, (ProtobufCMessage **)(void *)&m, err);

		if (n <= 0)
			return n;
		*since_ns = 0;
		r = show_event(flags, m, err);
		req->resume_case = CLEAT__V1__EVENTS_REQUEST__RESUME_RESUME_SEQUENCE;
		req->resume_sequence = m->sequence;
	}
	return r;
}

static int run_events(struct cli *cli, const struct flags *flags, struct err *err)
{
	Cleat__V1__EventsRequest req = CLEAT__V1__EVENTS_REQUEST__INIT;
	const char *since = flags_text(flags, "since"), *until = flags_text(flags, "until");
	int64_t now = fd_realtime_ns(), since_ns = 0;
	int r;

	if ((since && str_time_ns(since, now, &req.since_ns) < 0) ||
	    (until && str_time_ns(until, now, &req.until_ns) < 0))
		return err_set(err, ERR_INVALID, "--since and --until take a time or a duration");
	if (since && req.since_ns == 0)
		req.since_ns = 1; /* 1970 is a time; 0 is none */
	if (until && req.until_ns == 0)
		req.until_ns = 1;
	r = cli_filters(flags, &req.filters, &req.n_filters, err);
	while (r == 0) {
		*err = ERR_NULL;
		r = events_once(cli, flags, &req, &since_ns, err);
		if (r == 0)
			break;
		if (cli->client &&
		    (err->code == ERR_OUT_OF_RANGE ? req.resume_case != 0
						   : remote_again(cli, err, &since_ns))) {
			/* no event came yet: what happens meanwhile is asked for by time */
			if (req.resume_case == 0 && req.since_ns == 0)
				req.since_ns = now;
			r = 0;
		}
	}
	cli_free_filters(req.filters, req.n_filters);
	return r;
}

/* ---- wait-ready, upgrade */

static int run_wait_ready(struct cli *cli, const struct flags *flags, struct err *err)
{
	Cleat__V1__PingRequest req = CLEAT__V1__PING_REQUEST__INIT;
	const char *text_timeout = flags_text(flags, "timeout");
	int64_t timeout_ns = 10000000000, start = fd_monotonic_ns();
	int r;

	if (text_timeout && str_duration_ns(text_timeout, &timeout_ns) < 0)
		return err_set(err, ERR_INVALID,
			       "invalid argument \"%s\" for \"--timeout\" flag: expected a "
			       "duration like 10s",
			       text_timeout);
	for (;;) {
		struct timespec step = { .tv_nsec = 5000000 };

		*err = ERR_NULL;
		r = remote_call(cli, &cleat_v1_system, "Ping", &req.base, NULL, err);
		if (r == 0 || fd_monotonic_ns() - start > timeout_ns)
			return r;
		remote_close(cli);
		nanosleep(&step, NULL);
	}
}

static int run_upgrade(struct cli *cli, const struct flags *flags, struct err *err)
{
	Cleat__V1__UpgradeRequest req = CLEAT__V1__UPGRADE_REQUEST__INIT;
	cleanup(rpc_client_call_closep) struct rpc_client_call *call = NULL;
	const char *binary = flags_text(flags, "binary");
	cleanup_free char *path = binary ? realpath(binary, NULL) : NULL;
	int r;

	if (!binary)
		return err_set(err, ERR_INVALID, "--binary is required: the new engine's path");
	if (!path)
		return err_sys(err, errno, "--binary %s", binary);
	req.binary = path;
	r = remote_open(cli, &cleat_v1_system, "Upgrade", NULL, &req.base, &call, err);
	while (r == 0) {
		cleanup(msg_freep) Cleat__V1__UpgradeReply *m = NULL;
		int n = rpc_client_call_recv(call, (ProtobufCMessage **)(void *)&m, err);

		if (n <= 0)
			return n;
		if (m->status[0])
			printf("%s\n", m->status);
		fflush(stdout);
	}
	return r;
}

static const struct flag format_flags[] = {
	{ "format", 'f', FLAG_TEXT, "string", "json, or a template" },
	{ 0 },
};
static const struct flag events_flags[] = {
	{ "filter", 'f', FLAG_LIST, "filter", "Filter output based on conditions provided" },
	{ "format", 0, FLAG_TEXT, "string", "json, or a template" },
	{ "since", 0, FLAG_TEXT, "string", "Show all events created since a time" },
	{ "until", 0, FLAG_TEXT, "string", "Stream events until a time" },
	{ 0 },
};
static const struct flag ready_flags[] = {
	{ "timeout", 0, FLAG_TEXT, "duration", "How long to wait (default 10s)" },
	{ 0 },
};
static const struct flag upgrade_flags[] = {
	{ "binary", 0, FLAG_TEXT, "path", "The new engine's program" },
	{ 0 },
};

const struct command cmd_system_table[] = {
	{ NULL, NULL, "version", "[OPTIONS]", "Show the version information", format_flags, 0, 0,
	  false, run_version },
	{ "system", "info", "info", "[OPTIONS]", "Display system-wide information", format_flags, 0,
	  0, false, run_info },
	{ "system", "events", "events", "[OPTIONS]", "Get real time events from the engine",
	  events_flags, 0, 0, false, run_events },
	{ "system", "wait-ready", NULL, "[OPTIONS]", "Wait until the engine serves", ready_flags, 0,
	  0, false, run_wait_ready },
	{ "system", "upgrade", NULL, "--binary PATH", "Replace the engine by another version",
	  upgrade_flags, 0, 0, false, run_upgrade },
	{ 0 },
};
