/* SPDX-License-Identifier: Apache-2.0 */
/* A session with one repository of one registry, shared by the threads that work for one command: it knows
 * the scheme, and the token once somebody was asked for it. Each thread brings its own transfer. All block;
 * what failed for want of an answer is tried again with growing pauses. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth.h"
#include "config.h"
#include "endpoint.h"
#include "err.h"
#include "manifest.h"
#include "mem.h"
#include "transfer.h"

struct registry;

struct registry_options {
	const struct config *config;
	const char *path;                    /* of the repository: library/busybox; NULL = none */
	const struct auth_credentials *auth; /* borrowed for the session's life */
	bool push;
	const struct strings *sources; /* repositories that are to be read too; NULL = none */
	char **identity_token; /* where one goes that signing in brings: see auth_question; NULL = none is wanted */
	int stop_fd; /* readable = give up connecting; -1 = none */
};

/* Finds out how the endpoint is spoken to. Returns owned. */
int registry_open(struct registry **out, const struct registry_options *options,
		  const struct endpoint *endpoint, struct err *err) must_check;
struct registry *registry_free(struct registry *registry);
void registry_freep(struct registry **registry);

/* What its URLs begin with: "https://host/path", without the / at the end. */
const char *registry_base(const struct registry *registry);

/* For one more thread, that is stopped by stop_fd; free with transfer_free(). */
int registry_transfer(const struct registry *registry, int stop_fd, struct transfer **out,
		      struct err *err) must_check;

/* A request whose `url` is NULL goes to /v2/PATH/`what`, without a repository to /v2/. The last of the headers is for the session. Signs in
 * when it is asked to. registry_try() asks once; registry_ask() until there is an answer. */
int registry_try(struct registry *registry, struct transfer *transfer,
		 const struct transfer_request *request, const char *what,
		 struct transfer_reply *reply, struct err *err) must_check;
int registry_ask(struct registry *registry, struct transfer *transfer,
		 const struct transfer_request *request, const char *what,
		 struct transfer_reply *reply, struct err *err) must_check;
/* After try number `tries` ended with `r` and its reply or *err: 0 after a pause when another one may end
 * better, 1 when the reply is to be taken as it is, or -errno with *err. */
int registry_pause(struct registry *registry, struct transfer *transfer, unsigned int tries, int r,
		   const struct transfer_reply *reply, struct err *err) must_check;
/* The error a status stands for; `what` begins the sentence. */
int registry_refused(const struct transfer_reply *reply, struct err *err, const char *what);
