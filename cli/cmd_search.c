/* SPDX-License-Identifier: Apache-2.0 */
/* search. */
#include <stdio.h>
#include <string.h>

#include "cleat/v1/images.rpc.h"
#include "cli.h"
#include "credentials.h"
#include "msg.h"
#include "str.h"

enum { DESCRIPTION_SHOWN = 45 };

/* On one line, cut unless all of it is wanted. */
static json_t *description(const char *given, bool whole)
{
	cleanup_free char *copy = strdup(given);
	size_t n = DESCRIPTION_SHOWN - 1;

	for (char *p = copy; p && *p; p++)
		if (*p == '\n' || *p == '\r' || *p == '\t')
			*p = ' ';
	if (!copy || whole || strlen(copy) <= DESCRIPTION_SHOWN)
		return row_text(str_or_empty(copy));
	while (n > 0 && ((unsigned char)copy[n] & 0xc0) == 0x80)
		n--;
	copy[n] = '\0';
	return json_sprintf("%s\u2026", copy);
}

static json_t *row(const Cleat__V1__SearchImagesReply__Result *r, bool whole)
{
	json_t *o = json_object();

	json_object_set_new(o, "Name", row_text(r->name));
	json_object_set_new(o, "Description", description(r->description, whole));
	json_object_set_new(o, "StarCount", json_sprintf("%u", r->stars));
	json_object_set_new(o, "IsOfficial", row_text(r->official ? "[OK]" : ""));
	return o;
}

static int run_search(struct cli *cli, const struct flags *flags, struct err *err)
{
	static const struct column columns[] = { { "Name", "NAME" },
						 { "Description", "DESCRIPTION" },
						 { "StarCount", "STARS" },
						 { "IsOfficial", "OFFICIAL" } };
	Cleat__V1__SearchImagesRequest req = CLEAT__V1__SEARCH_IMAGES_REQUEST__INIT;
	cleanup(msg_freep) Cleat__V1__SearchImagesReply *reply = NULL;
	cleanup(credentials_deinit) struct credentials credentials = { 0 };
	const char *limit = flags_text(flags, "limit");
	int64_t n = 0;
	int r = cli_filters(flags, &req.filters, &req.n_filters, err);

	if (r == 0 && limit && str_int_in(limit, 1, 100, &n) < 0)
		r = err_set(err, ERR_INVALID, "limit %.20s is outside the range of [1, 100]",
			    limit);
	r = r ? r : credentials_find(&credentials, flags->args[0], err);
	req.term = (char *)(uintptr_t)flags->args[0];
	req.limit = (uint32_t)n;
	req.auth = &credentials.message;
	r = r ? r : remote_call(cli, &cleat_v1_images, "Search", &req.base, &reply, err);
	cli_free_filters(req.filters, req.n_filters);
	if (r < 0)
		return r;
	json_t *rows = json_array();

	for (size_t i = 0; i < reply->n_results; i++)
		json_array_append_new(rows,
				      row(reply->results[i], flags_switch(flags, "no-trunc")));
	r = output_rows(flags, columns, ARRAY_LEN(columns), rows, err);
	json_decref(rows);
	return r;
}

static const struct flag search_flags[] = {
	{ "filter", 'f', FLAG_LIST, "filter", "Filter output (is-official=true, stars=3)" },
	{ "format", 0, FLAG_TEXT, "string", "table, json, or a template" },
	{ "limit", 0, FLAG_TEXT, "int", "Max number of search results" },
	{ "no-trunc", 0, FLAG_SWITCH, NULL, "Don't truncate output" },
	{ 0 },
};

const struct command cmd_search_table[] = {
	{ NULL, NULL, "search", "[OPTIONS] TERM", "Search a registry for images", search_flags, 1,
	  1, false, run_search },
	{ 0 },
};
