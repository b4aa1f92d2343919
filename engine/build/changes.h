/* SPDX-License-Identifier: Apache-2.0 */
/* `--change` of commit and import: a Dockerfile's instructions that change nothing but the config: CMD ENTRYPOINT
 * ENV EXPOSE HEALTHCHECK LABEL ONBUILD STOPSIGNAL USER VOLUME WORKDIR. Pure. */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "err.h"
#include "mem.h"

/* Changes `config`, Docker's Config object, by the lines as one Dockerfile. -EINVAL with a sentence naming the
 * instruction; the config may have changed then. */
int changes_apply(json_t *config, char *const *lines, size_t n, struct err *err) must_check;
