/* SPDX-License-Identifier: Apache-2.0 */
/* Parsers walk the text once with a cursor and accept it only when the cursor stands at the NUL:
 * trailing bytes are never ignored. Fractions are kept as integers, so 1.5g is exact. */
#include "str.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

enum { FRACTION_DIGITS = 9, FRACTION_ONE = 1000000000 };

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits at *p into *value and *p behind them; -EINVAL without a digit. */
static int take_u64(const char **p, uint64_t *value)
{
	uint64_t v = 0;

	if (!digit(**p))
		return -EINVAL;
	for (; digit(**p); (*p)++)
		if (__builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(**p - '0'), &v))
			return -ERANGE;
	*value = v;
	return 0;
}

/* An optional ".digits" in units of 1e-9; digits beyond the ninth are dropped. */
static int take_fraction(const char **p, uint64_t *billionths)
{
	uint64_t v = 0;
	int n = 0;

	*billionths = 0;
	if (**p != '.')
		return 0;
	(*p)++;
	if (!digit(**p))
		return -EINVAL;
	for (; digit(**p); (*p)++)
		if (n < FRACTION_DIGITS) {
			v = v * 10 + (uint64_t)(**p - '0');
			n++;
		}
	for (; n < FRACTION_DIGITS; n++)
		v *= 10;
	*billionths = v;
	return 0;
}

int str_u64(const char *text, uint64_t *value)
{
	uint64_t v;
	int r = take_u64(&text, &v);

	if (r < 0 || *text)
		return r < 0 ? r : -EINVAL;
	*value = v;
	return 0;
}

int str_i64(const char *text, int64_t *value)
{
	bool negative = *text == '-';
	uint64_t v;
	int r = str_u64(text + negative, &v);

	if (r < 0)
		return r;
	if (v > (uint64_t)INT64_MAX + negative)
		return -ERANGE;
	*value = negative ? (int64_t)(0 - v) : (int64_t)v;
	return 0;
}

int str_int_in(const char *text, int64_t min, int64_t max, int64_t *value)
{
	int64_t v;
	int r = str_i64(text, &v);

	if (r < 0)
		return r;
	if (v < min || v > max)
		return -ERANGE;
	*value = v;
	return 0;
}

/* (whole + billionths / 1e9) * unit, exact, rounded down. */
static int scale(uint64_t whole, uint64_t billionths, uint64_t unit, uint64_t limit, uint64_t *out)
{
	unsigned __int128 v = (unsigned __int128)whole * unit +
			      (unsigned __int128)billionths * unit / FRACTION_ONE;

	if (v > limit)
		return -ERANGE;
	*out = (uint64_t)v;
	return 0;
}

int str_size_bytes(const char *text, uint64_t *bytes)
{
	static const char letters[] = "kmgtpe";
	uint64_t whole, fraction, unit = 1;
	const char *letter;
	int r;

	if ((r = take_u64(&text, &whole)) < 0 || (r = take_fraction(&text, &fraction)) < 0)
		return r;
	if (*text == ' ')
		text++;
	letter = *text ? strchr(letters, tolower((unsigned char)*text)) : NULL;
	if (letter) {
		unit = UINT64_C(1) << (10 * (letter - letters + 1));
		text++;
		if (*text == 'i' && tolower((unsigned char)text[1]) == 'b')
			text++;
	}
	if (tolower((unsigned char)*text) == 'b')
		text++;
	if (*text)
		return -EINVAL;
	return scale(whole, fraction, unit, INT64_MAX, bytes);
}

static int take_duration_unit(const char **p, uint64_t *unit)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{ "ns", 1 },
		{ "us", 1000 },
		{ "\xc2\xb5s", 1000 },
		{ "ms", 1000000 },
		{ "s", 1000000000 },
		{ "m", UINT64_C(60000000000) },
		{ "h", UINT64_C(3600000000000) },
	};

	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (str_has_prefix(*p, units[i].name)) {
			*p += strlen(units[i].name);
			*unit = units[i].ns;
			return 0;
		}
	return -EINVAL;
}

