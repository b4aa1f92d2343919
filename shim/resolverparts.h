/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the resolver share: questions on their way to other servers, and clients that ask by TCP.
 * Private to resolver.c, resolverforward.c and resolvertcp.c. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "buf.h"
#include "cleat/shim/v1/shim.pb-c.h"
#include "dnsmsg.h"
#include "dnsnames.h"
#include "list.h"
#include "resolver.h"

struct client;

struct resolver {
	struct loop *loop;
	struct source udp, tcp;
	struct timer pause;            /* nobody is accepted until it is over */
	struct list forwards, clients; /* oldest first */
	unsigned n_forwards, n_clients;
	unsigned turn;     /* which of a name's addresses comes first */
	int netns, dir_fd; /* netns: -1 = this process's own */
	const char *resolv_conf;
	Cleat__Shim__V1__ResolverSpec *spec;
	struct stat spec_stat; /* of the file it was read from */
};

/* A question. */
struct question {
	uint8_t message[DNS_QUERY_MAX];
	size_t n;
	struct dns_query query;
	struct client *client;   /* who asks by TCP; NULL: `from` does by UDP */
	struct sockaddr_in from; /* by UDP */
};

/* resolver.c */
/* Answers, or has others answer, or (what is no question) does nothing. */
void resolver_ask(struct resolver *resolver, const struct question *question);
/* Sends a whole message to who asked. */
void resolver_tell(struct resolver *resolver, const struct question *question, const uint8_t *reply,
		   size_t n);
/* The same of a reply without answers. */
void resolver_tell_code(struct resolver *resolver, const struct question *question,
			enum dns_code code);

/* A socket as socket(2) makes it, in the container's namespace; -errno. */
int resolver_socket(const struct resolver *resolver, int family, int type) must_check;

/* resolverforward.c */
struct servers {
	struct dns_address v[DNS_SERVERS_MAX];
	size_t n;
	bool inside; /* they are asked from the container's namespace */
};
/* Asks one server after another until one has an answer, by the protocol the question came by. */
void forward_begin(struct resolver *resolver, const struct question *question,
		   const struct servers *servers);
/* Forgets the questions of a client that is gone; of all with NULL. */
void forward_forget(struct resolver *resolver, const struct client *client);

/* resolvertcp.c */
void client_accept(struct source *src, uint32_t events);
/* Accepts again. */
void client_resume(struct timer *pause);
/* The answer to the question that the client waits for. */
void client_tell(struct client *client, const uint8_t *reply, size_t n);
void client_drop_all(struct resolver *resolver);
