/* SPDX-License-Identifier: Apache-2.0 */
/* The files of names are mapped at each question and not kept: a file of 1,000 names is read in 50 us, and a
 * supervisor that held them would hold them a thousand times. They are replaced, never written in place, so a
 * mapping does not change under its reader.
 *
 * The sockets that listen belong to the container's network namespace, those that ask other servers to the
 * supervisor's, which is the host's: a server at 127.0.0.53 is the host's own. */
#include "resolver.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "resolverparts.h"

enum { LISTEN_BACKLOG = 16, QUESTIONS_AT_ONCE = 16 };

/* A file's text; none = empty. */
struct text {
	char *data;
	size_t n;
};

static void text_close(struct text *text)
{
	if (text->data)
		munmap(text->data, text->n);
}

static struct text text_open(const char *path)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct text text = { 0 };
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0)
		return text;
	text.n = st.st_size < RESOLVER_FILE_MAX ? (size_t)st.st_size : RESOLVER_FILE_MAX;
	text.data = mmap(NULL, text.n, PROT_READ, MAP_PRIVATE, fd, 0);
	if (text.data == MAP_FAILED)
		return (struct text){ 0 };
	return text;
}

static void find_name(const struct resolver *resolver, const char *name, int family,
		      struct dns_found *found)
{
	for (char **path = resolver->names; *path; path++) {
		cleanup(text_close) struct text text = text_open(*path);

		dnsnames_find(text.data, text.n, name, family, found);
	}
}

static bool find_address(const struct resolver *resolver, const struct dns_address *address,
			 char name[DNS_NAME_MAX])
{
	for (char **path = resolver->names; *path; path++) {
		cleanup(text_close) struct text text = text_open(*path);

		if (dnsnames_of(text.data, text.n, address, name))
			return true;
	}
	return false;
}

/* Another address first at each question. */
static void rotate(struct dns_found *found, unsigned turn)
{
	struct dns_address all[DNS_ADDRESSES_MAX];

	memcpy(all, found->addresses, sizeof(all));
	for (size_t i = 0; i < found->n; i++)
		found->addresses[i] = all[(i + turn) % found->n];
}

static void tell_answers(struct resolver *resolver, const struct question *question,
			 const struct dns_answers *answers)
{
	uint8_t reply[DNS_EDNS_MAX];
	size_t max = question->client ? sizeof(reply) : question->query.udp_max;

	resolver_tell(
		resolver, question, reply,
		dns_reply(question->message, &question->query, DNS_NOERROR, answers, reply, max));
}

void resolver_tell_code(struct resolver *resolver, const struct question *question,
			enum dns_code code)
{
	uint8_t reply[DNS_UDP_MAX];

	resolver_tell(
		resolver, question, reply,
		dns_reply(question->message, &question->query, code, NULL, reply, sizeof(reply)));
}

/* Whether the question was for one of our names and is answered. */
static bool answer_here(struct resolver *resolver, const struct question *question)
{
	const struct dns_query *query = &question->query;
	struct dns_found found = { 0 };
	struct dns_address address;
	char name[DNS_NAME_MAX];

	if (!query->internet)
		return false;
	if (query->type == DNS_TYPE_PTR) {
		if (!dns_reverse(query->name, &address) || !find_address(resolver, &address, name))
			return false;
		tell_answers(resolver, question, &(struct dns_answers){ .name = name });
		return true;
	}
	find_name(resolver, query->name, query->type == DNS_TYPE_AAAA ? AF_INET6 : AF_INET, &found);
	if (!found.known)
		return false;
	if (query->type != DNS_TYPE_A && query->type != DNS_TYPE_AAAA &&
	    query->type != DNS_TYPE_ANY)
		found.n = 0;
	rotate(&found, resolver->turn++);
	tell_answers(resolver, question,
		     &(struct dns_answers){ .addresses = found.addresses, .n_addresses = found.n });
	return true;
}

static size_t host_servers(const struct resolver *resolver,
			   struct dns_address servers[DNS_SERVERS_MAX])
{
	cleanup(text_close) struct text text = text_open(resolver->resolv_conf);

	return dnsnames_servers(text.data, text.n, servers);
}

void resolver_ask(struct resolver *resolver, const struct question *question)
{
	struct dns_address servers[DNS_SERVERS_MAX];
	size_t n;

	if (answer_here(resolver, question))
		return;
	if (resolver->local) {
		resolver_tell_code(resolver, question, DNS_NXDOMAIN);
		return;
	}
	if (resolver->n_servers) {
		forward_begin(resolver, question, resolver->servers, resolver->n_servers);
		return;
	}
	n = host_servers(resolver, servers);
	forward_begin(resolver, question, servers, n);
}

void resolver_tell(struct resolver *resolver, const struct question *question, const uint8_t *reply,
		   size_t n)
{
	/* A reply that does not leave is one that was lost: the client asks again. */
	if (question->client)
		client_tell(question->client, reply, n);
	else
		(void)sendto(resolver->udp.fd, reply, n, MSG_DONTWAIT | MSG_NOSIGNAL,
			     (const struct sockaddr *)&question->from, sizeof(question->from));
}

