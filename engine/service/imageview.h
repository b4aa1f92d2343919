/* SPDX-License-Identifier: Apache-2.0 */
/* Images as messages. Everything put into a message is owned by it. */
#pragma once

#include "cleat/v1/images.pb-c.h"
#include "image.h"
#include "mem.h"

/* Familiar names, of full ones or as an archive has them. 0 or -ENOMEM. */
int imageview_tags(const struct strings *tags, char ***out, size_t *n) must_check;
int imageview_summary(const struct image *image, Cleat__V1__ImageSummary *out) must_check;
int imageview_details(const struct image *image, const char *driver,
		      Cleat__V1__ImageDetails *out) must_check;
/* `sizes` are those of the layers, lowest first. */
int imageview_history(const struct image *image, const uint64_t *sizes,
		      Cleat__V1__ImageHistoryReply *out) must_check;
/* "untagged NAME" and "deleted ID" lines. */
int imageview_changes(const struct strings *changes, Cleat__V1__RemoveImageReply__Change ***out,
		      size_t *n) must_check;
