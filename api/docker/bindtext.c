/* SPDX-License-Identifier: Apache-2.0 */
/* Options are words divided by commas; of each kind there may be one. Which of them a mount can have depends on
 * whether it is a bind or a volume. */
#include "bindtext.h"

#include <errno.h>
#include <string.h>

#include "msg.h"
#include "str.h"

enum kind { ACCESS, LABEL, COPY, PROPAGATION, CONSISTENCY, N_KINDS };

static const struct {
	const char *word;
	enum kind kind;
} words[] = {
	{ "ro", ACCESS },
	{ "rw", ACCESS },
	{ "z", LABEL },
	{ "Z", LABEL },
	{ "nocopy", COPY },
	{ "private", PROPAGATION },
	{ "rprivate", PROPAGATION },
	{ "shared", PROPAGATION },
	{ "rshared", PROPAGATION },
	{ "slave", PROPAGATION },
	{ "rslave", PROPAGATION },
	{ "consistent", CONSISTENCY },
	{ "cached", CONSISTENCY },
	{ "delegated", CONSISTENCY },
	{ "default", CONSISTENCY },
};

static int no_memory(struct err *err)
{
	return err_sys(err, ENOMEM, "read a mount");
}

static int bad_mode(const char *mode, const char *text, struct err *err)
{
	return err_set(err, ERR_INVALID, "invalid mode: %.40s of volume \"%.120s\"", mode, text);
}

/* 1 = there is no such word. */
static int take_word(const char *word, size_t n, Cleat__V1__Mount *m, unsigned int *seen)
{
	bool bind = strcmp(m->type, "bind") == 0;
	size_t i = 0;

	while (i < ARRAY_LEN(words) &&
	       (strlen(words[i].word) != n || memcmp(words[i].word, word, n) != 0))
		i++;
	if (i == ARRAY_LEN(words) || (*seen & 1u << words[i].kind) ||
	    words[i].kind == (bind ? COPY : PROPAGATION))
		return 1;
	*seen |= 1u << words[i].kind;
	if (words[i].kind == PROPAGATION)
		return msg_set(&m->propagation, words[i].word) ? 0 : -ENOMEM;
	m->read_only = m->read_only || strcmp(words[i].word, "ro") == 0;
	m->no_copy = m->no_copy || words[i].kind == COPY;
	return 0;
}

static int options(const char *mode, const char *text, Cleat__V1__Mount *m, struct err *err)
{
	unsigned int seen = 0;

	for (const char *p = mode;;) {
		size_t n = strcspn(p, ",");
		int r = take_word(p, n, m, &seen);

		if (r)
			return r < 0 ? no_memory(err) : bad_mode(mode, text, err);
		if (!p[n])
			return 0;
		p += n + 1;
	}
}

int bindtext_parse(const char *text, Cleat__V1__Mount *m, struct err *err)
{
	cleanup_free char *copy = strdup(text);
	char *rest = copy, *source, *target;

	if (!copy)
		return no_memory(err);
	source = strsep(&rest, ":");
	target = strsep(&rest, ":");
	if (!target) {
		target = source;
		source = NULL;
	}
	if (!*target || (source && !*source) || (rest && (!*rest || strchr(rest, ':'))))
		return err_set(err, ERR_INVALID,
			       "invalid volume specification: '%.150s': expected "
			       "[source:]target[:options]",
			       text);
	if (*target != '/')
		return err_set(err, ERR_INVALID,
			       "invalid volume specification: '%.120s': invalid mount path: "
			       "'%.60s' mount path must be absolute",
			       text, target);
	m->create_source = source && *source == '/';
	if (!msg_set(&m->type, m->create_source ? "bind" : "volume") ||
	    (source && !msg_set(&m->source, source)) || !msg_set(&m->target, target))
		return no_memory(err);
	return rest ? options(rest, text, m, err) : 0;
}
