/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime's record of a container: ROOT/ID/state.json, and ROOT/ID/exec.fifo while the
 * container is created but not started. What a container does is asked of the kernel each time. */
#pragma once

#include <sys/types.h>

#include "err.h"
#include "plan.h"

enum { STATE_ID_MAX = 255, STATE_PATH_MAX = 1024 };

struct state {
	char id[STATE_ID_MAX + 1];
	pid_t pid;
	uint64_t start_ticks; /* from /proc/PID/stat: tells a reused pid */
	int64_t created_ns;
	char bundle[STATE_PATH_MAX];
	char cgroup[STATE_PATH_MAX];
	json_t *annotations; /* owned, may be NULL */
};

enum state_status { STATUS_CREATED, STATUS_RUNNING, STATUS_PAUSED, STATUS_STOPPED };

/* An id usable as a file name: letters, digits, "_", "+", "-", ".", not starting with ".". */
int state_check_id(const char *id, struct err *err) must_check;

/* Makes ROOT/ID; ERR_EXISTS when it is there. Returns its descriptor. */
int state_make(const char *root, const char *id, struct err *err) must_check;
/* Descriptor of ROOT/ID, ERR_NOT_FOUND without it. */
int state_dir(const char *root, const char *id, struct err *err) must_check;
int state_remove(const char *root, const char *id, struct err *err) must_check;

int state_save(int dir, const struct state *s, struct err *err) must_check;
/* A record's text; free with state_free(). Pure. */
int state_parse(const char *text, size_t n, struct state *s, struct err *err) must_check;
int state_load(int dir, struct state *s, struct err *err) must_check;
void state_free(struct state *s);

enum state_status state_status(int dir, const struct state *s);
/* The specification's state document, with a newline; owned, NULL without memory. */
char *state_json(const struct state *s, enum state_status status);

/* Start time of a process in clock ticks, 0 when there is none or it is a zombie. */
uint64_t state_ticks(pid_t pid);
/* Whether a process, or the zombie of one, has executed a program since it was forked; true when that cannot be told. */
bool state_executed(pid_t pid);
