/* SPDX-License-Identifier: Apache-2.0 */
/* cp, export. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cleat/v1/containers.rpc.h"
#include "cli.h"
#include "cpextract.h"
#include "cpplan.h"
#include "fd.h"
#include "human.h"
#include "msg.h"
#include "pack.h"
#include "str.h"

#define TEXT_OF(s) ((char *)(uintptr_t)(s))

enum { PART_BYTES = 128 << 10 };

/* One copy. */
struct copy {
	struct cli *cli;
	const struct flags *flags;
	struct cp_side from, to;
	struct rpc_client_call *call;
	ProtobufCMessage *message; /* the one at hand */
	uint64_t bytes;
	bool ended; /* the engine takes no more: its status says why */
};

static void copy_deinit(struct copy *c)
{
	msg_free(c->message);
	rpc_client_call_closep(&c->call);
	free(c->from.container);
	free(c->to.container);
}

static void tell(const struct copy *c, const char *to, const char *colon, const char *path)
{
	char size[HUMAN_MAX];

	if (!flags_switch(c->flags, "quiet") && isatty(STDERR_FILENO))
		fprintf(stderr, "Successfully copied %s to %s%s%s\n", human_size(c->bytes, 3, size),
			to, colon, path);
}

/* 1 with *out (owned), 0 when it is not there. */
static int stat_remote(struct copy *c, const char *container, const char *path,
		       Cleat__V1__PathStat **out, struct err *err)
{
	Cleat__V1__StatPathRequest req = CLEAT__V1__STAT_PATH_REQUEST__INIT;
	int r;

	req.container = TEXT_OF(container);
	req.path = TEXT_OF(path);
	r = remote_call(c->cli, &cleat_v1_containers, "StatPath", &req.base, out, err);
	if (r < 0 && strcmp(err->reason, "PATH_NOT_FOUND") == 0) {
		*err = ERR_NULL;
		return 0;
	}
	return r < 0 ? r : 1;
}

/* ---- out of a container */

static ssize_t read_call(void *ctx, const void **data, struct err *err)
{
	struct copy *c = ctx;

	for (;;) {
		msg_free(c->message);
		c->message = NULL;
		int r = rpc_client_call_recv(c->call, &c->message, err);

		if (r <= 0)
			return r;
		const Cleat__V1__ArchiveChunk *m = (const void *)c->message;

		*data = m->data.data;
		if (m->data.len)
			return (ssize_t)m->data.len;
	}
}

static int to_stdout(struct copy *c, struct err *err)
{
	const void *data;
	ssize_t n;

	while ((n = read_call(c, &data, err)) > 0) {
		int r = output_write(STDOUT_FILENO, data, (size_t)n);

		if (r < 0)
			return err_sys(err, r, "output");
		c->bytes += (uint64_t)n;
	}
	return (int)n;
}

/* What is at the local path, through links. A parent that is missing is an error at once. */
static int look_at(const char *path, struct cp_thing *out, struct err *err)
{
	struct stat st;

	*out = (struct cp_thing){ .path = path };
	if (stat(path, &st) == 0) {
		out->exists = true;
		out->is_dir = S_ISDIR(st.st_mode);
		return 0;
	}
	return errno == ENOENT || errno == ENOTDIR ? 0 : err_sys(err, errno, "%.150s", path);
}

