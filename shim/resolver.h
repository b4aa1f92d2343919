/* SPDX-License-Identifier: Apache-2.0 */
/* The name server of one container: it listens in the container's network namespace, answers for the names of
 * the container's networks from files that the engine replaces, and asks the servers of the host, from the host's
 * side, for all others. It needs no engine. Runs in the supervisor's loop: nothing here blocks but the reading of
 * these small files. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "dnsnames.h"
#include "loop.h"
#include "mem.h"

enum {
	RESOLVER_FORWARDS_MAX =
		64, /* questions that other servers have at once; more are answered SERVFAIL */
	RESOLVER_CLIENTS_MAX = 16,   /* connections by TCP; the oldest goes */
	RESOLVER_NAMES_MAX = 32,     /* files of names */
	RESOLVER_TRY_MS = 2000,      /* for one server to answer */
	RESOLVER_CLIENT_MS = 10000,  /* for a connected client to ask */
	RESOLVER_FILE_MAX = 4 << 20, /* bytes of a file of names that are looked at */
};

struct resolver;

/* All borrowed for the time of the call. */
struct resolver_config {
	char *const *names; /* paths of files with lines of hosts(5), each replaced by rename(2) */
	size_t n_names;     /* beyond RESOLVER_NAMES_MAX they are left out */
	const struct dns_address
		*servers; /* to ask; none = those of resolv_conf, as it is at each question */
	size_t n_servers;
	const char *resolv_conf; /* path */
	bool local;              /* asks nobody: names that are not known here do not exist */
};

/* Listens at `at` by UDP and TCP in the namespace netns_fd (borrowed; -1 = this process's own). 0, or -errno
 * of the sockets, -ENOMEM. The loop outlives it. */
int resolver_open(struct resolver **out, struct loop *loop, int netns_fd,
		  const struct sockaddr_in *at, const struct resolver_config *config) must_check;
/* From now on it answers by `config`; questions under way go on as they were asked. 0 or -ENOMEM, with nothing
 * changed. */
int resolver_configure(struct resolver *resolver, const struct resolver_config *config) must_check;
/* NULL is fine. Returns NULL. */
struct resolver *resolver_free(struct resolver *resolver);
