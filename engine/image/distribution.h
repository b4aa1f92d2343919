/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests and indexes as registries keep them: Docker's schema 2 and OCI's. Pure. Only what is needed is
 * read; the document itself is kept byte for byte, so nothing that others wrote into it is lost. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "mem.h"

enum { DISTRIBUTION_TYPE_MAX = 128, DISTRIBUTION_ENTRIES_MAX = 1000 };

/* What a registry is to be asked for. */
#define DISTRIBUTION_ACCEPT                                           \
	"Accept: application/vnd.oci.image.index.v1+json, "           \
	"application/vnd.docker.distribution.manifest.list.v2+json, " \
	"application/vnd.oci.image.manifest.v1+json, "                \
	"application/vnd.docker.distribution.manifest.v2+json"

struct platform {
	char os[32], architecture[32], variant[16]; /* "" = not said */
};

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

/* "linux/arm64/v8" and what may be left out of it; a lone "arm64" is Linux'. -EINVAL, also for a lone word that
 * is neither a known system nor a known architecture. */
int platform_parse(const char *text, struct platform *out, struct err *err) must_check;
/* What this machine runs; `machine` is uname(2)'s. */
struct platform platform_host(const char *machine);
/* os/architecture[/variant] */
void platform_format(const struct platform *p, char out[96]);

/* The index's entry to take for `wanted` (fields that are "" are filled with what the host has by the caller):
 * equal in os and architecture; with several, the same variant, else the highest that is not above the wanted
 * one. NULL = there is none. */
const struct descriptor *distribution_choose(const struct distribution *index,
					     const struct platform *wanted);
