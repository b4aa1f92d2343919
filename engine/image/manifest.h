/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON documents that describe an image, checked as they are read. Pure. All functions return
 * -EINVAL with a sentence that names the field. What they fill is owned: free with the _deinit. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "mem.h"
#include "str.h"

/* What precedes the key of a step in the comment of its history entry. */
#define IMAGE_STEP_COMMENT "cleat.step "

enum { MANIFEST_BYTES_MAX = 4 << 20, MANIFEST_LAYERS_MAX = 128 };

struct strings {
	char **v;
	size_t n;
};
void strings_deinit(struct strings *s);
/* Appends a copy. 0 or -ENOMEM. Nothing else makes v longer: what room it has follows from n. */
int strings_append(struct strings *s, const char *text) must_check;

/* One image of an archive: where its config and layers are, and its names. */
struct manifest {
	char *config;          /* path in the archive */
	struct strings layers; /* paths, lowest first */
	struct strings tags;   /* as written */
	char digest[72];       /* its own, for whoever knows it; "" = none */
};
struct manifests {
	struct manifest *v;
	size_t n;
};
void manifests_deinit(struct manifests *m);

/* manifest.json of `docker save`. */
int manifest_parse_save(const char *text, size_t len, struct manifests *out,
			struct err *err) must_check;
/* An OCI or Docker schema 2 manifest; its paths are blobs/sha256/HEX. Appends one to *out. */
int manifest_parse_image(const char *text, size_t len, const char *tag, struct manifests *out,
			 struct err *err) must_check;

/* Whether a document is an index rather than a manifest. */
bool manifest_is_index(const char *text, size_t len);

/* An index's entry: digest and the name its annotations give ("" = none). */
struct manifest_entry {
	char digest[72];
	char name[256];
	char os[32], architecture[32]; /* "" = not said */
};
/* index.json of an OCI layout. *out is owned (free). */
int manifest_parse_index(const char *text, size_t len, struct manifest_entry **out, size_t *n,
			 struct err *err) must_check;

/* HEALTHCHECK; no test = there is none. Numbers of 0 were not given. */
struct image_health {
	struct strings test; /* NONE, or CMD or CMD-SHELL and words */
	int64_t interval_ns, timeout_ns, start_period_ns, start_interval_ns;
	uint32_t retries;
};

/* An image's config. */
struct image_config {
	struct strings diff_ids; /* sha256:..., lowest first */
	struct strings env, entrypoint, command, shell, exposed_ports, volumes, on_build;
	struct strings labels; /* key, value, key, value ... */
	struct image_health health;
	char *user, *working_dir, *stop_signal, *author, *comment, *os, *architecture, *variant;
	int64_t created_ns;
	struct image_history {
		char *created_by, *comment;
		char *step; /* of a build: sha256:... of all that it depended on; NULL = not known */
		int64_t created_ns;
		int empty_layer;
	} * history;
	size_t n_history;
};
int image_config_parse(const char *text, size_t len, struct image_config *out,
		       struct err *err) must_check;
void image_config_deinit(struct image_config *config);

/* A time as configs have it: RFC 3339 in UTC, with as few digits as say it, as Go writes it; so whoever reads and
 * writes a config changes nothing. Pure. */
void image_format_time(int64_t ns, char out[STR_TIME_MAX]);
