/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a tar's headers: numbers in octal or base 256, records of pax. Private to the parser of
 * tars. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mem.h"

/* A header's field. -EINVAL when it is neither form; -ERANGE beyond 63 bits. */
int tarfield_number(const unsigned char *field, size_t n, int64_t *value) must_check;
/* Whether the sum of the header's bytes is the one it says (tar(5)); signed sums are in use too. */
bool tarfield_checksum(const unsigned char header[512]) must_check;
/* Decimal digits with an optional fraction and sign. */
int tarfield_time(const char *text, int64_t *sec, uint32_t *nsec) must_check;

struct tarfield_record {
	char *key, *value; /* both end in a NUL; a value may hold others */
	size_t len;        /* of the value */
};
/* Cuts the next record "LEN KEY=VALUE\n" out of *text (of *n bytes) in place and moves both behind it.
 * -EINVAL when it is none. */
int tarfield_record(char **text, size_t *n, struct tarfield_record *out) must_check;
