/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime's operations, one per verb. All block. They return 0 or -errno with *err; `run` and
 * `exec` return the program's exit code (0-255) in *code. */
#pragma once

#include "filter.h"
#include "launch.h"
#include "options.h"
#include "outside.h"
#include "plan.h"
#include "sync.h"

/* A bundle read and ready. */
struct bundle {
	struct plan plan;
	struct seccomp_filter filter;
	char dir[4096]; /* absolute */
};

/* Reads DIR/config.json and finds or makes its filter. */
int bundle_load(struct bundle *b, const char *dir, const struct options *o,
		struct err *err) must_check;
void bundle_unload(struct bundle *b);

/* What went wrong where: reported to the caller of the runtime. */
struct outcome {
	const char *stage;
	char stage_text[32];
	int exit_code;
	pid_t pid;
};

int container_create(const struct options *o, bool run, int *code, struct outcome *out,
		     struct err *err) must_check;
int container_start(const struct options *o, struct outcome *out, struct err *err) must_check;
int container_exec(const struct options *o, int *code, struct outcome *out,
		   struct err *err) must_check;
int container_kill(const struct options *o, struct err *err) must_check;
int container_delete(const struct options *o, struct err *err) must_check;
int container_state(const struct options *o, struct err *err) must_check;
int container_list(const struct options *o, struct err *err) must_check;
/* Writes the limits of --resources (a file, "-" = standard input) to a container that runs; what is absent
 * stays. "cpus" and "mems" of "" are those of the group above. */
int container_update(const struct options *o, struct err *err) must_check;
int container_freeze(const struct options *o, bool frozen, struct err *err) must_check;

/* Waits for the child, passing signals on; master -1 = no terminal to relay. */
int container_wait(pid_t pid, int pidfd, int master, int *code, struct err *err) must_check;
/* Blocks all signals for the wait to come; before the child is made. */
void container_block_signals(void);
/* Tells the caller of the runtime by --notify-fd and --pid-file. */
int container_report(const struct options *o, pid_t pid, int pidfd, struct err *err) must_check;
/* Waits for the child to run its program: 1 it runs or is created, 0 hooks are due; or its error. */
int container_handshake(int sock, struct outcome *out, struct err *err) must_check;
/* That error; whoever may trace the child may have it tell anything. */
int container_told(struct sync_msg *m, struct outcome *out, struct err *err) must_check;

/* The child's side of create and run; never returns. */
struct init_args {
	const struct bundle *bundle;
	const struct cgroup *cgroup;
	const struct options *options;
	struct outside outside; /* what the parent prepared */
	bool in_userns;         /* the child was born in the user namespace */
	const char *state;      /* state document for hooks */
	int ns_fd[NS_COUNT];    /* namespaces to join, -1 = none */
	int sock, console;      /* console -1 = none */
	int fifo, go;           /* exec.fifo and start.fifo, open both ways; -1 = run at once */
	bool hooks;
	/* in a pid namespace that others are in: birth.c */
	enum { INIT_ALL, INIT_BUILD, INIT_BORN } part;
	int *entries; /* of the cgroup, INIT_BORN's */
	size_t n_entries;
};
/* What launch_prepare() has to do for it. */
struct launch init_launch(const struct init_args *a);
void init_main(const struct init_args *a) __attribute__((noreturn));
