/* SPDX-License-Identifier: Apache-2.0 */
/* import. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cleat/v1/images.rpc.h"
#include "cli.h"
#include "msg.h"
#include "platformmsg.h"
#include "str.h"

enum { PART_BYTES = 128 << 10 };

#define TEXT_OF(s) ((char *)(uintptr_t)(s))

static bool is_url(const char *source)
{
	return str_has_prefix(source, "http://") || str_has_prefix(source, "https://");
}

static int open_source(const char *source, struct err *err)
{
	if (strcmp(source, "-") == 0)
		return dup(STDIN_FILENO);
	int fd = open(is_url(source) ? "/dev/null" : source, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? err_sys(err, errno, "open %.150s", source) : fd;
}

static int fill(Cleat__V1__ImportImageRequest__Options *o, const struct flags *flags,
		struct err *err)
{
	const char *message = flags_text(flags, "message"), *change;

	if (!msg_set(&o->reference, flags->n_args > 1 ? flags->args[1] : "") ||
	    !msg_set(&o->message, message ? message : "") ||
	    !msg_set(&o->url, is_url(flags->args[0]) ? flags->args[0] : ""))
		return err_sys(err, ENOMEM, "import");
	for (size_t i = 0; (change = flags_nth(flags, "change", i)); i++)
		if (!msg_add(&o->changes, &o->n_changes, change))
			return err_sys(err, ENOMEM, "import");
	return platformmsg_new(flags_text(flags, "platform"), &o->platform, err);
}

/* 0 at the end, or when the engine takes no more. */
static int send_all(struct rpc_client_call *call, int fd, struct err *err)
{
	cleanup_free uint8_t *block = malloc(PART_BYTES);
	int r = block ? 0 : err_sys(err, ENOMEM, "import");

	while (r == 0) {
		Cleat__V1__ImportImageRequest m = CLEAT__V1__IMPORT_IMAGE_REQUEST__INIT;
		ssize_t n = read(fd, block, PART_BYTES);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, errno, "reading the archive");
		if (n == 0)
			return rpc_client_call_end(call, err);
		m.message_case = CLEAT__V1__IMPORT_IMAGE_REQUEST__MESSAGE_DATA;
		m.data.data = block;
		m.data.len = (size_t)n;
		r = rpc_client_call_send(call, &m.base, err);
	}
	return r == -EPIPE ? 0 : r;
}

static int run_import(struct cli *cli, const struct flags *flags, struct err *err)
{
	cleanup(rpc_client_call_closep) struct rpc_client_call *call = NULL;
	cleanup(msg_freep) Cleat__V1__ImportImageRequest *first =
		msg_new(&cleat__v1__import_image_request__descriptor);
	cleanup_fd int fd = open_source(flags->args[0], err);
	int r = fd < 0 ? fd : 0;

	if (first) {
		first->options = msg_new(&cleat__v1__import_image_request__options__descriptor);
		first->message_case = CLEAT__V1__IMPORT_IMAGE_REQUEST__MESSAGE_OPTIONS;
	}
	if (r == 0 && (!first || !first->options))
		return err_sys(err, ENOMEM, "import");
	if (r < 0)
		return r;
	r = fill(first->options, flags, err);
	r = r ? r : remote_open(cli, &cleat_v1_images, "Import", NULL, &first->base, &call, err);
	r = r ? r : send_all(call, fd, err);
	while (r == 0) {
		cleanup(msg_freep) Cleat__V1__ImportImageReply *m = NULL;
		int n = rpc_client_call_recv(call, (ProtobufCMessage **)(void *)&m, err);

		if (n <= 0)
			return n;
		if (m->message_case == CLEAT__V1__IMPORT_IMAGE_REPLY__MESSAGE_IMAGE_ID)
			printf("%s\n", m->image_id);
	}
	return r;
}

static const struct flag import_flags[] = {
	{ "change", 'c', FLAG_LIST, "list", "Apply Dockerfile instruction to the created image" },
	{ "message", 'm', FLAG_TEXT, "string", "Set commit message for imported image" },
	{ "platform", 0, FLAG_TEXT, "string", "Set platform of the image (os[/arch[/variant]])" },
	{ 0 },
};

const struct command cmd_import_table[] = {
	{ "image", "import", "import", "[OPTIONS] file|URL|- [REPOSITORY[:TAG]]",
	  "Import the contents from a tarball to create a filesystem image", import_flags, 1, 2,
	  false, run_import },
	{ 0 },
};
