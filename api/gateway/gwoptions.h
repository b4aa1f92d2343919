/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of cleat-gateway. */
#pragma once

#include <stdbool.h>

#include "err.h"
#include "http.h"

enum { OPTIONS_MAX_LISTENERS = HTTP_MAX_LISTENERS };

struct options {
	const char *run_dir;
	const char *listen[OPTIONS_MAX_LISTENERS]; /* none = unix:RUN/docker.sock */
	size_t n_listen;
	bool plain_tcp;
	bool tls, tls_verify; /* at TCP; the latter makes the former */
	struct http_tls tls_files;
	const char *access_log; /* NULL = none, "-" = stdout */
	const char *user;       /* to become once all is open, NULL = stay */
	struct http_limits limits;
};

/* Borrows from argv. INVALID_ARGUMENT with what is wrong. */
int options_parse(struct options *out, int argc, char **argv, struct err *err) must_check;
