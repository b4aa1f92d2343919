/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's filters of images. Pure, but for image_filter_open(). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cleat/v1/common.pb-c.h"
#include "engine.h"
#include "err.h"
#include "image.h"
#include "mem.h"

struct image_filter {
	Cleat__V1__Filter *const *filters; /* borrowed */
	size_t n;
	bool prune; /* dangling= is not matched: it says what prune is about */
	int64_t before_ns, since_ns, until_ns; /* 0 = no such limit */
};

/* Checks keys and values. `now_ns` is what until=DURATION counts from. Of before and since only the
 * image_filter_open() below can find the times. -EINVAL with Docker's sentence. */
int image_filter_check(struct image_filter *f, int64_t now_ns, struct err *err) must_check;
/* image_filter_check() and the times of the images that before= and since= name. */
int image_filter_open(struct image_filter *f, struct engine *engine, int64_t now_ns,
		      struct err *err) must_check;
/* Whether the image passes; names that reference= does not match are taken from it. */
bool image_filter_match(const struct image_filter *f, struct image *image);
/* The value of a key that is a boolean: 1, 0, or `otherwise` when it is not there. */
int image_filter_bool(const struct image_filter *f, const char *key, int otherwise);
