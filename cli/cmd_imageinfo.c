/* SPDX-License-Identifier: Apache-2.0 */
/* history. */
#include <stdio.h>
#include <string.h>

#include "cleat/v1/images.rpc.h"
#include "cli.h"
#include "fd.h"
#include "human.h"
#include "image.h"
#include "msg.h"
#include "str.h"

enum { CREATED_BY_SHOWN = 44 };

/* Tabs as blanks and, unless all is wanted, the first 44 bytes with an ellipsis, as Docker does. */
static json_t *created_by(const char *command, bool whole)
{
	cleanup_free char *copy = strdup(command);
	size_t n = CREATED_BY_SHOWN;

	for (char *p = copy; p && (p = strchr(p, '\t'));)
		*p = ' ';
	if (!copy || whole || strlen(copy) <= CREATED_BY_SHOWN + 1)
		return row_text(str_or_empty(copy));
	while (n > 0 && ((unsigned char)copy[n] & 0xc0) == 0x80)
		n--;
	copy[n] = '\0';
	return json_sprintf("%s\u2026", copy);
}

static json_t *history_row(const Cleat__V1__ImageHistoryReply__Entry *e, bool whole, bool human)
{
	char id[HUMAN_MAX], out[HUMAN_MAX];
	json_t *o = json_object();

	json_object_set_new(o, "ID",
			    row_text(!e->id[0] ? "<missing>"
				     : whole   ? e->id
					       : human_id(e->id, id)));
	json_object_set_new(o, "CreatedSince",
			    row_text(human ? human_ago(fd_realtime_ns(), e->created_ns, out)
					   : human_time(e->created_ns, out)));
	json_object_set_new(o, "CreatedAt", row_text(human_time(e->created_ns, out)));
	json_object_set_new(o, "CreatedBy", created_by(e->created_by, whole));
	json_object_set_new(o, "Size",
			    human ? row_text(human_size(e->size_bytes, 3, out))
				  : json_sprintf("%llu", (unsigned long long)e->size_bytes));
	json_object_set_new(o, "Comment", row_text(e->comment));
	return o;
}

static int run_history(struct cli *cli, const struct flags *flags, struct err *err)
{
	static const struct column columns[] = { { "ID", "IMAGE" },
						 { "CreatedSince", "CREATED" },
						 { "CreatedBy", "CREATED BY" },
						 { "Size", "SIZE" },
						 { "Comment", "COMMENT" } };
	Cleat__V1__ImageHistoryRequest req = CLEAT__V1__IMAGE_HISTORY_REQUEST__INIT;
	cleanup(msg_freep) Cleat__V1__ImageHistoryReply *reply = NULL;
	bool human = !flags_given(flags, "human") || flags_switch(flags, "human");
	bool whole = flags_switch(flags, "no-trunc");
	struct platformmsg platform;
	char id[HUMAN_MAX];

	req.image = (char *)(uintptr_t)flags->args[0];
	int r = cli_platform(flags, &platform, &req.platform, err);

	r = r ? r : remote_call(cli, &cleat_v1_images, "History", &req.base, &reply, err);

	if (r < 0)
		return r;
	json_t *rows = json_array();

	for (size_t i = 0; i < reply->n_entries; i++) {
		const Cleat__V1__ImageHistoryReply__Entry *e = reply->entries[i];

		if (flags_switch(flags, "quiet"))
			printf("%s\n", !e->id[0] ? "<missing>"
				       : whole   ? e->id
						 : human_id(e->id, id));
		else
			json_array_append_new(rows, history_row(e, whole, human));
	}
	if (!flags_switch(flags, "quiet"))
		r = output_rows(flags, columns, ARRAY_LEN(columns), rows, err);
	json_decref(rows);
	return r;
}

static const struct flag history_flags[] = {
	{ "format", 0, FLAG_TEXT, "string", "table, json, or a template" },
	{ "human", 'H', FLAG_SWITCH, NULL, "Print sizes and dates in human readable format" },
	{ "no-trunc", 0, FLAG_SWITCH, NULL, "Don't truncate output" },
	{ "quiet", 'q', FLAG_SWITCH, NULL, "Only show image IDs" },
	{ "platform", 0, FLAG_TEXT, "string", "Only if the image is for it (os[/arch[/variant]])" },
	{ 0 },
};

const struct command cmd_imageinfo_table[] = {
	{ "image", "history", "history", "[OPTIONS] IMAGE", "Show the history of an image",
	  history_flags, 1, 1, false, run_history },
	{ 0 },
};
