/* SPDX-License-Identifier: Apache-2.0 */
/* Members of a JSON object into fields of a message, by a table of rules. Pure. A field that is set owns
 * what it gets (malloc), as an unpacked message does. */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "cleat/v1/config.pb-c.h"
#include "err.h"
#include "mem.h"

enum jsonfield_kind {
	JSONFIELD_TEXT,
	JSONFIELD_SWITCH,
	JSONFIELD_LIST,   /* of strings, or one string */
	JSONFIELD_WORDS,  /* the same into a StringList message */
	JSONFIELD_NUMBER, /* into an int64 or uint64 */
	JSONFIELD_SMALL,  /* 0 to 65535, into a uint32 */
	JSONFIELD_KEYS,   /* the keys of an object */
};

struct jsonfield_rule {
	const char *key;
	enum jsonfield_kind kind;
	size_t offset, n_offset; /* in the message; n_offset of lists and keys */
};

/* Applies each rule whose member is there and not null. -EINVAL names the member and what was expected. */
int jsonfield_apply(const struct jsonfield_rule *rules, size_t n, json_t *object, void *message,
		    struct err *err) must_check;

/* A field that still is protobuf-c's empty string; "" leaves it so. */
int jsonfield_text(char **at, const char *text, struct err *err) must_check;
int jsonfield_words(json_t *value, const char *key, Cleat__V1__StringList **at,
		    struct err *err) must_check;
/* The number under `key`, when there is one and it is not null. -EINVAL names it and the range. */
int jsonfield_small(json_t *object, const char *key, int32_t least, int32_t most, int32_t *out,
		    struct err *err) must_check;
int jsonfield_wrong(const char *key, const char *expected, struct err *err);
int jsonfield_no_memory(struct err *err);
