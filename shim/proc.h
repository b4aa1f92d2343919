/* SPDX-License-Identifier: Apache-2.0 */
/* A process as /proc shows it (proc(5)): enough to tell whether a recorded pid is still the same
 * process, and how a zombie ended. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "mem.h"

struct proc_stat {
	char state;           /* 'R', 'S', 'Z', … */
	bool exiting;         /* it has begun to end; one with a pid namespace ends that first */
	uint64_t start_ticks; /* since boot */
	int exit_status;      /* as waitpid(2) gives it; valid for a zombie */
};

/* Pure: the text of /proc/PID/stat. 0 or -EBADMSG. */
int proc_parse_stat(const char *text, size_t len, struct proc_stat *stat) must_check;

/* Reads /proc/PID/stat. 0, -ESRCH when there is no such process, or -EBADMSG. */
int proc_read_stat(pid_t pid, struct proc_stat *stat) must_check;

/* Opens /proc/PID of the process that started at that time and does not end: what is below it is never another's, who
 * may have the number by now. An owned descriptor or -ESRCH. */
int proc_open(pid_t pid, uint64_t start_ticks) must_check;

/* Whether the process of such a descriptor goes on. */
bool proc_lives(int dir_fd, uint64_t start_ticks);

/* Start time of a process, 0 when there is none. */
uint64_t proc_start_ticks_of(pid_t pid);
