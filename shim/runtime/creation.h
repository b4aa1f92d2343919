/* SPDX-License-Identifier: Apache-2.0 */
/* A container that is being made: what create.c shares with creation_join.c. */
#pragma once

#include "container.h"
#include "state.h"

struct creation {
	const struct options *o;
	bool run;
	struct bundle bundle;
	struct cgroup cgroup;
	struct state state;
	bool made_state, made_cgroup;
	int dir, sock, child_sock, console, relay, pidfd, fifo, go;
	int ns_fd[NS_COUNT];
	struct outside outside;
	pid_t pid;
};

/* What its first process gets, but for the socket. */
struct init_args creation_init(const struct creation *c);
/* Writes down which process it is. */
int creation_record(struct creation *c, struct err *err) must_check;
/* In a pid namespace that is joined: it is built, and this is who becomes its first process. */
int creation_let_in(struct creation *c, struct outcome *out, struct err *err) must_check;
