/* SPDX-License-Identifier: Apache-2.0 */
/* What cleat-worker says about an archive, a line a file, and looking files up in it. The worker has
 * read hostile bytes, so its lines are checked like any other input. Pure.
 *   file NUMBER SIZE SHA256 - PATH          a document, in the job's directory as NUMBER
 *   layer NUMBER SIZE SHA256 DIFFID PATH    in the folder NUMBER, itself NUMBER.blob; 0: the engine has it;
 *                                           SHA256 is - for a layer that came on its own
 *   link TARGET<tab>PATH
 *   bad PATH<tab>SENTENCE                   not usable, and why */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "mem.h"

enum result_kind { RESULT_FILE, RESULT_LAYER, RESULT_LINK, RESULT_BAD };

struct result_entry {
	enum result_kind kind;
	unsigned int number;
	uint64_t size;      /* of a document; of a layer's files */
	char sha[65];       /* of the bytes in the archive, or "-" */
	char diff[65];      /* of a layer's tar, "" for others */
	const char *path;   /* the rest borrows from the text */
	const char *target; /* of a link */
	const char *reason; /* of a bad one */
};

struct result {
	struct result_entry *v;
	size_t n;
};

/* Cuts `text` (NUL-terminated) in place; *out borrows from it. -EBADMSG when a line is none of these,
 * -ENOMEM. */
int result_parse(char *text, struct result *out) must_check;
void result_deinit(struct result *result);

/* The last entry of that path, links (docker save makes ../HEX/layer.tar) followed; NULL = absent. */
const struct result_entry *result_find(const struct result *result, const char *path);