int str_duration_ns(const char *text, int64_t *ns)
{
	uint64_t sum = 0;

	if (strcmp(text, "0") == 0) {
		*ns = 0;
		return 0;
	}
	do {
		uint64_t whole, fraction, unit, part;
		int r;

		if ((r = take_u64(&text, &whole)) < 0 ||
		    (r = take_fraction(&text, &fraction)) < 0 ||
		    (r = take_duration_unit(&text, &unit)) < 0 ||
		    (r = scale(whole, fraction, unit, INT64_MAX, &part)) < 0)
			return r;
		if (__builtin_add_overflow(sum, part, &sum) || sum > INT64_MAX)
			return -ERANGE;
	} while (*text);
	*ns = (int64_t)sum;
	return 0;
}

/* Exactly n digits. */
static int take_fixed(const char **p, int n, int *value)
{
	int v = 0;

	for (int i = 0; i < n; i++) {
		if (!digit((*p)[i]))
			return -EINVAL;
		v = v * 10 + ((*p)[i] - '0');
	}
	*p += n;
	*value = v;
	return 0;
}

static int take_char(const char **p, const char *accepted)
{
	if (!**p || !strchr(accepted, **p))
		return -EINVAL;
	(*p)++;
	return 0;
}

/* Z, +hh:mm, -hh:mm or nothing, as seconds east of UTC. */
static int take_zone(const char **p, int *seconds)
{
	int sign = **p == '-' ? -1 : 1, hours, minutes;

	*seconds = 0;
	if (!**p)
		return 0;
	if (**p == 'Z' || **p == 'z') {
		(*p)++;
		return 0;
	}
	if (take_char(p, "+-") < 0 || take_fixed(p, 2, &hours) < 0 || take_char(p, ":") < 0 ||
	    take_fixed(p, 2, &minutes) < 0 || hours > 23 || minutes > 59)
		return -EINVAL;
	*seconds = sign * (hours * 3600 + minutes * 60);
	return 0;
}

/* "2026-01-02", "2026-01-02T03:04", "...:05", "...:05.123", each with a zone or none. */
static int parse_rfc3339(const char *p, int64_t *ns)
{
	struct tm tm = { 0 }, check;
	uint64_t fraction = 0;
	int year, month, zone;
	time_t seconds;

	if (take_fixed(&p, 4, &year) < 0 || take_char(&p, "-") < 0 ||
	    take_fixed(&p, 2, &month) < 0 || take_char(&p, "-") < 0 ||
	    take_fixed(&p, 2, &tm.tm_mday) < 0)
		return -EINVAL;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	if (*p == 'T' || *p == 't' || *p == ' ') {
		p++;
		if (take_fixed(&p, 2, &tm.tm_hour) < 0 || take_char(&p, ":") < 0 ||
		    take_fixed(&p, 2, &tm.tm_min) < 0)
			return -EINVAL;
		if (*p == ':') {
			p++;
			if (take_fixed(&p, 2, &tm.tm_sec) < 0 || take_fraction(&p, &fraction) < 0)
				return -EINVAL;
		}
	}
	if (take_zone(&p, &zone) < 0 || *p)
		return -EINVAL;
	check = tm;
	seconds = timegm(&check);
	if (check.tm_mon != tm.tm_mon || check.tm_mday != tm.tm_mday ||
	    check.tm_hour != tm.tm_hour || check.tm_min != tm.tm_min || check.tm_sec != tm.tm_sec)
		return -EINVAL;
	if (__builtin_mul_overflow((int64_t)seconds - zone, (int64_t)FRACTION_ONE, ns) ||
	    __builtin_add_overflow(*ns, (int64_t)fraction, ns))
		return -ERANGE;
	return 0;
}

static int parse_unix_seconds(const char *p, int64_t *ns)
{
	uint64_t whole, fraction, v;

	if (take_u64(&p, &whole) < 0 || take_fraction(&p, &fraction) < 0 || *p)
		return -EINVAL;
	if (scale(whole, fraction, FRACTION_ONE, INT64_MAX, &v) < 0)
		return -ERANGE;
	*ns = (int64_t)v;
	return 0;
}

