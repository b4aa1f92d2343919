/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: a tar read by two parsers. */
#pragma once

#include <stddef.h>

/* Whether our parser refuses the tar (0), or takes it and libarchive understands the same (1). Otherwise it
 * says what differs and aborts. */
int tardiff(const void *tar, size_t n);
