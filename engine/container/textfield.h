/* SPDX-License-Identifier: Apache-2.0 */
/* A text of an unpacked message. Pure. */
#pragma once

#include "mem.h"

/* Puts `text` (consumed) in the place of what the field has, which is freed. -ENOMEM for NULL: the field stays. */
int textfield_set(char **field, char *text) must_check;
