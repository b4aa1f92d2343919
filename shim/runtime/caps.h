/* SPDX-License-Identifier: Apache-2.0 */
/* Names of capabilities. Pure. */
#pragma once

#include <stdint.h>

enum { CAPS_COUNT = 41 };

/* The number of "CAP_CHOWN" (case matters), -1 when unknown. */
int caps_number(const char *name);
/* The name of a number below CAPS_COUNT. */
const char *caps_name(int number);