/* Takes one question by UDP; false: there is none. */
static bool take_question(struct resolver *resolver)
{
	struct question question;
	socklen_t len = sizeof(question.from);
	ssize_t n = recvfrom(resolver->udp.fd, question.message, sizeof(question.message),
			     MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&question.from, &len);
	int r;

	if (n < 0)
		return errno != EAGAIN;
	question.client = NULL;
	question.n = (size_t)n < sizeof(question.message) ? (size_t)n : sizeof(question.message);
	r = dns_parse(question.message, question.n, &question.query);
	if (r == -EBADMSG)
		return true;
	if (r == 0 && (size_t)n <= sizeof(question.message))
		resolver_ask(resolver, &question);
	else
		resolver_tell_code(resolver, &question,
				   r == -EOPNOTSUPP ? DNS_NOTIMP : DNS_FORMERR);
	return true;
}

static void udp_ready(struct source *src, uint32_t events)
{
	struct resolver *resolver = container_of(src, struct resolver, udp);

	(void)events;
	for (int i = 0; i < QUESTIONS_AT_ONCE && take_question(resolver); i++)
		;
}

static int listen_at(const struct sockaddr_in *at, int type)
{
	cleanup_fd int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	static const int one = 1;

	if (fd < 0)
		return -errno;
	/* The loopback interface may not be up yet. */
	if (setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &one, sizeof(one)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, (const struct sockaddr *)at, sizeof(*at)) < 0)
		return -errno;
	if (type == SOCK_STREAM && listen(fd, LISTEN_BACKLOG) < 0)
		return -errno;
	return steal_fd(&fd);
}

static int listen_both(struct resolver *resolver, const struct sockaddr_in *at)
{
	resolver->udp.fd = listen_at(at, SOCK_DGRAM);
	if (resolver->udp.fd < 0)
		return resolver->udp.fd;
	resolver->tcp.fd = listen_at(at, SOCK_STREAM);
	return resolver->tcp.fd < 0 ? resolver->tcp.fd : 0;
}

/* The same in another network namespace, in which this thread is for just that long. */
static int listen_inside(struct resolver *resolver, int netns_fd, const struct sockaddr_in *at)
{
	cleanup_fd int home = -1;
	int r;

	if (netns_fd < 0)
		return listen_both(resolver, at);
	home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (home < 0 || setns(netns_fd, CLONE_NEWNET) < 0)
		return -errno;
	r = listen_both(resolver, at);
	if (setns(home, CLONE_NEWNET) < 0)
		abort(); /* a successor supervises from where it belongs */
	return r;
}

static void free_names(char **names)
{
	for (char **name = names; name && *name; name++)
		free(*name);
	free(names);
}

static void free_namesp(char ***names)
{
	free_names(*names);
}

int resolver_configure(struct resolver *resolver, const struct resolver_config *config)
{
	size_t n = config->n_names < RESOLVER_NAMES_MAX ? config->n_names : RESOLVER_NAMES_MAX;
	cleanup(free_namesp) char **names = calloc(n + 1, sizeof(*names));
	cleanup_free char *resolv_conf = strdup(config->resolv_conf);

	if (!names || !resolv_conf)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		names[i] = strdup(config->names[i]);
		if (!names[i])
			return -ENOMEM;
	}
	free_names(resolver->names);
	free(resolver->resolv_conf);
	resolver->names = steal(&names);
	resolver->resolv_conf = steal(&resolv_conf);
	resolver->local = config->local;
	resolver->n_servers =
		config->n_servers < DNS_SERVERS_MAX ? config->n_servers : DNS_SERVERS_MAX;
	if (resolver->n_servers)
		memcpy(resolver->servers, config->servers,
		       resolver->n_servers * sizeof(*config->servers));
	return 0;
}

static void resolver_freep(struct resolver **resolver)
{
	resolver_free(*resolver);
}

int resolver_open(struct resolver **out, struct loop *loop, int netns_fd,
		  const struct sockaddr_in *at, const struct resolver_config *config)
{
	cleanup(resolver_freep) struct resolver *resolver = calloc(1, sizeof(*resolver));
	int r;

	if (!resolver)
		return -ENOMEM;
	resolver->loop = loop;
	list_init(&resolver->forwards);
	list_init(&resolver->clients);
	resolver->udp = (struct source){ .fd = -1, .ready = udp_ready };
	resolver->tcp = (struct source){ .fd = -1, .ready = client_accept };
	r = resolver_configure(resolver, config);
	if (r < 0)
		return r;
	r = listen_inside(resolver, netns_fd, at);
	if (r < 0)
		return r;
	r = loop_add(loop, &resolver->udp, EPOLLIN);
	if (r < 0)
		return r;
	r = loop_add(loop, &resolver->tcp, EPOLLIN);
	if (r < 0)
		return r;
	*out = steal(&resolver);
	return 0;
}

struct resolver *resolver_free(struct resolver *resolver)
{
	if (!resolver)
		return NULL;
	client_drop_all(resolver);
	forward_forget(resolver, NULL);
	loop_remove(resolver->loop, &resolver->udp);
	loop_remove(resolver->loop, &resolver->tcp);
	closep(&resolver->udp.fd);
	closep(&resolver->tcp.fd);
	free_names(resolver->names);
	free(resolver->resolv_conf);
	free(resolver);
	return NULL;
}
