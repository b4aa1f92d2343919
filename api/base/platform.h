/* SPDX-License-Identifier: Apache-2.0 */
/* What an image is made for, and how people write it. Pure. */
#pragma once

#include "err.h"
#include "mem.h"

struct platform {
	char os[32], architecture[32], variant[16]; /* "" = not said */
};

/* "linux/arm64/v8" and what may be left out of it; a lone "arm64" is Linux', and "aarch64" the same, as at Docker.
 * -EINVAL, also for a lone word that is neither a known system nor a known architecture. */
int platform_parse(const char *text, struct platform *out, struct err *err) must_check;
/* What this machine runs; `machine` is uname(2)'s. */
struct platform platform_host(const char *machine);
/* os/architecture[/variant] */
void platform_format(const struct platform *p, char out[96]);
