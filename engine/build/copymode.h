/* SPDX-License-Identifier: Apache-2.0 */
/* Modes as --chmod of COPY and ADD has them: octal digits ("0755"), or changes as chmod(1) takes them
 * ("u+x,go=rX"). Who is not said is everybody, whatever the umask. Pure. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "mem.h"

bool copymode_is_valid(const char *text);
/* What a file of this type and mode gets: permission bits. `text` is valid. */
mode_t copymode_apply(const char *text, mode_t mode) must_check;
