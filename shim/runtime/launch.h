/* SPDX-License-Identifier: Apache-2.0 */
/* The last steps of a process of the container, shared by its first one and by exec: where, as whom
 * and what to run. Acts on the calling process. */
#pragma once

#include "err.h"
#include "filter.h"
#include "plan.h"

enum { EXIT_RUNTIME = 125, EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127 };

struct launch {
	const struct plan_process *process;
	const struct seccomp_filter *filter;
	bool init;         /* stay as a reaping init and run the program as a child */
	unsigned preserve; /* descriptors from 3 on that the program keeps */
	int proc;          /* apparmor_open()'s, -1 = none; closed */
	bool forks; /* the program's process is yet to be made: privs_processes() is left to that */
};

/* Once, with main()'s: a built-in init hides them. */
void launch_note_line(int argc, char **argv);

/* Where others may look into this process before it executes, and before launch_prepare(): it is not dumpable, has no
 * descriptors but these (at most LAUNCH_KEEP_MAX; -1 = none) and those of `l`, and none of its environment. */
enum { LAUNCH_KEEP_MAX = 64 };
void launch_let_go(const struct launch *l, const int *keep, size_t n);

/* Limits, user, capabilities, working directory, filter; returns only when all is ready to exec, or with the
 * exit code that tells why not. From then on nothing may be called that a filter is likely to refuse. */
int launch_prepare(const struct launch *l, int *exit_code, struct err *err) must_check;

/* Where `init`: returns in the program's process, a child of the one that stays as its init. */
int launch_init(const struct launch *l, struct err *err) must_check;

/* Looks the program up in the container's PATH and executes it. Returns only on failure, with the
 * exit code that tells why in *exit_code. */
int launch_exec(const struct launch *l, int *exit_code, struct err *err) must_check;
