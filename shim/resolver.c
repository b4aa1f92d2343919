/* SPDX-License-Identifier: Apache-2.0 */
/* The files of names are mapped at each question and not kept: a file of 1,000 names is read in 50 us, and a
 * supervisor that held them would hold them a thousand times. They are replaced, never written in place, so a
 * mapping does not change under its reader.
 *
 * The sockets that listen belong to the container's network namespace, those that ask the host's servers to the
 * supervisor's, which is the host's: a server at 127.0.0.53 is the host's own. */
#include "resolver.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fd.h"
#include "resolverparts.h"

enum { LISTEN_BACKLOG = 16, QUESTIONS_AT_ONCE = 16, RESOLVER_ADDRESS = 0x7f00000b };

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

typedef Cleat__Shim__V1__ResolverSpec__Network network_names;

/* What the alias of a link stands for in a network; NULL = there is no such link. */
static const char *link_target(const network_names *network, const char *name)
{
	for (size_t i = 0; i < network->n_links; i++)
		if (strcasecmp(network->links[i]->alias, name) == 0)
			return network->links[i]->name;
	return NULL;
}

/* The aliases of links, or (links false) the names of the network itself but for those that are such. */
static void ask_network(const network_names *network, const char *name, int family, bool links,
			struct dns_found *found)
{
	const char *target = link_target(network, name);
	cleanup(text_close) struct text text = { 0 };

	if (links != (target != NULL))
		return;
	text = text_open(network->names);
	dnsnames_find(text.data, text.n, target ? target : name, family, found);
}

/* NAME.network in *bare without the network. */
static bool strip_network(const char *name, const char *network, char bare[DNS_NAME_MAX])
{
	size_t n = strlen(name), m = strlen(network);

	if (m == 0 || n < m + 2 || n >= DNS_NAME_MAX || name[n - m - 1] != '.' ||
	    strcasecmp(name + n - m, network) != 0)
		return false;
	memcpy(bare, name, n - m - 1);
	bare[n - m - 1] = '\0';
	return true;
}

/* The first network that has addresses for a name answers. */
static void find_name(const struct resolver *resolver, const char *name, int family,
		      struct dns_found *found)
{
	const Cleat__Shim__V1__ResolverSpec *spec = resolver->spec;

	for (int links = 1; links >= 0; links--)
		for (size_t i = 0; i < spec->n_networks && !found->n; i++) {
			const network_names *network = spec->networks[i];
			char bare[DNS_NAME_MAX];

			ask_network(network, name, family, links, found);
			if (!found->n && strip_network(name, network->name, bare))
				ask_network(network, bare, family, links, found);
		}
}

