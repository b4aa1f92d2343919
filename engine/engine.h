/* SPDX-License-Identifier: Apache-2.0 */
/* What every part of the engine is given: where its files are, and the handles of the shared parts.
 * Filled once at start by engine_open() and constant from then on; the parts have locks of their own.
 * It holds no fact about a container: those are in the store, the shims and the files. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "err.h"
#include "mem.h"

struct store;
struct shims;
struct journal;
struct rpc_server;
struct logkeep;
struct reconciler;
struct layers;
struct chores;
struct netwatch;
struct statskeep;
struct metrics;

enum { ENGINE_INSTANCE_MAX = 33 };

struct engine {
	char *state_dir, *run_dir; /* absolute */
	char *bin_dir;             /* where cleat-shim and its kind are: beside this program */
	int state_fd, run_fd;      /* directories */
	int containers_fd;         /* STATE/containers */
	int volumes_fd;            /* STATE/volumes */
	int shims_fd;              /* RUN/shim */
	char instance[ENGINE_INSTANCE_MAX]; /* random, new with each start */
	char boot_id[40];                   /* of the kernel */
	char cgroup[32];                    /* the cgroup all containers are below: cleat-<8 hex> */
	int64_t started_ns;                 /* UNIX time */
	struct config config;
	char *config_path;    /* absolute, NULL = defaults */
	_Atomic bool leaving; /* another engine serves, or none will: start nothing new */
	_Atomic bool last;    /* and none does: the next start finds what is to be cleared away */
	struct store *store;
	struct journal *journal;
	struct shims *shims;
	struct reconciler *reconciler;
	struct logkeep *logkeep;
	struct layers *layers;
	struct chores *chores;
	struct netwatch *netwatch;
	struct statskeep *statskeep;
	struct probekeep *probekeep;
	struct metrics *metrics; /* while it serves */
	struct rpc_server *server;
};

/* Opens directories (made if absent) and the store. `state_dir` and `run_dir` are copied.
 * 0 or -errno with *err. Blocks on the file system only. */
int engine_open(struct engine *engine, const char *state_dir, const char *run_dir,
		struct err *err) must_check;
/* Works on a half-opened engine. */
void engine_close(struct engine *engine);
