/* SPDX-License-Identifier: Apache-2.0 */
/* run, create, attach. `run` makes two calls: Create, then one Attach that starts the container once
 * its streams are joined and ends with its exit, so that not a byte and not an exit can be missed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cleat/v1/containers.rpc.h"
#include "cleat/v1/images.rpc.h"
#include "fd.h"
#include "image.h"
#include "msg.h"
#include "runflags.h"
#include "session.h"
#include "str.h"

enum { FILE_MAX = 4 << 20 };

static char *read_whole(const char *path, size_t *n, struct err *err)
{
	struct buf b = BUF_NULL;
	int r = fd_read_file(AT_FDCWD, path, FILE_MAX, &b);

	if (r < 0) {
		buf_deinit(&b);
		err_sys(err, r, "%s", path);
		return NULL;
	}
	*n = b.len;
	return buf_steal(&b);
}

static const struct runflags_source source = { getenv, read_whole };

static int write_cidfile(const char *path, const char *id, struct err *err)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	int r = fd < 0 ? -errno : fd_write_all(fd, id, strlen(id));

	return r < 0 ? err_sys(err, r, "--cidfile %s", path) : 0;
}

static int pull_image(struct cli *cli, const struct flags *flags, const char *image,
		      struct err *err)
{
	struct platformmsg platform;
	struct pull_request request = { .reference = image,
					.quiet = flags_switch(flags, "quiet"),
					.to_stderr = true };

	int r = cli_platform(flags, &platform, &request.platform, err);

	return r ? r : cli_pull(cli, &request, err);
}

static int pull_missing(struct cli *cli, const struct flags *flags, const char *image,
			struct err *err)
{
	if (!flags_switch(flags, "quiet"))
		fprintf(stderr, "Unable to find image '%s%s' locally\n", image,
			cli_is_bare(image) ? ":latest" : "");
	return pull_image(cli, flags, image, err);
}

/* Those to be mounted that are not here. */
static int pull_mounted(struct cli *cli, const struct flags *flags,
			const Cleat__V1__ContainerConfig *config, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < config->n_mounts; i++) {
		Cleat__V1__InspectImageRequest req = CLEAT__V1__INSPECT_IMAGE_REQUEST__INIT;

		if (strcmp(config->mounts[i]->type, "image") != 0)
			continue;
		req.image = config->mounts[i]->source;
		r = remote_call(cli, &cleat_v1_images, "Inspect", &req.base, NULL, err);
		if (r == 0 || strcmp(err->reason, "IMAGE_NOT_FOUND") != 0)
			continue;
		*err = ERR_NULL;
		r = pull_missing(cli, flags, req.image, err);
	}
	return r;
}

/* Images that are not here are pulled, unless --pull says otherwise: the container's own, and then those it mounts. */
static int create_pulling(struct cli *cli, const struct flags *flags, const char *pull,
			  Cleat__V1__CreateContainerRequest *req,
			  Cleat__V1__CreateContainerReply **reply, struct err *err)
{
	bool always = pull && strcmp(pull, "always") == 0,
	     never = pull && strcmp(pull, "never") == 0;
	const char *image = req->config->image;
	int r = always ? pull_image(cli, flags, image, err) : 0;

	r = r ? r : remote_call(cli, &cleat_v1_containers, "Create", &req->base, reply, err);
	if (r < 0 && !always && !never && strcmp(err->reason, "IMAGE_NOT_FOUND") == 0) {
		*err = ERR_NULL;
		r = pull_missing(cli, flags, image, err);
		r = r ? r
		      : remote_call(cli, &cleat_v1_containers, "Create", &req->base, reply, err);
	}
	if (r < 0 && !never && strcmp(err->reason, "MOUNT_IMAGE_NOT_FOUND") == 0) {
		*err = ERR_NULL;
		r = pull_mounted(cli, flags, req->config, err);
		r = r ? r
		      : remote_call(cli, &cleat_v1_containers, "Create", &req->base, reply, err);
	}
	return r;
}

