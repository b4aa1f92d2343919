/* SPDX-License-Identifier: Apache-2.0 */
/* Names for containers whose user gave none: adjective_noun. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { NAMES_MAX = 48 };

/* Writes the name that `random` stands for; with `attempt` > 0 a digit follows, as some other
 * container has the plain one. */
void names_make(uint64_t random, unsigned int attempt, char out[NAMES_MAX]);
