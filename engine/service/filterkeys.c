/* SPDX-License-Identifier: Apache-2.0 */
#include "filterkeys.h"

#include <stdint.h>
#include <string.h>

#include "fd.h"
#include "str.h"

static int check(const Cleat__V1__Filter *f, const char *const *keys, struct err *err)
{
	int64_t at;

	while (*keys && strcmp(*keys, f->key) != 0)
		keys++;
	if (!*keys)
		return err_set(err, ERR_INVALID, "invalid filter '%.60s'", f->key);
	if (!strcmp(f->key, "until") &&
	    (f->n_values != 1 || str_time_ns(f->values[0], fd_realtime_ns(), &at) < 0))
		return err_set(err, ERR_INVALID, "invalid filter 'until=%.60s'",
			       f->n_values ? f->values[0] : "");
	return 0;
}

int filterkeys_check(Cleat__V1__Filter *const *filters, size_t n, const char *const *keys,
		     struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = check(filters[i], keys, err);
	return r;
}
