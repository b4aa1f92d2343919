/* SPDX-License-Identifier: Apache-2.0 */
/* What older versions of Docker's API have and newer ones have dropped. Pure. */
#pragma once

#include <jansson.h>

/* Adds to an image, as lists show it or as inspect does, what it has in API 1.MINOR. */
void olderjson_image_summary(json_t *image, unsigned minor);
void olderjson_image(json_t *image, unsigned minor);
/* To a container as inspect shows it. */
void olderjson_container(json_t *container, unsigned minor);
