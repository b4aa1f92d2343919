/* SPDX-License-Identifier: Apache-2.0 */
/* images, rmi, tag, load. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cleat/v1/images.rpc.h"
#include "cli.h"
#include "fd.h"
#include "human.h"
#include "image.h"
#include "msg.h"
#include "str.h"

#define TEXT_OF(s) ((char *)(uintptr_t)(s))

static json_t *image_row(const Cleat__V1__ImageSummary *m, const char *tag, const char *digest,
			 bool whole)
{
	const char *colon = tag ? strrchr(tag, ':') : NULL;
	char id[HUMAN_MAX], out[HUMAN_MAX];
	json_t *o = json_object();

	if (colon && strchr(colon, '/'))
		colon = NULL;
	json_object_set_new(o, "Repository",
			    tag ? json_stringn(tag, colon ? (size_t)(colon - tag) : strlen(tag))
				: row_text("<none>"));
	json_object_set_new(o, "Tag", row_text(colon ? colon + 1 : "<none>"));
	json_object_set_new(o, "Digest", row_text(digest ? digest : "<none>"));
	json_object_set_new(o, "ID", row_text(whole ? m->id : human_id(m->id, id)));
	json_object_set_new(o, "CreatedSince",
			    row_text(human_ago(fd_realtime_ns(), m->created_ns, out)));
	json_object_set_new(o, "CreatedAt", row_text(human_time(m->created_ns, out)));
	json_object_set_new(o, "Size", row_text(human_size(m->size_bytes, 3, out)));
	json_object_set_new(o, "VirtualSize", row_text(out));
	json_object_set_new(o, "SharedSize", row_text("N/A"));
	json_object_set_new(o, "UniqueSize", row_text("N/A"));
	json_object_set_new(o, "Containers", json_sprintf("%u", m->containers));
	return o;
}

/* What registries know the tag's repository's image by; NULL = none does. */
static const char *digest_of(const Cleat__V1__ImageSummary *m, const char *tag)
{
	const char *colon = strrchr(tag, ':');
	size_t n = colon && !strchr(colon, '/') ? (size_t)(colon - tag) : strlen(tag);

	for (size_t i = 0; i < m->n_digests; i++)
		if (strncmp(m->digests[i], tag, n) == 0 && m->digests[i][n] == '@')
			return m->digests[i] + n + 1;
	return NULL;
}

/* A row a tag; without any a row a digest, or one at least. */
static void add_rows(json_t *rows, const Cleat__V1__ImageSummary *m, bool whole)
{
	for (size_t k = 0; k < m->n_tags; k++)
		json_array_append_new(rows,
				      image_row(m, m->tags[k], digest_of(m, m->tags[k]), whole));
	for (size_t k = 0; m->n_tags == 0 && k < m->n_digests; k++) {
		const char *at = strchr(m->digests[k], '@');
		json_t *row = image_row(m, NULL, at ? at + 1 : NULL, whole);

		if (at)
			json_object_set_new(
				row, "Repository",
				json_stringn(m->digests[k], (size_t)(at - m->digests[k])));
		json_array_append_new(rows, row);
	}
	if (m->n_tags == 0 && m->n_digests == 0)
		json_array_append_new(rows, image_row(m, NULL, NULL, whole));
}

static int show_images(const struct flags *flags, const Cleat__V1__ListImagesReply *reply,
		       struct err *err)
{
	static const struct column columns[] = { { "Repository", "REPOSITORY" },
						 { "Tag", "TAG" },
						 { "ID", "IMAGE ID" },
						 { "CreatedSince", "CREATED" },
						 { "Size", "SIZE" } };
	static const struct column with_digests[] = {
		{ "Repository", "REPOSITORY" }, { "Tag", "TAG" },
		{ "Digest", "DIGEST" },         { "ID", "IMAGE ID" },
		{ "CreatedSince", "CREATED" },  { "Size", "SIZE" }
	};
	bool whole = flags_switch(flags, "no-trunc"), digests = flags_switch(flags, "digests");
	json_t *rows = json_array();
	int r;

	for (size_t i = 0; i < reply->n_images; i++)
		add_rows(rows, reply->images[i], whole);
	r = output_rows(flags, digests ? with_digests : columns,
			digests ? ARRAY_LEN(with_digests) : ARRAY_LEN(columns), rows, err);
	json_decref(rows);
	return r;
}

