/* SPDX-License-Identifier: Apache-2.0 */
/* What an image says about its containers, filled into a request where the request is silent
 * (Docker's rules). After it the request alone says what runs, for ever: an image's name may move to
 * another image. Pure. */
#pragma once

#include "cleat/v1/config.pb-c.h"
#include "err.h"
#include "manifest.h"
#include "mem.h"

/* Changes *config, which owns its members (allocated with malloc, as an unpacked message has them).
 * The image's config is borrowed. 0; -EINVAL for a variable without a name; -ENOMEM with *config still a whole
 * message. */
int defaults_apply(Cleat__V1__ContainerConfig *config, const struct image_config *image,
		   struct err *err) must_check;

/* Names the log driver: the request's, else `configured`, else what the request wants then, else local.
 * 0, or -ENOMEM as above. */
int defaults_log_driver(Cleat__V1__ContainerConfig *config, const char *configured) must_check;
