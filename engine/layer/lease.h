/* SPDX-License-Identifier: Apache-2.0 */
/* A directory below STATE/tmp for work under way, owned by this process: its name holds the process id
 * and start time, so that whoever comes after a crash can tell what nobody works on any more. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"
#include "mem.h"

enum { LEASE_NAME_MAX = 96 };

struct lease {
	int state_fd; /* borrowed */
	int fd;       /* the directory */
	char path[LEASE_NAME_MAX];
	bool is_spare;
	/* for who has much in it: once true, what is there yet when it is given up is left to the next lease_sweep();
	 * borrowed, NULL = never */
	const _Atomic bool *stop;
};
#define LEASE_NULL ((struct lease){ -1, -1, "", false, NULL })

/* Makes an empty one. Close with lease_deinit(). */
int lease_open(struct lease *lease, int state_fd, struct err *err) must_check;
/* The same for who frees space and only moves things there. Each lease leaves an empty directory for this one,
 * which takes it when the disk is full. It is for one at a time: open and give back under one lock. */
int lease_open_to_free(struct lease *lease, int state_fd, struct err *err) must_check;
/* Empties that directory and puts it back, if the lease has it: then it is none any more. Blocks. */
void lease_give_back(struct lease *lease);
/* Removes it with all that is in it. For cleanup(). */
void lease_deinit(struct lease *lease);

/* Gives it up without removing it: its path below STATE, for who does that. */
void lease_leave(struct lease *lease, char path[LEASE_NAME_MAX]);

/* Removes the leases of processes that are no more, as long as *stop is false (-ECANCELED). Returns how many, or
 * -errno. Blocks. */
int lease_sweep(int state_fd, const _Atomic bool *stop) must_check;

/* The owner a lease's name tells. -EINVAL when it is not such a name. Pure. */
int lease_parse(const char *name, pid_t *pid, uint64_t *start) must_check;