static int run_images(struct cli *cli, const struct flags *flags, struct err *err)
{
	Cleat__V1__ListImagesRequest req = CLEAT__V1__LIST_IMAGES_REQUEST__INIT;
	Cleat__V1__Filter reference = CLEAT__V1__FILTER__INIT;
	cleanup(msg_freep) Cleat__V1__ListImagesReply *reply = NULL;
	size_t own;
	int r;

	req.all = flags_switch(flags, "all");
	req.digests = flags_switch(flags, "digests");
	r = cli_filters(flags, &req.filters, &req.n_filters, err);
	own = req.n_filters;
	if (r == 0 && flags->n_args == 1) {
		reference.key = TEXT_OF("reference");
		reference.values = (char **)(uintptr_t)flags->args;
		reference.n_values = 1;
		req.filters[req.n_filters++] = &reference; /* there is room for one more */
	}
	if (r == 0)
		r = remote_call(cli, &cleat_v1_images, "List", &req.base, &reply, err);
	cli_free_filters(req.filters, own);
	if (r < 0)
		return r;
	if (!flags_switch(flags, "quiet") || flags_given(flags, "format"))
		return show_images(flags, reply, err);
	for (size_t i = 0; i < reply->n_images; i++) {
		char id[HUMAN_MAX];

		printf("%s\n", flags_switch(flags, "no-trunc")
				       ? reply->images[i]->id
				       : human_id(reply->images[i]->id, id));
	}
	return 0;
}

static int one_rmi(struct cli *cli, const struct flags *flags, const char *arg, struct err *err)
{
	Cleat__V1__RemoveImageRequest req = CLEAT__V1__REMOVE_IMAGE_REQUEST__INIT;
	cleanup(msg_freep) Cleat__V1__RemoveImageReply *reply = NULL;
	int r;

	req.image = TEXT_OF(arg);
	req.force = flags_switch(flags, "force");
	req.no_prune = flags_switch(flags, "no-prune");
	r = remote_call(cli, &cleat_v1_images, "Remove", &req.base, &reply, err);
	for (size_t i = 0; r == 0 && i < reply->n_changes; i++) {
		if (reply->changes[i]->untagged[0])
			printf("Untagged: %s\n", reply->changes[i]->untagged);
		if (reply->changes[i]->deleted[0])
			printf("Deleted: %s\n", reply->changes[i]->deleted);
	}
	if (r == 0 || !req.force || err->code != ERR_NOT_FOUND)
		return r;
	output_error(err); /* it is not there: what was wanted */
	return 1;
}

static int run_rmi(struct cli *cli, const struct flags *flags, struct err *err)
{
	(void)err;
	return cli_each(cli, flags, true, one_rmi);
}

static int run_tag(struct cli *cli, const struct flags *flags, struct err *err)
{
	Cleat__V1__TagImageRequest req = CLEAT__V1__TAG_IMAGE_REQUEST__INIT;

	req.image = TEXT_OF(flags->args[0]);
	req.reference = TEXT_OF(flags->args[1]);
	return remote_call(cli, &cleat_v1_images, "Tag", &req.base, NULL, err);
}

/* ---- load */

enum { LOAD_CHUNK = 64 << 10 };

/* `total`: of the archive where it is a file; the engine cannot know it. */
static void show_progress(const Cleat__V1__Progress *p, uint64_t total)
{
	char now[HUMAN_MAX], all[HUMAN_MAX];

	if (!isatty(STDERR_FILENO))
		return;
	if (total && !p->id[0])
		fprintf(stderr, "\r\033[K%s %s/%s", p->status, human_size(p->current_bytes, 3, now),
			human_size(total, 4, all));
	else if (!p->total_bytes && p->current_bytes)
		fprintf(stderr, "\r\033[K%s %s", p->status, human_size(p->current_bytes, 3, now));
	else if (p->total_bytes)
		fprintf(stderr, "\r\033[K%s: %s %s/%s", p->id, p->status,
			human_size(p->current_bytes, 3, now), human_size(p->total_bytes, 4, all));
	else
		fprintf(stderr, "\r\033[K%s%s%s", p->id, p->id[0] ? ": " : "", p->status);
}

static void show_reply(const Cleat__V1__LoadImageReply *m, uint64_t total, bool quiet)
{
	if (m->message_case == CLEAT__V1__LOAD_IMAGE_REPLY__MESSAGE_PROGRESS && !quiet)
		show_progress(m->progress, total);
	if (m->message_case != CLEAT__V1__LOAD_IMAGE_REPLY__MESSAGE_LOADED)
		return;
	if (!quiet && isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
	for (size_t i = 0; i < m->loaded->n_tags; i++)
		printf("Loaded image: %s\n", m->loaded->tags[i]);
	if (m->loaded->n_tags == 0)
		printf("Loaded image ID: %s\n", m->loaded->image_id);
	fflush(stdout);
}

/* What has come; with `wait` until the end. 1 = goes on, 0 = ended. */
static int load_replies(struct rpc_client_call *call, bool wait, uint64_t total, bool quiet,
			struct err *err)
{
	for (;;) {
		cleanup(msg_freep) Cleat__V1__LoadImageReply *m = NULL;
		ProtobufCMessage **p = (ProtobufCMessage **)(void *)&m;
		int r = wait ? rpc_client_call_recv(call, p, err)
			     : rpc_client_call_try_recv(call, p, err);

		if (r == -EAGAIN)
			return 1;
		if (r <= 0)
			return r;
		show_reply(m, total, quiet);
	}
}

static int load_send(struct rpc_client_call *call, int fd, uint64_t total, bool quiet,
		     struct err *err)
{
	uint8_t data[LOAD_CHUNK];
	int r;

	for (;;) {
		Cleat__V1__LoadImageRequest m = CLEAT__V1__LOAD_IMAGE_REQUEST__INIT;
		ssize_t n = read(fd, data, sizeof(data));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, errno, "reading the archive");
		if (n == 0)
			return rpc_client_call_end(call, err);
		m.message_case = CLEAT__V1__LOAD_IMAGE_REQUEST__MESSAGE_DATA;
		m.data.data = data;
		m.data.len = (size_t)n;
		r = rpc_client_call_send(call, &m.base, err);
		/* ended early: the status says why */
		if (r == -EPIPE)
			return 0;
		if (r < 0)
			return r;
		r = load_replies(call, false, total, quiet, err);
		if (r <= 0)
			return r;
	}
}

