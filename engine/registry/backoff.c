/* SPDX-License-Identifier: Apache-2.0 */
#include "backoff.h"

#include <string.h>
#include <time.h>

#include "str.h"

bool backoff_retries(long status)
{
	return status == 408 || status == 425 || status == 429 || (status >= 500 && status != 501);
}

int64_t backoff_ms(unsigned int tries, int64_t asked_ms, uint32_t random)
{
	int64_t ms = BACKOFF_FIRST_MS;

	if (asked_ms >= 0)
		return asked_ms < BACKOFF_ASKED_MAX_MS ? asked_ms : BACKOFF_ASKED_MAX_MS;
	for (unsigned int i = 1; i < tries && ms < BACKOFF_MAX_MS; i++)
		ms *= 2;
	ms = ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
	return ms - (int64_t)(random % (uint32_t)(ms / 2));
}

int64_t backoff_asked_ms(const char *text, int64_t now_s)
{
	struct tm tm = { 0 };
	uint64_t seconds;

	if (str_u64(text, &seconds) == 0)
		return seconds < BACKOFF_ASKED_MAX_MS ? (int64_t)seconds * 1000
						      : BACKOFF_ASKED_MAX_MS;
	const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);

	if (!end || *end)
		return -1;
	int64_t at = timegm(&tm);

	return at > now_s ? (at - now_s) * 1000 : 0;
}
