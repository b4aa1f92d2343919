/* SPDX-License-Identifier: Apache-2.0 */
/* An attached container or exec session: stdin, output, terminal, signals, detach keys. Goes on over
 * the death and the upgrade of the engine. */
#pragma once

#include "cli.h"
#include "detach.h"

#include "cleat/v1/containers.pb-c.h"
#include "cleat/v1/exec.pb-c.h"

struct session {
	/* One of the two; borrowed, changed for resuming. */
	Cleat__V1__AttachStart *attach;
	Cleat__V1__ExecStart *exec;
	bool stdin_wanted, tty, sig_proxy;
	const char *detach_keys; /* NULL = default */
};

/* Runs the session to its end. The exit code of the container or process (0 when detached), or a
 * negative errno with *err set. */
int session_run(struct cli *cli, struct session *session, struct err *err) must_check;