static int create(struct cli *cli, const struct flags *flags,
		  Cleat__V1__CreateContainerRequest *req, Cleat__V1__CreateContainerReply **reply,
		  struct err *err)
{
	const char *cidfile = flags_text(flags, "cidfile"), *pull = flags_text(flags, "pull");
	int r;

	if (pull && strcmp(pull, "always") != 0 && strcmp(pull, "missing") != 0 &&
	    strcmp(pull, "never") != 0)
		return err_set(err, ERR_INVALID,
			       "invalid argument \"%s\" for \"--pull\" flag: expected always, "
			       "missing or never",
			       pull);
	if (cidfile && access(cidfile, F_OK) == 0)
		return err_set(err, ERR_EXISTS,
			       "container ID file found, make sure the other container isn't "
			       "running or delete %s",
			       cidfile);
	r = create_pulling(cli, flags, pull, req, reply, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < (*reply)->n_warnings; i++)
		fprintf(stderr, "WARNING: %s\n", (*reply)->warnings[i]);
	return cidfile ? write_cidfile(cidfile, (*reply)->id, err) : 0;
}

/* Which streams -a names; none named = output always, stdin with -i. */
static int chosen_streams(const struct flags *flags, bool interactive, Cleat__V1__AttachStart *a,
			  struct err *err)
{
	const char *name;

	if (!flags_given(flags, "attach")) {
		a->stdin = interactive;
		a->stdout = a->stderr = true;
		return 0;
	}
	for (size_t i = 0; (name = flags_nth(flags, "attach", i)); i++) {
		if (strcasecmp(name, "stdin") == 0)
			a->stdin = true;
		else if (strcasecmp(name, "stdout") == 0)
			a->stdout = true;
		else if (strcasecmp(name, "stderr") == 0)
			a->stderr = true;
		else
			return err_set(err, ERR_INVALID,
				       "invalid argument \"%s\" for \"-a, --attach\" flag: valid "
				       "streams are STDIN, STDOUT and STDERR",
				       name);
	}
	return 0;
}

/* Of a container that is attached to when it starts; it remembers that. */
static int choose_streams(const struct flags *flags, Cleat__V1__ContainerConfig *config,
			  Cleat__V1__AttachStart *a, struct err *err)
{
	int r = chosen_streams(flags, config->open_stdin, a, err);

	config->attach_stdin = a->stdin;
	config->attach_stdout = a->stdout;
	config->attach_stderr = a->stderr;
	return r;
}

static int run_create(struct cli *cli, const struct flags *flags, struct err *err)
{
	cleanup(msg_freep) Cleat__V1__CreateContainerRequest *req = NULL;
	cleanup(msg_freep) Cleat__V1__CreateContainerReply *reply = NULL;
	Cleat__V1__AttachStart a = CLEAT__V1__ATTACH_START__INIT;
	int r = runflags_request(flags, &source, &req, err);

	if (r == 0)
		r = choose_streams(flags, req->config, &a, err);
	if (r == 0)
		r = create(cli, flags, req, &reply, err);
	if (r == 0)
		printf("%s\n", reply->id);
	return r;
}

static int run_detached(struct cli *cli, const char *id, struct err *err)
{
	Cleat__V1__StartContainerRequest req = CLEAT__V1__START_CONTAINER_REQUEST__INIT;
	int r;

	req.container = (char *)(uintptr_t)id;
	r = remote_call(cli, &cleat_v1_containers, "Start", &req.base, NULL, err);
	if (r == 0)
		printf("%s\n", id);
	return r;
}

static bool sig_proxy(const struct flags *flags)
{
	return !flags_given(flags, "sig-proxy") || flags_switch(flags, "sig-proxy");
}

