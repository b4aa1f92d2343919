/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's text of a mount, "source:target[:options]", as -v has it and a client's Binds. Pure. */
#pragma once

#include "cleat/v1/config.pb-c.h"
#include "err.h"
#include "mem.h"

/* Into a message that is new; its fields own what they get. A source with a slash in front is a path of the host,
 * made if it is missing; any other is a volume's name; a target alone wants a volume of its own (empty source).
 * -EINVAL names the text and what is wrong with it. */
int bindtext_parse(const char *text, Cleat__V1__Mount *mount, struct err *err) must_check;
