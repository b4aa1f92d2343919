/* SPDX-License-Identifier: Apache-2.0 */
/* What cleat-oci tells its caller over --notify-fd: exactly one record on a SOCK_SEQPACKET socket
 * per `run --detach`, `run`, `create`, `start`, `exec` or `update`. The text fields are NUL-terminated. */
#pragma once

#include <stdint.h>

#define OCI_NOTIFY_MAGIC 0x6f634c43u

enum oci_notify_kind {
	/* The program runs (its execve succeeded; for create: waits for start). `pid` as the
	 * caller's pid namespace sees it, a pidfd comes along by SCM_RIGHTS. */
	OCI_NOTIFY_STARTED = 1,
	/* Nothing runs and nothing was left behind. exit_code: 127 program not found, 126 it cannot
	 * be executed, 125 anything else. */
	OCI_NOTIFY_FAILED = 2,
	/* What was asked for is done, of a verb that starts nothing: update. */
	OCI_NOTIFY_DONE = 3,
};

enum { OCI_NOTIFY_STAGE_MAX = 32, OCI_NOTIFY_MESSAGE_MAX = 240 };

struct oci_notify {
	uint32_t magic;
	uint32_t kind;
	int32_t pid;
	int32_t exit_code;
	int32_t sys;                          /* errno of the cause, 0 = none */
	uint32_t reserved;                    /* 0 */
	char stage[OCI_NOTIFY_STAGE_MAX];     /* one word: "bundle", "cgroup", "mounts", "exec" */
	char message[OCI_NOTIFY_MESSAGE_MAX]; /* one sentence for people */
};
