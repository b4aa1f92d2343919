/* SPDX-License-Identifier: Apache-2.0 */
#include "tarpax.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "str.h"
#include "tarfield.h"

static int pax_number(const struct tarfield_record *r, bool *has, int64_t *value)
{
	*has = true;
	return str_int_in(r->value, 0, INT64_MAX, value) < 0 ? -EINVAL : 0;
}

/* An empty one is no name: taken for one, it would be the root's, and the file would be gone. */
static int pax_text(const struct tarfield_record *r, const char **out)
{
	*out = r->value;
	return r->len > 0 && strlen(r->value) == r->len ? 0 : -EINVAL;
}

static int pax_xattr(struct tarpax *s, const struct tarfield_record *r, const char *name)
{
	if (s->n_xattrs == TARPAX_XATTRS_MAX)
		return -E2BIG;
	s->xattrs[s->n_xattrs++] = (struct tar_xattr){ name, r->value, r->len };
	return 0;
}

/* Behind "GNU.sparse.". */
static int pax_sparse(struct tarpax *s, const struct tarfield_record *r, const char *key)
{
	bool has = s->real_size > 0;
	int64_t number = 0;

	s->sparse = true;
	if (!strcmp(key, "name"))
		return pax_text(r, &s->sparse_path);
	if (!strcmp(key, "map")) {
		s->counted = false;
		return s->holes.n ? -EINVAL : tarsparse_list(&s->holes, r->value);
	}
	if (!strcmp(key, "major") || !strcmp(key, "minor")) {
		s->odd = s->odd || r->len != 1;
		*(key[1] == 'a' ? &s->major : &s->minor) = r->value[0];
		return 0;
	}
	if (str_int_in(r->value, 0, INT64_MAX, &number) < 0)
		return -EINVAL;
	if (!strcmp(key, "size") || !strcmp(key, "realsize")) {
		s->odd = s->odd || (has && s->real_size != number);
		s->real_size = number;
		return 0;
	}
	if (!strcmp(key, "offset") || !strcmp(key, "numbytes"))
		return s->counted && s->holes.half == (key[0] == 'n')
			       ? tarsparse_add(&s->holes, number)
			       : -EINVAL;
	s->odd = s->odd || s->holes.n || strcmp(key, "numblocks") != 0;
	s->counted = true;
	return 0;
}

static int pax_record(struct tarpax *s, const struct tarfield_record *r)
{
	static const char xattr[] = "SCHILY.xattr.", sparse[] = "GNU.sparse.";

	if (!strcmp(r->key, "path"))
		return pax_text(r, &s->path);
	if (!strcmp(r->key, "linkpath"))
		return pax_text(r, &s->target);
	if (!strcmp(r->key, "size"))
		return pax_number(r, &s->has_size, &s->size);
	if (!strcmp(r->key, "uid"))
		return pax_number(r, &s->has_uid, &s->uid);
	if (!strcmp(r->key, "gid"))
		return pax_number(r, &s->has_gid, &s->gid);
	if (!strcmp(r->key, "mtime")) {
		s->has_mtime = true;
		return tarfield_time(r->value, &s->mtime, &s->nsec);
	}
	if (str_has_prefix(r->key, sparse))
		return pax_sparse(s, r, r->key + sizeof(sparse) - 1);
	s->odd = s->odd || !strcmp(r->key, "SCHILY.realsize"); /* star's holes */
	if (str_has_prefix(r->key, xattr) && r->key[sizeof(xattr) - 1])
		return pax_xattr(s, r, r->key + sizeof(xattr) - 1);
	return 0;
}

int tarpax_take(struct tarpax *s, char *text, size_t n)
{
	struct tarfield_record record;
	int r = s->path || s->target ? -EINVAL : 0;

	s->pax_text = text;
	while (r == 0 && n > 0 && text[0]) {
		r = tarfield_record(&text, &n, &record);
		r = r ? r : pax_record(s, &record);
	}
	return r;
}

void tarpax_deinit(struct tarpax *s)
{
	free(s->pax_text);
	free(s->name_text);
	free(s->link_text);
	tarsparse_deinit(&s->holes);
	memset(s, 0, offsetof(struct tarpax, xattrs));
}