static int open_target(const struct cp_plan *plan, struct err *err)
{
	int fd = open(plan->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return err_set(err, ERR_NOT_FOUND,
			       "invalid output path: directory \"%.150s\" does not exist",
			       plan->dir);
	return fd < 0 ? err_sys(err, errno, "open %.150s", plan->dir) : fd;
}

static int to_local(struct copy *c, const char *source, bool is_dir, struct err *err)
{
	cleanup(cpplan_deinit) struct cp_plan plan = { 0 };
	const struct cp_thing from = { source, true, is_dir };
	struct cp_thing to;
	int r = look_at(c->to.path, &to, err);

	r = r ? r : cpplan(&from, &to, &plan, err);
	if (r < 0)
		return r;
	cleanup_fd int dir = open_target(&plan, err);
	const struct cp_extract x = { read_call, c, dir, plan.name,
				      flags_switch(c->flags, "archive") };

	return dir < 0 ? dir : cpextract(&x, &c->bytes, err);
}

/* Where a link at the end of the path leads, for -L; the path itself otherwise. Owned. */
static int follow(struct copy *c, char **out, struct err *err)
{
	cleanup(msg_freep) Cleat__V1__PathStat *stat = NULL;
	int r = 1;

	if (flags_switch(c->flags, "follow-link"))
		r = stat_remote(c, c->from.container, c->from.path, &stat, err);
	*out = strdup(stat && stat->link_target[0] ? stat->link_target : c->from.path);
	return r < 0 || *out ? (r < 0 ? r : 0) : err_sys(err, ENOMEM, "copy");
}

static int copy_out(struct copy *c, struct err *err)
{
	Cleat__V1__GetArchiveRequest req = CLEAT__V1__GET_ARCHIVE_REQUEST__INIT;
	cleanup_free char *path = NULL;
	int r = follow(c, &path, err);

	req.container = c->from.container;
	req.path = path;
	r = r ? r
	      : remote_open(c->cli, &cleat_v1_containers, "GetArchive", NULL, &req.base, &c->call,
			    err);
	r = r ? r : rpc_client_call_recv(c->call, &c->message, err);
	if (r <= 0)
		return r;
	const Cleat__V1__ArchiveChunk *first = (const void *)c->message;
	bool is_dir = first->stat && S_ISDIR(first->stat->mode);

	if (strcmp(c->to.path, "-") == 0)
		return to_stdout(c, err);
	/* a link that was followed keeps its own name */
	r = to_local(c, c->from.path, is_dir, err);
	if (r == 0)
		tell(c, c->to.path, "", "");
	return r;
}

/* ---- into a container */

/* A pack_write_fn. */
static int send_data(void *ctx, const void *data, size_t n, struct err *err)
{
	struct copy *c = ctx;
	int r = 0;

	for (size_t at = 0; r == 0 && at < n; at += PART_BYTES) {
		Cleat__V1__PutArchiveRequest m = CLEAT__V1__PUT_ARCHIVE_REQUEST__INIT;

		m.message_case = CLEAT__V1__PUT_ARCHIVE_REQUEST__MESSAGE_DATA;
		m.data.data = (uint8_t *)(uintptr_t)data + at;
		m.data.len = n - at < PART_BYTES ? n - at : PART_BYTES;
		r = rpc_client_call_send(c->call, &m.base, err);
	}
	c->ended = r == -EPIPE;
	c->bytes += r == 0 ? n : 0;
	return r;
}

static int send_stdin(struct copy *c, struct err *err)
{
	cleanup_free char *block = malloc(PART_BYTES);
	int r = block ? 0 : err_sys(err, ENOMEM, "copy");

	while (r == 0) {
		ssize_t n = read(STDIN_FILENO, block, PART_BYTES);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, errno, "reading the archive");
		if (n == 0)
			break;
		r = send_data(c, block, (size_t)n, err);
	}
	return r;
}

static int pack_contents(struct pack *p, const char *path, const char *name, struct err *err)
{
	cleanup_free char *prefix = str_printf("%s/", name);
	cleanup_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (!prefix || fd < 0)
		return err_sys(err, prefix ? errno : ENOMEM, "open %.150s", path);
	int r = pack_dir(p, fd, prefix, err);

	return r ? r : pack_below(p, fd, prefix, err);
}

static int send_tree(struct copy *c, const char *path, bool as_dir, const char *name,
		     struct err *err)
{
	cleanup(pack_deinit) struct pack p = { .write = send_data,
					       .ctx = c,
					       .as_root = !flags_switch(c->flags, "archive") };
	int r = pack_open(&p, err);

	if (r == 0)
		r = as_dir ? pack_contents(&p, path, name, err)
			   : pack_one(&p, AT_FDCWD, path, name, err);
	return r ? r : pack_finish(&p, err);
}

static int begin_put(struct copy *c, const char *dir, struct err *err)
{
	Cleat__V1__PutArchiveRequest req = CLEAT__V1__PUT_ARCHIVE_REQUEST__INIT;
	Cleat__V1__PutArchiveRequest__Target target = CLEAT__V1__PUT_ARCHIVE_REQUEST__TARGET__INIT;

	target.container = c->to.container;
	target.path = TEXT_OF(dir);
	target.no_overwrite_dir_non_dir = true;
	target.copy_uid_gid = flags_switch(c->flags, "archive");
	req.message_case = CLEAT__V1__PUT_ARCHIVE_REQUEST__MESSAGE_TARGET;
	req.target = &target;
	return remote_open(c->cli, &cleat_v1_containers, "PutArchive", NULL, &req.base, &c->call,
			   err);
}

/* `r` is how sending ended. */
static int finish_put(struct copy *c, int r, struct err *err)
{
	if (c->ended)
		*err = ERR_NULL;
	else if (r < 0)
		return r;
	else
		r = rpc_client_call_end(c->call, err);
	if (r < 0 && !c->ended)
		return r;
	r = rpc_client_call_recv(c->call, &c->message, err);
	return r < 0 ? r : 0;
}

/* What the target is, a link to it followed; *path (owned) is where that leads. */
static int look_remote(struct copy *c, struct cp_thing *out, char **path, struct err *err)
{
	cleanup(msg_freep) Cleat__V1__PathStat *stat = NULL, *real = NULL;
	const Cleat__V1__PathStat *found;
	int r = stat_remote(c, c->to.container, c->to.path, &stat, err);

	if (r < 0)
		return r;
	*path = strdup(r == 1 && stat->link_target[0] ? stat->link_target : c->to.path);
	if (!*path)
		return err_sys(err, ENOMEM, "copy");
	if (r == 1 && stat->link_target[0])
		r = stat_remote(c, c->to.container, *path, &real, err);
	if (r < 0)
		return r;
	found = real ? real : stat;
	*out = (struct cp_thing){ .path = *path,
				  .exists = r == 1,
				  .is_dir = r == 1 && S_ISDIR(found->mode) };
	return 0;
}

