/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's counters as text (cgroups(7), proc(5)) into a sample. Pure. What a line has that is not
 * understood is passed over: kernels add to these files. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cleat/v1/containers.pb-c.h"
#include "mem.h"

/* A file with one number: UINT64_MAX for "max", 0 for what is no number. */
uint64_t statsparse_number(const char *text);
/* The number behind `key` in a file of "key number" lines, 0 = no such line. */
uint64_t statsparse_key(const char *text, const char *key);

/* The following add to the sample, which owns what they add: 0 or -ENOMEM. */

/* memory.stat */
int statsparse_memory(const char *text, Cleat__V1__StatsSample *sample) must_check;
/* cpuacct.usage_percpu */
int statsparse_per_cpu(const char *text, Cleat__V1__StatsSample *sample) must_check;
/* cgroup v1, "8:0 Read 4096": bytes, or operations. */
int statsparse_blkio(const char *text, bool operations, Cleat__V1__StatsSample *sample) must_check;
/* cgroup v2, "8:0 rbytes=4096 wbytes=0 rios=1 wios=0 ..." */
int statsparse_io(const char *text, Cleat__V1__StatsSample *sample) must_check;
/* /proc/PID/net/dev without lo */
int statsparse_network(const char *text, Cleat__V1__StatsSample *sample) must_check;
