/* SPDX-License-Identifier: Apache-2.0 */
/* The command line, as engines that drive runc and crun write it. Pure. */
#pragma once

#include <stdbool.h>

#include "err.h"

enum { OPTIONS_ENV_MAX = 256 };

struct options {
	const char *root, *log, *log_format, *bundle, *pid_file, *console_socket, *cgroup;
	const char *seccomp_cache, *process, *resources, *user, *cwd;
	const char *runtime; /* another one to do the work, NULL = this one */
	const char *env[OPTIONS_ENV_MAX];
	int n_env;
	int preserve, notify_fd; /* notify_fd -1 = none */
	int rows, columns;       /* of the terminal, instead of the configuration's; 0 = as there */
	bool detach, tty, force, all, no_pivot, systemd_cgroup, help, version, no_new_privs, quiet;
	const char *verb, *id;
	char **rest; /* after the id: program and arguments, or the signal; NULL-terminated */
};

/* argv as main() gets it. Errors name the option. */
int options_parse(struct options *o, int argc, char **argv, struct err *err) must_check;
