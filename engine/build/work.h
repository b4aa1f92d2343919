/* SPDX-License-Identifier: Apache-2.0 */
/* A build and its stages while they are made: private to this folder. A stage is made by one thread; what
 * several of them touch has the build's mutex or is not changed while they run. */
#pragma once

#include <openssl/evp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "build.h"
#include "cachefrom.h"
#include "cleat/v1/images.pb-c.h"
#include "commit.h"
#include "contexttree.h"
#include "dockerfile.h"
#include "engine.h"
#include "err.h"
#include "lease.h"
#include "mem.h"
#include "meta.h"
#include "plan.h"
#include "scope.h"
#include "stack.h"

struct work;

struct build {
	struct engine *engine;
	const struct build_options *options;
	struct lease lease; /* names the build; its context is below */
	bool remote_text;   /* the context is a URL that has a Dockerfile alone */
	int context_fd;     /* the root of the context's files, -1 = there is none */
	struct contexttree trees;
	struct dockerfile file;
	struct plan plan;
	struct cachefrom cache_from;
	struct scope args, builtin;
	struct work *stages; /* of plan.n */
	int cancel_fds
		[2]; /* of cancel.h: the client's; a stage has failed, and the others end too */
	_Atomic bool wrote;    /* layers that may not be on disk yet */
	pthread_mutex_t mutex; /* of telling */
};

/* A stage. */
struct work {
	struct build *build;
	size_t number;
	struct meta meta;
	struct stack stack;
	bool changed;                /* it is more than its base by now */
	struct image_packer *packer; /* of the thread that makes it; borrowed */
	bool done;                   /* others may take from it; stagecrew.c sees to the order */
	size_t step, steps;          /* told so far, of how many */
	char title[BUILD_TITLE_MAX]; /* of the step at hand */
};

/* ---- told.c */

/* The next step begins: "[name 2/5] RUN x". */
void told_begin(struct work *w, const char *text);
void told(struct work *w, enum build_event_kind kind);
/* What it printed. -errno of who is told, which ends the build. */
int told_output(struct work *w, int stream, const void *data, size_t n, struct err *err) must_check;
void told_note(struct build *b, const char *text);
/* Contents of these files, a NUL behind each path, are wanted. */
int told_wanted(struct build *b, const struct buf *paths, struct err *err) must_check;

/* ---- buildlayer.c */

/* 1 when an earlier build did the same: the stage has its layer and its history then. */
int buildlayer_recall(struct work *w, const char *key, const char *history,
		      struct err *err) must_check;
/* What the upper directory (borrowed) holds is the stage's next layer. */
int buildlayer_commit(struct work *w, int upper_fd, const char *key, const char *history,
		      struct err *err) must_check;
/* The image's history alone. */
int buildlayer_empty(struct work *w, const char *history, struct err *err) must_check;

/* A place for an upper directory, in a lease of its own, with the stage's files (or none, with `alone`) below
 * it as an overlay. */
struct scratch {
	struct lease lease;
	int upper_fd, work_fd;
	int root_fd; /* the overlay */
};
#define SCRATCH_NULL ((struct scratch){ LEASE_NULL, -1, -1, -1 })
int scratch_open(struct scratch *s, struct work *w, bool alone, struct err *err) must_check;
void scratch_deinit(struct scratch *s);
/* The files of a stack, read-only. Returns an owned descriptor. */
int stack_root(const struct stack *stack, struct err *err) must_check;

/* ---- key.c: digests of what a step depends on */

struct key {
	EVP_MD_CTX *digest;
	bool failed;
};
int key_open(struct key *key, const char *kind, struct err *err) must_check;
void key_deinit(struct key *key);
void key_add(struct key *key, const char *name, const char *value);
void key_add_list(struct key *key, const char *name, char *const *words, size_t n);
/* All layers of the stage, and the time its files are clamped to. */
void key_add_stage(struct key *key, const struct work *w);
int key_finish(struct key *key, char hex[65], struct err *err) must_check;

/* ---- the steps that are more than meta_apply() */

/* steprun.c */
int step_run(struct work *w, const struct instruction *in, struct err *err) must_check;
/* stepcopy.c */
int step_copy(struct work *w, const struct instruction *in, struct err *err) must_check;
int step_workdir(struct work *w, const struct instruction *in, struct err *err) must_check;

/* ---- origin.c: where --from= and from= lead */

/* The root of the files that `from` means (a stage's name or number, an image): an owned descriptor; what
 * they are goes into `key`. NULL = the context. */
int origin_open(struct work *w, const char *from, struct key *key, struct err *err) must_check;
