/* SPDX-License-Identifier: Apache-2.0 */
/* The steps are those of docker/go-units, because people compare the columns. */
#include "human.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "str.h"

static const struct {
	int64_t below_s, divide_s;
	const char *format;
} steps[] = {
	{ 1, 1, "Less than a second" },
	{ 2, 1, "1 second" },
	{ 60, 1, "%" PRId64 " seconds" },
	{ 120, 1, "About a minute" },
	{ 3600, 60, "%" PRId64 " minutes" },
	{ 5400, 1, "About an hour" },
	{ 48L * 3600, 0, "%" PRId64 " hours" },
	{ 14L * 86400, 86400, "%" PRId64 " days" },
	{ 60L * 86400, 7L * 86400, "%" PRId64 " weeks" },
	{ 730L * 86400, 30L * 86400, "%" PRId64 " months" },
	{ INT64_MAX, 365L * 86400, "%" PRId64 " years" },
};

const char *human_duration(int64_t ns, char out[HUMAN_MAX])
{
	int64_t s = ns < 0 ? 0 : ns / 1000000000;
	size_t i = 0;

	while (s >= steps[i].below_s)
		i++;
	/* hours are rounded to the nearest, the others down */
	if (steps[i].divide_s == 0)
		snprintf(out, HUMAN_MAX, "%" PRId64 " hours", (s + 1800) / 3600);
	else if (strchr(steps[i].format, '%'))
		snprintf(out, HUMAN_MAX, "%" PRId64 "%s", s / steps[i].divide_s,
			 strchr(steps[i].format, ' '));
	else
		snprintf(out, HUMAN_MAX, "%s", steps[i].format);
	return out;
}

const char *human_ago(int64_t now_ns, int64_t then_ns, char out[HUMAN_MAX])
{
	size_t n;

	if (then_ns <= 0) {
		snprintf(out, HUMAN_MAX, "N/A");
		return out;
	}
	human_duration(now_ns - then_ns, out);
	n = strlen(out);
	snprintf(out + n, HUMAN_MAX - n, " ago");
	return out;
}

static const char *scaled(uint64_t bytes, double base, const char *const units[7], int digits,
			  char out[HUMAN_MAX])
{
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= base && unit < 6) {
		value /= base;
		unit++;
	}
	snprintf(out, HUMAN_MAX, "%.*g%s", digits, value, units[unit]);
	return out;
}

const char *human_size(uint64_t bytes, int digits, char out[HUMAN_MAX])
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };

	return scaled(bytes, 1000.0, units, digits, out);
}

const char *human_memory(uint64_t bytes, char out[HUMAN_MAX])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };

	return scaled(bytes, 1024.0, units, 4, out);
}

const char *human_time(int64_t ns, char out[HUMAN_MAX])
{
	time_t s = (time_t)(ns / 1000000000);
	struct tm tm;

	if (ns <= 0 || !gmtime_r(&s, &tm))
		snprintf(out, HUMAN_MAX, "N/A");
	else
		strftime(out, HUMAN_MAX, "%Y-%m-%d %H:%M:%S +0000 UTC", &tm);
	return out;
}

const char *human_id(const char *id, char out[HUMAN_MAX])
{
	if (str_has_prefix(id, "sha256:"))
		id += 7;
	snprintf(out, HUMAN_MAX, "%.12s", id);
	return out;
}
