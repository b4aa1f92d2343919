/* SPDX-License-Identifier: Apache-2.0 */
/* pull, push. */
#include <stdio.h>
#include <string.h>

#include "cleat/v1/images.rpc.h"
#include "credentials.h"
#include "image.h"
#include "msg.h"
#include "progress.h"
#include "str.h"

#define TEXT_OF(s) ((char *)(uintptr_t)(s))

/* docker.io/library/busybox:latest is busybox:latest for people. */
static const char *familiar(const char *full)
{
	const char *hub = "docker.io/", *library = "docker.io/library/";

	if (str_has_prefix(full, library))
		return full + strlen(library);
	return str_has_prefix(full, hub) ? full + strlen(hub) : full;
}

static void show_pulled(FILE *out, const Cleat__V1__PullImageReply__Pulled *p, bool quiet)
{
	if (!quiet)
		(void)fprintf(out, "Digest: %s\nStatus: %s for %s\n", p->digest,
			      p->was_current ? "Image is up to date" : "Downloaded newer image",
			      familiar(p->reference));
	(void)fprintf(out, "%s\n", p->reference);
	(void)fflush(out);
}

int cli_pull(struct cli *cli, const struct pull_request *request, struct err *err)
{
	Cleat__V1__PullImageRequest req = CLEAT__V1__PULL_IMAGE_REQUEST__INIT;
	cleanup(rpc_client_call_closep) struct rpc_client_call *call = NULL;
	cleanup(credentials_deinit) struct credentials credentials = { 0 };
	struct progress progress;
	FILE *out = request->to_stderr ? stderr : stdout;
	int r = credentials_find(&credentials, request->reference, err);

	req.auth = &credentials.message;
	req.reference = TEXT_OF(request->reference);
	req.all_tags = request->all_tags;
	req.platform = request->platform;
	progress_init(&progress, request->quiet);
	r = r ? r : remote_open(cli, &cleat_v1_images, "Pull", NULL, &req.base, &call, err);
	while (r == 0) {
		cleanup(msg_freep) Cleat__V1__PullImageReply *m = NULL;
		int n = rpc_client_call_recv(call, (ProtobufCMessage **)(void *)&m, err);

		if (n <= 0)
			return n;
		if (m->message_case == CLEAT__V1__PULL_IMAGE_REPLY__MESSAGE_PROGRESS)
			progress_show(&progress, m->progress);
		else if (m->message_case == CLEAT__V1__PULL_IMAGE_REPLY__MESSAGE_PULLED &&
			 !(request->quiet && request->to_stderr))
			show_pulled(out, m->pulled, request->quiet);
	}
	return r;
}

static int run_pull(struct cli *cli, const struct flags *flags, struct err *err)
{
	struct platformmsg platform;
	struct pull_request request = { .reference = flags->args[0],
					.all_tags = flags_switch(flags, "all-tags"),
					.quiet = flags_switch(flags, "quiet") };

	int r = cli_platform(flags, &platform, &request.platform, err);

	if (r < 0)
		return r;
	if (!request.all_tags && !request.quiet && cli_is_bare(request.reference))
		printf("Using default tag: latest\n");
	(void)fflush(stdout);
	return cli_pull(cli, &request, err);
}

static void show_pushed(const Cleat__V1__PushImageReply__Pushed *p, bool quiet)
{
	const char *colon = strrchr(p->reference, ':');

	if (quiet)
		printf("%s\n", p->reference);
	else
		printf("%s: digest: %s size: %llu\n", colon ? colon + 1 : p->reference, p->digest,
		       (unsigned long long)p->size_bytes);
	(void)fflush(stdout);
}

static int run_push(struct cli *cli, const struct flags *flags, struct err *err)
{
	Cleat__V1__PushImageRequest req = CLEAT__V1__PUSH_IMAGE_REQUEST__INIT;
	cleanup(rpc_client_call_closep) struct rpc_client_call *call = NULL;
	cleanup(credentials_deinit) struct credentials credentials = { 0 };
	bool quiet = flags_switch(flags, "quiet");
	struct platformmsg platform;
	struct progress progress;
	int r = cli_platform(flags, &platform, &req.platform, err);

	r = r ? r : credentials_find(&credentials, flags->args[0], err);
	if (r < 0)
		return r;

	req.auth = &credentials.message;
	req.reference = TEXT_OF(flags->args[0]);
	req.all_tags = flags_switch(flags, "all-tags");
	if (!req.all_tags && !quiet && cli_is_bare(req.reference))
		printf("Using default tag: latest\n");
	(void)fflush(stdout);
	progress_init(&progress, quiet);
	r = remote_open(cli, &cleat_v1_images, "Push", NULL, &req.base, &call, err);
	while (r == 0) {
		cleanup(msg_freep) Cleat__V1__PushImageReply *m = NULL;
		int n = rpc_client_call_recv(call, (ProtobufCMessage **)(void *)&m, err);

		if (n <= 0)
			return n;
		if (m->message_case == CLEAT__V1__PUSH_IMAGE_REPLY__MESSAGE_PROGRESS)
			progress_show(&progress, m->progress);
		else if (m->message_case == CLEAT__V1__PUSH_IMAGE_REPLY__MESSAGE_PUSHED)
			show_pushed(m->pushed, quiet);
	}
	return r;
}

static const struct flag push_flags[] = {
	{ "all-tags", 'a', FLAG_SWITCH, NULL, "Push all tags of an image to the repository" },
	{ "platform", 0, FLAG_TEXT, "string",
	  "Push only if the image is for it (os[/arch[/variant]])" },
	{ "quiet", 'q', FLAG_SWITCH, NULL, "Suppress verbose output" },
	{ 0 },
};
static const struct flag pull_flags[] = {
	{ "all-tags", 'a', FLAG_SWITCH, NULL, "Download all tagged images in the repository" },
	{ "platform", 0, FLAG_TEXT, "string", "Pull the image of this platform" },
	{ "quiet", 'q', FLAG_SWITCH, NULL, "Suppress verbose output" },
	{ 0 },
};

const struct command cmd_registry_table[] = {
	{ "image", "pull", "pull", "[OPTIONS] NAME[:TAG|@DIGEST]",
	  "Download an image from a registry", pull_flags, 1, 1, false, run_pull },
	{ "image", "push", "push", "[OPTIONS] NAME[:TAG]", "Upload an image to a registry",
	  push_flags, 1, 1, false, run_push },
	{ 0 },
};
