/* SPDX-License-Identifier: Apache-2.0 */
/* The sequence is matched byte by byte. A byte that breaks it off lets the held bytes go and may begin
 * it anew, which is exact for sequences whose first key does not come again; the others differ only
 * in needing the sequence typed from its start. */
#include "detach.h"

#include <string.h>

static int parse_key(const char *key, size_t n, uint8_t *out)
{
	if (n == 1) {
		*out = (uint8_t)key[0];
		return 0;
	}
	if (n != 6 || strncmp(key, "ctrl-", 5) != 0)
		return -1;
	if (key[5] >= 'a' && key[5] <= 'z')
		*out = (uint8_t)(key[5] - 'a' + 1);
	else if (key[5] == '@')
		*out = 0;
	else if (key[5] >= '[' && key[5] <= '_')
		*out = (uint8_t)(key[5] - '[' + 27);
	else
		return -1;
	return 0;
}

int detach_parse(struct detach *d, const char *text, struct err *err)
{
	struct detach made = { 0 };

	if (!text)
		text = "ctrl-p,ctrl-q";
	for (const char *p = text; *p;) {
		size_t n = strcspn(p, ",");

		if (n == 0 && p[0] == ',' && (p[1] == ',' || p[1] == '\0'))
			n = 1;
		if (made.n_keys == DETACH_MAX)
			return err_set(err, ERR_INVALID, "--detach-keys: more than %d keys in '%s'",
				       DETACH_MAX, text);
		if (parse_key(p, n, &made.keys[made.n_keys++]) < 0)
			return err_set(err, ERR_INVALID, "--detach-keys: unknown key '%.*s'",
				       (int)n, p);
		p += n;
		p += *p == ',';
	}
	*d = made;
	return 0;
}

bool detach_filter(struct detach *d, const uint8_t *in, size_t n, uint8_t *out, size_t *n_out)
{
	size_t o = 0;

	for (size_t i = 0; i < n; i++) {
		if (d->n_keys > 0 && in[i] == d->keys[d->matched]) {
			if (++d->matched == d->n_keys) {
				*n_out = o;
				d->matched = 0;
				return true;
			}
			continue;
		}
		memcpy(out + o, d->keys, d->matched);
		o += d->matched;
		d->matched = 0;
		if (d->n_keys > 0 && in[i] == d->keys[0])
			d->matched = 1;
		else
			out[o++] = in[i];
	}
	*n_out = o;
	return false;
}