static int put_stdin(struct copy *c, const struct cp_thing *to, struct err *err)
{
	if (!to->is_dir)
		return err_set(err, ERR_INVALID, "destination \"%s:%.120s\" must be a directory",
			       c->to.container, c->to.path);
	int r = begin_put(c, to->path, err);

	return r ? r : finish_put(c, send_stdin(c, err), err);
}

static int put_local(struct copy *c, const struct cp_thing *to, struct err *err)
{
	cleanup(cpplan_deinit) struct cp_plan plan = { 0 };
	const char *path = c->from.path;
	bool as_dir = cpplan_means_dir(path),
	     links = as_dir || flags_switch(c->flags, "follow-link");
	char real[PATH_MAX];
	struct stat st;

	if ((links ? stat(path, &st) : lstat(path, &st)) < 0 || (links && !realpath(path, real)))
		return err_sys(err, errno, "%.150s", path);
	if (as_dir && !S_ISDIR(st.st_mode))
		return err_set(err, ERR_INVALID, "%.150s: not a directory", path);
	const struct cp_thing from = { path, true, S_ISDIR(st.st_mode) };
	int r = cpplan(&from, to, &plan, err);

	r = r ? r : begin_put(c, plan.dir, err);
	return r ? r
		 : finish_put(
			   c,
			   send_tree(c, links ? real : path, S_ISDIR(st.st_mode), plan.name, err),
			   err);
}

static int copy_in(struct copy *c, struct err *err)
{
	cleanup_free char *path = NULL;
	struct cp_thing to;
	int r = look_remote(c, &to, &path, err);

	if (r < 0)
		return r;
	r = strcmp(c->from.path, "-") == 0 ? put_stdin(c, &to, err) : put_local(c, &to, err);
	if (r == 0)
		tell(c, c->to.container, ":", c->to.path);
	return r;
}

static int run_cp(struct cli *cli, const struct flags *flags, struct err *err)
{
	cleanup(copy_deinit) struct copy c = { .cli = cli, .flags = flags };

	for (size_t i = 0; i < 2; i++)
		if (!flags->args[i][0])
			return err_set(err, ERR_INVALID, "%s can not be empty",
				       i ? "destination" : "source");
	if (cpplan_side(flags->args[0], &c.from) < 0 || cpplan_side(flags->args[1], &c.to) < 0)
		return err_sys(err, ENOMEM, "copy");
	if (c.from.container && c.to.container)
		return err_set(err, ERR_INVALID, "copying between containers is not supported");
	if (c.from.container)
		return copy_out(&c, err);
	if (c.to.container)
		return copy_in(&c, err);
	return err_set(err, ERR_INVALID, "must specify at least one container source");
}

/* ---- export */

static int open_output(const char *path, struct err *err)
{
	if (!path && isatty(STDOUT_FILENO))
		return err_set(
			err, ERR_INVALID,
			"cowardly refusing to save to a terminal. Use the -o flag or redirect");
	if (!path)
		return dup(STDOUT_FILENO);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	return fd < 0 ? err_sys(err, errno, "failed to export container: %.150s", path) : fd;
}

static int run_export(struct cli *cli, const struct flags *flags, struct err *err)
{
	Cleat__V1__ExportRequest req = CLEAT__V1__EXPORT_REQUEST__INIT;
	cleanup(rpc_client_call_closep) struct rpc_client_call *call = NULL;
	cleanup_fd int out = open_output(flags_text(flags, "output"), err);
	int r = out < 0 ? out : 0;

	req.container = TEXT_OF(flags->args[0]);
	r = r ? r : remote_open(cli, &cleat_v1_containers, "Export", NULL, &req.base, &call, err);
	while (r == 0) {
		cleanup(msg_freep) Cleat__V1__Chunk *m = NULL;
		int n = rpc_client_call_recv(call, (ProtobufCMessage **)(void *)&m, err);

		if (n <= 0)
			return n;
		r = output_write(out, m->data.data, m->data.len);
		if (r < 0)
			return err_sys(err, r, "output");
	}
	return r;
}

static const struct flag cp_flags[] = {
	{ "archive", 'a', FLAG_SWITCH, NULL, "Archive mode (copy all uid/gid information)" },
	{ "follow-link", 'L', FLAG_SWITCH, NULL, "Always follow symbol link in SRC_PATH" },
	{ "quiet", 'q', FLAG_SWITCH, NULL, "Suppress progress output during copy" },
	{ 0 },
};
static const struct flag export_flags[] = {
	{ "output", 'o', FLAG_TEXT, "string", "Write to a file, instead of STDOUT" },
	{ 0 },
};

const struct command cmd_cp_table[] = {
	{ "container", "cp", "cp",
	  "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|- | SRC_PATH|- CONTAINER:DEST_PATH",
	  "Copy files/folders between a container and the local filesystem", cp_flags, 2, 2, false,
	  run_cp },
	{ "container", "export", "export", "[OPTIONS] CONTAINER",
	  "Export a container's filesystem as a tar archive", export_flags, 1, 1, false,
	  run_export },
	{ 0 },
};