static int run_load(struct cli *cli, const struct flags *flags, struct err *err)
{
	Cleat__V1__LoadImageRequest__Options options = CLEAT__V1__LOAD_IMAGE_REQUEST__OPTIONS__INIT;
	Cleat__V1__LoadImageRequest first = CLEAT__V1__LOAD_IMAGE_REQUEST__INIT;
	struct platformmsg platform;
	cleanup(rpc_client_call_closep) struct rpc_client_call *call = NULL;
	const char *input = flags_text(flags, "input");
	cleanup_fd int opened = input ? open(input, O_RDONLY | O_CLOEXEC) : -1;
	bool quiet = flags_switch(flags, "quiet");
	int fd = input ? opened : STDIN_FILENO, r;
	struct stat st;

	if (input && opened < 0)
		return err_sys(err, errno, "open %s", input);
	if (!input && isatty(STDIN_FILENO))
		return err_set(err, ERR_INVALID, "requested load from stdin, but stdin is empty");
	uint64_t total = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;

	options.quiet = quiet || !isatty(STDERR_FILENO);
	first.message_case = CLEAT__V1__LOAD_IMAGE_REQUEST__MESSAGE_OPTIONS;
	first.options = &options;
	r = cli_platform(flags, &platform, &options.platform, err);
	r = r ? r : remote_open(cli, &cleat_v1_images, "Load", NULL, &first.base, &call, err);
	if (r == 0)
		r = load_send(call, fd, total, quiet, err);
	if (r == 0)
		r = load_replies(call, true, total, quiet, err);
	if (r < 0 && !quiet && isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
	return r;
}

static const struct flag images_flags[] = {
	{ "all", 'a', FLAG_SWITCH, NULL, "Show all images" },
	{ "digests", 0, FLAG_SWITCH, NULL, "Show digests" },
	{ "filter", 'f', FLAG_LIST, "filter", "Filter output based on conditions provided" },
	{ "format", 0, FLAG_TEXT, "string", "table, json, or a template" },
	{ "no-trunc", 0, FLAG_SWITCH, NULL, "Don't truncate output" },
	{ "quiet", 'q', FLAG_SWITCH, NULL, "Only show image IDs" },
	{ 0 },
};
static const struct flag rmi_flags[] = {
	{ "force", 'f', FLAG_SWITCH, NULL, "Force removal of the image" },
	{ "no-prune", 0, FLAG_SWITCH, NULL, "Do not delete untagged parents" },
	{ 0 },
};
static const struct flag load_flags[] = {
	{ "input", 'i', FLAG_TEXT, "string", "Read from tar archive file, instead of STDIN" },
	{ "platform", 0, FLAG_TEXT, "string", "Load only the given platform" },
	{ "quiet", 'q', FLAG_SWITCH, NULL, "Suppress the load output" },
	{ 0 },
};
static const struct flag no_flags[] = { { 0 } };

const struct command cmd_image_table[] = {
	{ "image", "ls", "images", "[OPTIONS] [REPOSITORY[:TAG]]", "List images", images_flags, 0,
	  1, false, run_images },
	{ "image", "list", NULL, "[OPTIONS] [REPOSITORY[:TAG]]", "List images", images_flags, 0, 1,
	  false, run_images },
	{ "image", "rm", "rmi", "[OPTIONS] IMAGE [IMAGE...]", "Remove one or more images",
	  rmi_flags, 1, SIZE_MAX, false, run_rmi },
	{ "image", "remove", NULL, "[OPTIONS] IMAGE [IMAGE...]", "Remove one or more images",
	  rmi_flags, 1, SIZE_MAX, false, run_rmi },
	{ "image", "tag", "tag", "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
	  "Create a tag that refers to an image", no_flags, 2, 2, false, run_tag },
	{ "image", "load", "load", "[OPTIONS]", "Load images from a tar archive or STDIN",
	  load_flags, 0, 0, false, run_load },
	{ 0 },
};
