/* SPDX-License-Identifier: Apache-2.0 */
#include "resend.h"

void resend_deinit(struct resend *resend)
{
	buf_deinit(&resend->kept);
	*resend = RESEND_NULL;
}

int resend_add(struct resend *resend, const void *data, size_t n)
{
	buf_append(&resend->kept, data, n);
	return resend->kept.error;
}

bool resend_full(const struct resend *resend)
{
	return resend->kept.len >= RESEND_MAX;
}

size_t resend_next(const struct resend *resend, const char **data)
{
	if (!resend->open || resend->sent == resend->kept.len)
		return 0;
	*data = resend->kept.data + resend->sent;
	return resend->kept.len - resend->sent;
}

static void drop(struct resend *resend, size_t n)
{
	buf_consume(&resend->kept, n);
	resend->from += n;
	resend->sent -= n < resend->sent ? n : resend->sent;
}

void resend_sent(struct resend *resend, size_t n)
{
	resend->sent += n;
	if (!resend->counted)
		drop(resend, resend->sent);
}

void resend_broken(struct resend *resend)
{
	resend->open = false;
}

void resend_opened(struct resend *resend, bool counted, uint64_t taken)
{
	/* who did not count may have got it all: once is better than twice */
	if (!counted)
		drop(resend, resend->sent);
	resend->sent = 0;
	resend->open = true;
	resend->counted = counted;
	if (counted)
		resend_taken(resend, taken);
}

void resend_taken(struct resend *resend, uint64_t taken)
{
	uint64_t n = taken > resend->from ? taken - resend->from : 0;

	drop(resend, n < resend->kept.len ? (size_t)n : resend->kept.len);
}
