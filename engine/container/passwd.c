/* SPDX-License-Identifier: Apache-2.0 */
/* One pass a question over text that comes from an image: fields are cut at ':' without copying, a
 * line too long, too short or with a bad number is no entry. The first match counts, as in libc. */
#include "passwd.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "str.h"

enum { FIELDS_MAX = 7, ID_MAX = 0x7fffffff };

struct field {
	const char *text;
	size_t len;
};

/* Cuts the line at *text into fields and moves behind it; false at the end. */
static bool next_line(const char **text, const char *end, struct field *fields, size_t *n)
{
	const char *line = *text, *stop;

	if (line >= end)
		return false;
	stop = memchr(line, '\n', (size_t)(end - line));
	stop = stop ? stop : end;
	*text = stop + 1;
	for (*n = 0; *n < FIELDS_MAX;) {
		const char *colon = memchr(line, ':', (size_t)(stop - line));
		const char *to = colon && *n < FIELDS_MAX - 1 ? colon : stop;

		fields[(*n)++] = (struct field){ line, (size_t)(to - line) };
		if (to == stop)
			break;
		line = to + 1;
	}
	return true;
}

static bool is_text(const struct field *f, const char *text, size_t len)
{
	return f->len == len && memcmp(f->text, text, len) == 0;
}

static bool as_id(const struct field *f, uint32_t *id)
{
	char digits[16];
	int64_t value;

	if (f->len == 0 || f->len >= sizeof(digits))
		return false;
	memcpy(digits, f->text, f->len);
	digits[f->len] = '\0';
	if (str_int_in(digits, 0, ID_MAX, &value) < 0)
		return false;
	*id = (uint32_t)value;
	return true;
}

static bool is_number(const char *text, size_t len, uint32_t *id)
{
	const struct field f = { text, len };

	return as_id(&f, id);
}

struct entry {
	char name[256];
	uint32_t uid, gid;
	char home[256];
};

static void copy(char *out, size_t size, const struct field *f)
{
	if (f->len < size)
		(void)snprintf(out, size, "%.*s", (int)f->len, f->text);
}

/* The entry of passwd(5) with this name, or with this uid when `by_id`. */
static bool find_user(const struct passwd_files *files, const char *name, size_t len, bool by_id,
		      uint32_t id, struct entry *out)
{
	const char *at = str_or_empty(files->passwd), *end = at + files->passwd_len;
	struct field f[FIELDS_MAX];
	uint32_t uid, gid;
	size_t n;

	while (next_line(&at, end, f, &n)) {
		if (n < 4 || !as_id(&f[2], &uid) || !as_id(&f[3], &gid))
			continue;
		if (by_id ? uid != id : !is_text(&f[0], name, len))
			continue;
		*out = (struct entry){ .uid = uid, .gid = gid };
		copy(out->name, sizeof(out->name), &f[0]);
		if (n > 5)
			copy(out->home, sizeof(out->home), &f[5]);
		return true;
	}
	return false;
}

static bool find_group(const struct passwd_files *files, const char *name, size_t len,
		       uint32_t *gid)
{
	const char *at = str_or_empty(files->group), *end = at + files->group_len;
	struct field f[FIELDS_MAX];
	size_t n;

	while (next_line(&at, end, f, &n))
		if (n >= 3 && is_text(&f[0], name, len) && as_id(&f[2], gid))
			return true;
	return is_number(name, len, gid);
}

static bool lists(const struct field *members, const char *name)
{
	const char *at = members->text, *end = at + members->len;
	size_t len = strlen(name);

	while (at < end) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		const struct field one = { at, (size_t)((comma ? comma : end) - at) };

		if (is_text(&one, name, len))
			return true;
		at = comma ? comma + 1 : end;
	}
	return false;
}

static int add_group(struct passwd_user *out, uint32_t gid, struct err *err)
{
	for (size_t i = 0; i < out->n_groups; i++)
		if (out->groups[i] == gid)
			return 0;
	if (out->n_groups == PASSWD_GROUPS_MAX)
		return err_set(err, ERR_INVALID, "the user is in more than %d groups",
			       PASSWD_GROUPS_MAX);
	out->groups[out->n_groups++] = gid;
	return 0;
}

/* The groups that list the user as a member. */
static int add_memberships(const struct passwd_files *files, const char *name,
			   struct passwd_user *out, struct err *err)
{
	const char *at = str_or_empty(files->group), *end = at + files->group_len;
	struct field f[FIELDS_MAX];
	uint32_t gid;
	size_t n;
	int r = 0;

	while (r == 0 && next_line(&at, end, f, &n))
		if (n >= 4 && as_id(&f[2], &gid) && lists(&f[3], name))
			r = add_group(out, gid, err);
	return r;
}

static int find_spec_user(const struct passwd_files *files, const char *name, size_t len,
			  struct entry *entry, struct err *err)
{
	uint32_t id = 0;

	if (len == 0 && find_user(files, NULL, 0, true, 0, entry))
		return 0;
	if (len > 0 && find_user(files, name, len, false, 0, entry))
		return 0;
	if (len > 0 && !is_number(name, len, &id))
		return err_reason(err, ERR_INVALID, "USER_NOT_FOUND",
				  "unable to find user %.*s: no matching entries in passwd file",
				  (int)(len < 100 ? len : 100), name);
	if (!find_user(files, NULL, 0, true, id, entry))
		*entry = (struct entry){ .uid = id };
	return 0;
}

static int group_not_found(const char *name, struct err *err)
{
	return err_reason(err, ERR_INVALID, "GROUP_NOT_FOUND",
			  "unable to find group %.100s: no matching entries in group file", name);
}

int passwd_resolve(const struct passwd_files *files, const char *spec, char *const *extra,
		   size_t n_extra, struct passwd_user *out, struct err *err)
{
	const char *colon = strchr(spec, ':');
	size_t len = colon ? (size_t)(colon - spec) : strlen(spec);
	struct entry entry = { 0 };
	uint32_t gid;
	int r = find_spec_user(files, spec, len, &entry, err);

	if (r < 0)
		return r;
	*out = (struct passwd_user){ .uid = entry.uid, .gid = entry.gid };
	(void)snprintf(out->home, sizeof(out->home), "%s", entry.home);
	if (colon && colon[1] && !find_group(files, colon + 1, strlen(colon + 1), &out->gid))
		return group_not_found(colon + 1, err);
	r = add_group(out, out->gid, err);
	if (r == 0 && !(colon && colon[1]) && entry.name[0])
		r = add_memberships(files, entry.name, out, err);
	for (size_t i = 0; r == 0 && i < n_extra; i++)
		r = find_group(files, extra[i], strlen(extra[i]), &gid)
			    ? add_group(out, gid, err)
			    : group_not_found(extra[i], err);
	return r;
}
