/* SPDX-License-Identifier: Apache-2.0 */
/* `--change` of commit and import: one instruction of a Dockerfile that changes nothing but the config: CMD
 * ENTRYPOINT ENV EXPOSE HEALTHCHECK LABEL ONBUILD STOPSIGNAL USER VOLUME WORKDIR. Pure. */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "err.h"
#include "mem.h"

enum { CHANGES_LINE_MAX = 64 << 10 };

/* Changes `config`, Docker's Config object. -EINVAL with a sentence naming the instruction. */
int changes_apply(json_t *config, const char *line, struct err *err) must_check;
