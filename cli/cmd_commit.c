/* SPDX-License-Identifier: Apache-2.0 */
/* diff, commit. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cleat/v1/containers.rpc.h"
#include "cli.h"
#include "msg.h"
#include "printable.h"
#include "str.h"

#define TEXT_OF(s) ((char *)(uintptr_t)(s))

static int run_diff(struct cli *cli, const struct flags *flags, struct err *err)
{
	static const char letters[] = { [CLEAT__V1__CHANGE_KIND__CHANGE_KIND_MODIFIED] = 'C',
					[CLEAT__V1__CHANGE_KIND__CHANGE_KIND_ADDED] = 'A',
					[CLEAT__V1__CHANGE_KIND__CHANGE_KIND_DELETED] = 'D' };
	Cleat__V1__DiffRequest req = CLEAT__V1__DIFF_REQUEST__INIT;
	cleanup(msg_freep) Cleat__V1__DiffReply *reply = NULL;
	cleanup(buf_deinit) struct buf out = BUF_NULL;
	bool terminal = isatty(STDOUT_FILENO);
	int r;

	req.container = TEXT_OF(flags->args[0]);
	r = remote_call(cli, &cleat_v1_containers, "Diff", &req.base, &reply, err);
	for (size_t i = 0; r == 0 && i < reply->n_changes; i++) {
		const Cleat__V1__DiffReply__Change *c = reply->changes[i];

		buf_printf(&out, "%c ",
			   (size_t)c->kind < ARRAY_LEN(letters) ? letters[c->kind] : '?');
		if (terminal) /* programs get names as they are */
			printable_text(&out, c->path, strlen(c->path), "");
		else
			buf_puts(&out, c->path);
		buf_putc(&out, '\n');
	}
	return r ? r : output_text(&out, err);
}

static bool add_changes(const struct flags *flags, Cleat__V1__CommitRequest *req)
{
	const char *change;

	for (size_t i = 0; (change = flags_nth(flags, "change", i)); i++)
		if (!msg_add(&req->changes, &req->n_changes, change))
			return false;
	return true;
}

static int run_commit(struct cli *cli, const struct flags *flags, struct err *err)
{
	Cleat__V1__CommitRequest req = CLEAT__V1__COMMIT_REQUEST__INIT;
	cleanup(msg_freep) Cleat__V1__CommitReply *reply = NULL;
	const char *author = flags_text(flags, "author"), *message = flags_text(flags, "message");
	int r = 0;

	req.container = TEXT_OF(flags->args[0]);
	req.reference = TEXT_OF(flags->n_args > 1 ? flags->args[1] : "");
	req.author = TEXT_OF(author ? author : "");
	req.comment = TEXT_OF(message ? message : "");
	req.no_pause = flags_given(flags, "pause") && !flags_switch(flags, "pause");
	if (!add_changes(flags, &req))
		r = err_sys(err, ENOMEM, "commit");
	r = r ? r : remote_call(cli, &cleat_v1_containers, "Commit", &req.base, &reply, err);
	for (size_t i = 0; i < req.n_changes; i++)
		free(req.changes[i]);
	free(req.changes);
	if (r == 0)
		printf("%s\n", reply->image_id);
	return r;
}

static const struct flag no_flags[] = { { 0 } };
static const struct flag commit_flags[] = {
	{ "author", 'a', FLAG_TEXT, "string",
	  "Author (e.g., \"John Hannibal Smith <hannibal@a-team.com>\")" },
	{ "change", 'c', FLAG_LIST, "list", "Apply Dockerfile instruction to the created image" },
	{ "message", 'm', FLAG_TEXT, "string", "Commit message" },
	{ "pause", 'p', FLAG_SWITCH, NULL, "Pause container during commit (default true)" },
	{ 0 },
};

const struct command cmd_commit_table[] = {
	{ "container", "diff", "diff", "CONTAINER",
	  "Inspect changes to files or directories on a container's filesystem", no_flags, 1, 1,
	  false, run_diff },
	{ "container", "commit", "commit", "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
	  "Create a new image from a container's changes", commit_flags, 1, 2, false, run_commit },
	{ 0 },
};
