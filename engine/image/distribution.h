/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests and indexes as registries keep them: Docker's schema 2 and OCI's. Pure. Only what is needed is
 * read; the document itself is kept byte for byte, so nothing that others wrote into it is lost. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "mem.h"
#include "platform.h"

enum { DISTRIBUTION_TYPE_MAX = 128, DISTRIBUTION_ENTRIES_MAX = 1000 };

/* What a registry is to be asked for. */
#define DISTRIBUTION_ACCEPT                                           \
	"Accept: application/vnd.oci.image.index.v1+json, "           \
	"application/vnd.docker.distribution.manifest.list.v2+json, " \
	"application/vnd.oci.image.manifest.v1+json, "                \
	"application/vnd.docker.distribution.manifest.v2+json"

struct descriptor {
	char digest[72];
	char media_type[DISTRIBUTION_TYPE_MAX];
	uint64_t size;
	struct platform platform; /* of an index's entries */
};

struct distribution {
	char media_type[DISTRIBUTION_TYPE_MAX]; /* the document's own word, "" = none */
	bool index;
	struct descriptor config; /* of a manifest */
	struct descriptor *items; /* layers, lowest first; of an index: manifests */
	size_t n;
};

/* -EINVAL with a sentence that names the field. Free with distribution_deinit() on success. */
int distribution_parse(const char *text, size_t len, struct distribution *out,
		       struct err *err) must_check;
void distribution_deinit(struct distribution *d);

/* The index's entry to take for `wanted` (fields that are "" are filled with what the host has by the caller):
 * equal in os and architecture; with several, the same variant, else the highest that is not above the wanted
 * one. NULL = there is none. */
const struct descriptor *distribution_choose(const struct distribution *index,
					     const struct platform *wanted);