static int foreground(struct cli *cli, const struct flags *flags, Cleat__V1__AttachStart *a,
		      const char *id, bool tty, struct err *err)
{
	struct session s = { .attach = a,
			     .stdin_wanted = a->stdin,
			     .tty = tty,
			     .sig_proxy = sig_proxy(flags),
			     .detach_keys = flags_text(flags, "detach-keys") };

	a->container = (char *)(uintptr_t)id;
	a->stream = true;
	a->lossless = a->start; /* who ran it is its pipe; who looks on does not hold it up */
	a->detach_keys = (char *)(uintptr_t) "none"; /* looked for here, where the terminal is */
	fflush(stdout);
	return session_run(cli, &s, err);
}

static int run_run(struct cli *cli, const struct flags *flags, struct err *err)
{
	cleanup(msg_freep) Cleat__V1__CreateContainerRequest *req = NULL;
	cleanup(msg_freep) Cleat__V1__CreateContainerReply *reply = NULL;
	Cleat__V1__AttachStart a = CLEAT__V1__ATTACH_START__INIT;
	bool detach = flags_switch(flags, "detach");
	int r = runflags_request(flags, &source, &req, err);

	if (r < 0)
		return r;
	if (req->config->tty && req->config->open_stdin && !detach && !isatty(STDIN_FILENO))
		return err_set(err, ERR_INVALID, "the input device is not a TTY");
	if (detach && flags_given(flags, "attach"))
		return err_set(err, ERR_INVALID,
			       "conflicting options: cannot specify both --attach and --detach");
	req->config->stdin_once = req->config->open_stdin && !detach;
	r = detach ? 0 : choose_streams(flags, req->config, &a, err);
	if (r == 0)
		r = create(cli, flags, req, &reply, err);
	if (r < 0)
		return r;
	if (detach)
		return run_detached(cli, reply->id, err);
	a.start = true;
	return foreground(cli, flags, &a, reply->id, req->config->tty, err);
}

static int run_attach(struct cli *cli, const struct flags *flags, struct err *err)
{
	Cleat__V1__InspectContainerRequest req = CLEAT__V1__INSPECT_CONTAINER_REQUEST__INIT;
	cleanup(msg_freep) Cleat__V1__InspectContainerReply *reply = NULL;
	Cleat__V1__AttachStart a = CLEAT__V1__ATTACH_START__INIT;
	Cleat__V1__ContainerDetails *c;
	int r;

	req.container = (char *)(uintptr_t)flags->args[0];
	r = remote_call(cli, &cleat_v1_containers, "Inspect", &req.base, &reply, err);
	if (r < 0)
		return r;
	c = reply->container;
	if (!c || !c->state || !c->config)
		return err_set(err, ERR_INTERNAL, "the engine's answer is incomplete");
	if (c->state->state != CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_RUNNING)
		return err_set(err, ERR_PRECONDITION,
			       "you cannot attach to a stopped container, start it first");
	a.stdin = c->config->open_stdin && !flags_switch(flags, "no-stdin");
	a.stdout = a.stderr = true;
	return foreground(cli, flags, &a, c->id, c->config->tty, err);
}

static const struct flag attach_flags[] = {
	{ "detach-keys", 0, FLAG_TEXT, "string", "Override the key sequence for detaching" },
	{ "no-stdin", 0, FLAG_SWITCH, NULL, "Do not attach STDIN" },
	{ "sig-proxy", 0, FLAG_SWITCH, NULL, "Proxy all received signals to the process" },
	{ 0 },
};

const struct command cmd_run_table[] = {
	{ "container", "run", "run", "[OPTIONS] IMAGE [COMMAND] [ARG...]",
	  "Create and run a new container from an image", runflags_run, 1, SIZE_MAX, true,
	  run_run },
	{ "container", "create", "create", "[OPTIONS] IMAGE [COMMAND] [ARG...]",
	  "Create a new container", runflags_create, 1, SIZE_MAX, true, run_create },
	{ "container", "attach", "attach", "[OPTIONS] CONTAINER",
	  "Attach local streams to a running container", attach_flags, 1, 1, false, run_attach },
	{ 0 },
};
