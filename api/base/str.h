/* SPDX-License-Identifier: Apache-2.0 */
/* Strict parsers for what people and files write: integers, sizes, durations, times, ids, names.
 * Pure: no allocation unless said, no locale, no clock but what is passed in. All take C strings and
 * return 0 or -EINVAL (-ERANGE where a number does not fit), writing the result only on success. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mem.h"

/* Decimal digits only: no sign, blank or prefix. */
int str_u64(const char *text, uint64_t *value) must_check;
/* As str_u64 with an optional leading '-'. */
int str_i64(const char *text, int64_t *value) must_check;
/* An integer within [min, max], -ERANGE outside. */
int str_int_in(const char *text, int64_t min, int64_t max, int64_t *value) must_check;

/* Bytes as Docker writes them: 512, 10k, 1.5g, 20MiB, 64KB; units are powers of 1024. */
int str_size_bytes(const char *text, uint64_t *bytes) must_check;

/* Go's durations: 1h30m, 1.5s, 300ms, 10us, 5ns; "0" without unit. Negative ones are refused. */
int str_duration_ns(const char *text, int64_t *ns) must_check;

/* A point in time as --since takes it: RFC 3339 (with or without zone; none is UTC), UNIX seconds
 * with an optional fraction, or a duration before now_ns. Result in UNIX nanoseconds. */
int str_time_ns(const char *text, int64_t now_ns, int64_t *ns) must_check;
/* The same, of a filter "until", where 0 is that there is none: a time before 1 ns after the epoch becomes that. */
int str_until_ns(const char *text, int64_t now_ns, int64_t *ns) must_check;

/* RFC 3339 with nanoseconds in UTC, "2026-01-02T03:04:05.000000006Z"; 0 gives Docker's zero time
 * "0001-01-01T00:00:00Z". out has STR_TIME_MAX bytes. */
enum { STR_TIME_MAX = 40 };
void str_format_time(int64_t ns, char out[STR_TIME_MAX]);

/* Docker's booleans in queries: "", "0", "no", "false", "none" (any case) are false, all else true. */
bool str_query_bool(const char *text);

/* Container names as Docker has them: [a-zA-Z0-9][a-zA-Z0-9_.-]{1,}, at most 255 bytes. */
bool str_is_name(const char *text);
/* 1 to 64 lower-case hexadecimal digits. */
bool str_is_id_prefix(const char *text);
/* Exactly 64 lower-case hexadecimal digits. */
bool str_is_id(const char *text);
/* "sha256:" and 64 lower-case hexadecimal digits. */
bool str_is_digest(const char *text);

/* Lower-case hexadecimal of n bytes and a NUL: out has 2 * n + 1 bytes. */
void str_hex(const void *bytes, size_t n, char *out);
/* A new random id: 64 hexadecimal digits and a NUL. Blocks only before the kernel's pool is ready. */
void str_random_id(char out[65]);

/* Length of the valid UTF-8 sequence at p, of n bytes (RFC 3629: no overlong forms, no surrogates), 0 if none. */
size_t str_utf8_len(const unsigned char *p, size_t n);
bool str_is_utf8(const char *text);
/* Puts '?' where bytes are not UTF-8, as in a text that was cut. */
void str_mend_utf8(char *text);

bool str_has_prefix(const char *text, const char *prefix);
bool str_has_suffix(const char *text, const char *suffix);
/* Equal, or both NULL-or-empty. */
bool str_equal(const char *a, const char *b);
/* NULL becomes "". */
const char *str_or_empty(const char *text);
/* Owned copy of the formatted text, NULL without memory. */
char *str_printf(const char *fmt, ...) printf_like(1, 2) must_check;
/* Owned copy of "dir/name" with exactly one slash between, NULL without memory. */
char *str_path(const char *dir, const char *name) must_check;

/* HOST:PORT or [IPV6]:PORT in two strings (owned). -EINVAL without the number of a port, -ENOMEM;
 * both are NULL then. */
int str_split_host_port(const char *text, char **host, char **port) must_check;