int str_time_ns(const char *text, int64_t now_ns, int64_t *ns)
{
	int64_t v;

	if (parse_unix_seconds(text, &v) == 0 || parse_rfc3339(text, &v) == 0) {
		*ns = v;
		return 0;
	}
	if (str_duration_ns(text, &v) == 0) {
		*ns = now_ns - v;
		return 0;
	}
	return -EINVAL;
}

int str_until_ns(const char *text, int64_t now_ns, int64_t *ns)
{
	int64_t v;

	if (str_time_ns(text, now_ns, &v) < 0)
		return -EINVAL;
	*ns = v < 1 ? 1 : v;
	return 0;
}

void str_format_time(int64_t ns, char out[STR_TIME_MAX])
{
	int64_t seconds = ns / FRACTION_ONE, rest = ns % FRACTION_ONE;
	time_t t;
	struct tm tm;

	if (rest < 0) {
		seconds--;
		rest += FRACTION_ONE;
	}
	t = (time_t)seconds;
	if (ns == 0 || !gmtime_r(&t, &tm)) {
		snprintf(out, STR_TIME_MAX, "0001-01-01T00:00:00Z");
		return;
	}
	snprintf(out, STR_TIME_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%09dZ",
		 (tm.tm_year + 1900) % 10000, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
		 tm.tm_sec, (int)rest);
}

bool str_query_bool(const char *text)
{
	static const char *const no[] = { "", "0", "no", "false", "none" };

	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		if (strcasecmp(text, no[i]) == 0)
			return false;
	return true;
}

bool str_is_name(const char *text)
{
	size_t n = strlen(text);

	if (n < 2 || n > 255 || !isalnum((unsigned char)text[0]))
		return false;
	for (size_t i = 1; i < n; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("_.-", text[i]))
			return false;
	return true;
}

static size_t hex_run(const char *text)
{
	return strspn(text, "0123456789abcdef");
}

bool str_is_id_prefix(const char *text)
{
	size_t n = hex_run(text);

	return n >= 1 && n <= 64 && !text[n];
}

bool str_is_id(const char *text)
{
	return hex_run(text) == 64 && !text[64];
}

bool str_is_digest(const char *text)
{
	return str_has_prefix(text, "sha256:") && str_is_id(text + 7);
}

void str_hex(const void *bytes, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = bytes;

	for (size_t i = 0; i < n; i++) {
		*out++ = digits[p[i] >> 4];
		*out++ = digits[p[i] & 15];
	}
	*out = '\0';
}

void str_random_id(char out[65])
{
	unsigned char bytes[32];
	size_t have = 0;

	while (have < sizeof(bytes)) {
		ssize_t n = getrandom(bytes + have, sizeof(bytes) - have, 0);

		if (n > 0)
			have += (size_t)n;
	}
	str_hex(bytes, sizeof(bytes), out);
}

bool str_has_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_has_suffix(const char *text, const char *suffix)
{
	size_t n = strlen(text), m = strlen(suffix);

	return n >= m && memcmp(text + n - m, suffix, m) == 0;
}

const char *str_or_empty(const char *text)
{
	return text ? text : "";
}

bool str_equal(const char *a, const char *b)
{
	return strcmp(str_or_empty(a), str_or_empty(b)) == 0;
}

char *str_printf(const char *fmt, ...)
{
	char *text = NULL;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	return n < 0 ? NULL : text;
}

char *str_path(const char *dir, const char *name)
{
	size_t n = strlen(dir);

	while (n > 0 && dir[n - 1] == '/')
		n--;
	while (*name == '/')
		name++;
	return str_printf("%.*s/%s", (int)n, dir, name);
}

int str_split_host_port(const char *text, char **host, char **port)
{
	const char *colon = strrchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : 0;
	uint64_t number;

	*host = *port = NULL;
	if (!colon || str_u64(colon + 1, &number) < 0 || number > UINT16_MAX)
		return -EINVAL;
	if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
		text++;
		n -= 2;
	}
	*host = strndup(text, n);
	*port = strdup(colon + 1);
	if (*host && *port)
		return 0;
	free(*host);
	free(*port);
	*host = *port = NULL;
	return -ENOMEM;
}
