/* SPDX-License-Identifier: Apache-2.0 */
/* From a name to what is to be pulled: the endpoint that has it, the manifest and the config. */
#pragma once

#include "document.h"
#include "engine.h"
#include "err.h"
#include "manifest.h"
#include "mem.h"
#include "pull.h"
#include "reference.h"
#include "registry.h"

struct resolved {
	struct reference ref;
	char repository[REFERENCE_MAX]; /* docker.io/library/busybox */
	char name[REFERENCE_MAX];       /* the same with tag or digest */
	size_t endpoint, n_endpoints;   /* the one asked last, and how many there are */
	struct registry *registry;
	struct transfer *transfer;   /* of the caller's thread */
	struct document top, chosen; /* chosen: the platform's manifest of an index */
	struct buf json;             /* the config */
	struct image_config config;
};
void resolved_deinit(struct resolved *resolved);

/* Fills the names in. */
void resolve_reference(struct resolved *out, const struct reference *ref);
/* Finds the manifest: mirrors are asked first, from number `endpoint` on, and the registry itself when they do not
 * have it. */
int resolve_top(struct resolved *out, const struct engine *engine,
		const struct pull_options *options, struct err *err) must_check;
/* Through an index, where it is one, to the manifest of the platform. */
int resolve_platform(struct resolved *out, const struct engine *engine,
		     const struct pull_options *options, struct err *err) must_check;
/* The config of that manifest. */
int resolve_config(struct resolved *out, struct engine *engine, const struct pull_options *options,
		   struct err *err) must_check;
/* The manifest of the image. */
const struct document *resolved_manifest(const struct resolved *resolved);
