/* SPDX-License-Identifier: Apache-2.0 */
/* Processes of a container as `top` shows them, read from the kernel's text files. The parser is
 * pure; the rest blocks on procfs only. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "mem.h"

struct proc_stat {
	char comm[64];
	char state;
	int64_t ppid, tty, priority, nice, threads;
	uint64_t user_ticks, system_ticks, start_ticks; /* clock ticks; start since boot */
	uint64_t vsize_bytes, rss_pages;
};

/* Reads the text of /proc/PID/stat (proc(5)); comm may hold anything. 0 or -EBADMSG. Pure. */
int proc_parse_stat(const char *text, size_t len, struct proc_stat *stat) must_check;

/* Pids in the cgroup files of `cgroup` ("cleat-xxxx/ID") and below it. *pids is owned. 0 or -errno;
 * -ENOENT when there is no such cgroup. */
int proc_cgroup_pids(const char *cgroup, pid_t **pids, size_t *n) must_check;

/* /proc/PID of the process that started at that time, for what is below it: a pid that another process has by now is
 * never looked into. An owned descriptor, -ESRCH. */
int proc_dir(pid_t pid, uint64_t start_ticks) must_check;
