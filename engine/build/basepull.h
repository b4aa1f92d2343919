/* SPDX-License-Identifier: Apache-2.0 */
/* Images to build upon that are not here yet. */
#pragma once

#include "err.h"
#include "mem.h"
#include "work.h"

/* Pulls the image of that name, with the credentials the request has for its registry; `platform` is
 * os/architecture[/variant], NULL = the host's. An error of image_pull(). Blocks. */
int basepull(struct build *b, const char *name, const char *platform, struct err *err) must_check;
