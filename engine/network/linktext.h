/* SPDX-License-Identifier: Apache-2.0 */
/* Names as users write them for others to find containers by. Pure. */
#pragma once

#include <stdbool.h>

#include "mem.h"

enum { LINKTEXT_MAX = 256 }; /* bytes of a name, with its NUL */

struct linktext {
	char target[LINKTEXT_MAX]; /* a container's name or id, or another name in its network */
	char alias[LINKTEXT_MAX];
};

/* "target:alias", or "target" for both, or as inspect shows it, "/target:/container/alias". 0 or -EINVAL. */
int linktext_parse(const char *text, struct linktext *out) must_check;

/* Whether it can stand in a line of hosts(5): printable, no blank and no comment, not too long. */
bool linktext_is_word(const char *text);