/* As NAME.network. */
static bool find_address(const struct resolver *resolver, const struct dns_address *address,
			 char name[DNS_NAME_MAX])
{
	const Cleat__Shim__V1__ResolverSpec *spec = resolver->spec;

	for (size_t i = 0; i < spec->n_networks; i++) {
		cleanup(text_close) struct text text = text_open(spec->networks[i]->names);
		const char *network = spec->networks[i]->name;
		size_t n;

		if (!dnsnames_of(text.data, text.n, address, name))
			continue;
		n = strlen(name);
		if (n + 1 + strlen(network) < DNS_NAME_MAX)
			(void)snprintf(name + n, DNS_NAME_MAX - n, ".%s", network);
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

static void find_servers(const struct resolver *resolver, struct servers *servers)
{
	const Cleat__Shim__V1__ResolverSpec *spec = resolver->spec;
	cleanup(buf_deinit) struct buf text = BUF_NULL;

	for (size_t i = 0; i < spec->n_servers && servers->n < DNS_SERVERS_MAX; i++)
		if (dnsnames_address(spec->servers[i], &servers->v[servers->n]))
			servers->n++;
	servers->inside = spec->n_servers > 0;
	/* not mapped: the host's tools may cut the file while it is read */
	if (!servers->inside &&
	    fd_read_file(AT_FDCWD, resolver->resolv_conf, RESOLVER_CONF_MAX, &text) == 0)
		servers->n = dnsnames_servers(text.data, text.len, servers->v);
}

/* Reads the file if it is another than before. -errno: what was read before holds. */
static int read_spec(struct resolver *resolver)
{
	cleanup(buf_deinit) struct buf bytes = BUF_NULL;
	Cleat__Shim__V1__ResolverSpec *spec;
	struct stat st;
	int r;

	if (fstatat(resolver->dir_fd, "resolver", &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (resolver->spec && fd_same_file(&st, &resolver->spec_stat))
		return 0;
	r = fd_read_file(resolver->dir_fd, "resolver", RESOLVER_SPEC_MAX, &bytes);
	if (r < 0)
		return r;
	spec = cleat__shim__v1__resolver_spec__unpack(NULL, bytes.len, (const uint8_t *)bytes.data);
	if (!spec)
		return -EBADMSG;
	if (resolver->spec)
		cleat__shim__v1__resolver_spec__free_unpacked(resolver->spec, NULL);
	resolver->spec = spec;
	resolver->spec_stat = st;
	return 0;
}

void resolver_ask(struct resolver *resolver, const struct question *question)
{
	struct servers servers = { .n = 0 };

	(void)!read_spec(resolver);
	if (answer_here(resolver, question))
		return;
	if (resolver->spec->local) {
		resolver_tell_code(resolver, question, DNS_NXDOMAIN);
		return;
	}
	find_servers(resolver, &servers);
	forward_begin(resolver, question, &servers);
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

/* This thread is in the other namespace for just that long. */
int resolver_socket(const struct resolver *resolver, int family, int type)
{
	cleanup_fd int home = -1, fd = -1;
	int r;

	if (resolver->netns >= 0) {
		home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
		if (home < 0 || setns(resolver->netns, CLONE_NEWNET) < 0)
			return -errno;
	}
	fd = socket(family, type, 0);
	r = fd < 0 ? -errno : 0;
	if (home >= 0 && setns(home, CLONE_NEWNET) < 0)
		abort(); /* a supervisor works where it belongs */
	return r < 0 ? r : steal_fd(&fd);
}

static int listen_at(const struct resolver *resolver, int type)
{
	const struct sockaddr_in at = { .sin_family = AF_INET,
					.sin_port = htons((uint16_t)resolver->spec->port),
					.sin_addr.s_addr = htonl(RESOLVER_ADDRESS) };
	cleanup_fd int fd = resolver_socket(resolver, AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK);
	static const int one = 1;

	if (fd < 0)
		return fd;
	/* The loopback interface may not be up yet. */
	if (setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &one, sizeof(one)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0)
		return -errno;
	if (type == SOCK_STREAM && listen(fd, LISTEN_BACKLOG) < 0)
		return -errno;
	return steal_fd(&fd);
}

static int listen_both(struct resolver *resolver)
{
	resolver->udp.fd = listen_at(resolver, SOCK_DGRAM);
	if (resolver->udp.fd < 0)
		return resolver->udp.fd;
	resolver->tcp.fd = listen_at(resolver, SOCK_STREAM);
	return resolver->tcp.fd < 0 ? resolver->tcp.fd : 0;
}

static void resolver_freep(struct resolver **resolver)
{
	resolver_free(*resolver);
}

int resolver_open(struct resolver **out, struct loop *loop, int netns, int dir_fd,
		  const char *resolv_conf)
{
	cleanup(resolver_freep) struct resolver *resolver = calloc(1, sizeof(*resolver));
	int r;

	if (!resolver)
		return -ENOMEM;
	resolver->loop = loop;
	resolver->dir_fd = dir_fd;
	resolver->resolv_conf = resolv_conf;
	list_init(&resolver->forwards);
	list_init(&resolver->clients);
	resolver->udp = (struct source){ .fd = -1, .ready = udp_ready };
	resolver->tcp = (struct source){ .fd = -1, .ready = client_accept };
	resolver->pause.fire = client_resume;
	resolver->netns = netns < 0 ? -1 : fcntl(netns, F_DUPFD_CLOEXEC, 0);
	if (netns >= 0 && resolver->netns < 0)
		return -errno;
	r = read_spec(resolver);
	r = r ? r : listen_both(resolver);
	r = r ? r : loop_add(loop, &resolver->udp, EPOLLIN);
	r = r ? r : loop_add(loop, &resolver->tcp, EPOLLIN);
	if (r == 0)
		*out = steal(&resolver);
	return r;
}

struct resolver *resolver_free(struct resolver *resolver)
{
	if (!resolver)
		return NULL;
	client_drop_all(resolver);
	forward_forget(resolver, NULL);
	loop_remove(resolver->loop, &resolver->udp);
	loop_remove(resolver->loop, &resolver->tcp);
	loop_timer_stop(&resolver->pause);
	closep(&resolver->udp.fd);
	closep(&resolver->tcp.fd);
	closep(&resolver->netns);
	if (resolver->spec)
		cleat__shim__v1__resolver_spec__free_unpacked(resolver->spec, NULL);
	free(resolver);
	return NULL;
}
