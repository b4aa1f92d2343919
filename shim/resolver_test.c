/* SPDX-License-Identifier: Apache-2.0 */
/* A resolver between two network namespaces: the client asks in one, servers answer in the other. */
#include "resolver.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "base_test.h"
#include "fd.h"

#define ROOT_TEMPLATE "/tmp/cleat-resolver-test-XXXXXX"

enum { CONTAINER_PORT = 53, SERVERS = 3, PATIENCE_S = 30 };

/* A server of the host at 127.0.0.(53 + i). What it does depends on the question's first letter and on i:
 * "s..." is not answered by the first, "f..." fails there, "t..." is too long for a datagram, "n..." is unknown. */
struct server {
	pthread_t thread;
	int udp, tcp, number;
};

struct world {
	char root[sizeof(ROOT_TEMPLATE)], names[64], resolv_conf[64];
	int container; /* network namespace */
	struct server servers[SERVERS];
	struct loop loop;
	pthread_t thread;
	struct resolver *resolver;
	_Atomic unsigned asked[SERVERS]; /* questions that came to a server */
};

static struct world world;

static void raise_loopback(void)
{
	struct ifreq ifr = { .ifr_name = "lo" };
	cleanup_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ifr.ifr_flags = IFF_UP;
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &ifr), 0);
}

/* Leaves the calling thread in a new network namespace; returns it. */
static int new_netns(void)
{
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	raise_loopback();
	return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

static struct sockaddr_in loopback(int last, int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons((uint16_t)port),
				     .sin_addr.s_addr = htonl(0x7f000000u + (unsigned)last) };
}

static void write_file(const char *path, const char *text)
{
	assert_int_equal(fd_replace_file(AT_FDCWD, path, text, strlen(text), 0644, false), 0);
}

/* The reply of a server, 0 = none. */
static size_t serve(struct server *server, const uint8_t *message, size_t n, bool tcp,
		    uint8_t *reply, size_t max)
{
	struct dns_address addresses[200] = { { .family = 0 } };
	struct dns_answers answers = { .addresses = addresses, .n_addresses = 1 };
	enum dns_code code = DNS_NOERROR;
	struct dns_query query;

	if (dns_parse(message, n, &query) < 0)
		return 0;
	world.asked[server->number]++;
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++)
		addresses[i] =
			(struct dns_address){ AF_INET, { 9, 9, 9, (uint8_t)(server->number + 1) } };
	if (query.name[0] == 's' && server->number == 0)
		return 0;
	if (query.name[0] == 'f' && server->number == 0)
		code = DNS_SERVFAIL;
	if (query.name[0] == 'n')
		code = DNS_NXDOMAIN;
	if (query.name[0] == 't')
		answers.n_addresses = ARRAY_LEN(addresses);
	return dns_reply(message, &query, code, code ? NULL : &answers, reply,
			 tcp ? max : query.udp_max);
}

static void serve_tcp(struct server *server)
{
	cleanup_fd int fd = accept4(server->tcp, NULL, NULL, SOCK_CLOEXEC);
	uint8_t in[2 + DNS_QUERY_MAX], out[2 + DNS_EDNS_MAX];
	size_t n;

	if (fd < 0 || fd_read_all(fd, in, 2) < 0 ||
	    fd_read_all(fd, in + 2, (size_t)(in[0] << 8 | in[1])) < 0)
		return;
	n = serve(server, in + 2, (size_t)(in[0] << 8 | in[1]), true, out + 2, DNS_EDNS_MAX);
	out[0] = (uint8_t)(n >> 8);
	out[1] = (uint8_t)n;
	if (n)
		assert_int_equal(fd_write_all(fd, out, n + 2), 0);
}

/* Ends when an empty datagram comes. */
static void *server_main(void *argument)
{
	struct server *server = argument;

	for (;;) {
		struct sockaddr_in from;
		socklen_t len = sizeof(from);
		uint8_t in[DNS_QUERY_MAX], out[DNS_EDNS_MAX];
		struct timeval soon = { .tv_usec = 1000 };
		ssize_t n;

		setsockopt(server->udp, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
		n = recvfrom(server->udp, in, sizeof(in), 0, (struct sockaddr *)&from, &len);
		if (n == 0)
			return NULL;
		if (n > 0) {
			size_t m = serve(server, in, (size_t)n, false, out, sizeof(out));

			if (m)
				sendto(server->udp, out, m, 0, (struct sockaddr *)&from, len);
		}
		serve_tcp(server);
	}
}

static void server_start(struct server *server, int number)
{
	struct sockaddr_in at = loopback(53 + number, 53);

	server->number = number;
	server->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	server->tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(server->udp, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(bind(server->tcp, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(server->tcp, 4), 0);
	assert_int_equal(pthread_create(&server->thread, NULL, server_main, server), 0);
}

static void server_stop(struct server *server)
{
	cleanup_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = loopback(53 + server->number, 53);

	assert_int_equal(sendto(fd, "", 0, 0, (struct sockaddr *)&at, sizeof(at)), 0);
	pthread_join(server->thread, NULL);
	close(server->udp);
	close(server->tcp);
}

static void *loop_main(void *argument)
{
	(void)argument;
	assert_int_equal(loop_run(&world.loop), 0);
	return NULL;
}

static void on_woken(struct loop *loop)
{
	loop_stop(loop);
}

/* Starts the resolver by `config`; its files of names and of the host's servers are the world's. */
static void begin(struct resolver_config config)
{
	struct sockaddr_in at = loopback(11, CONTAINER_PORT);
	char *names[] = { world.names };

	config.names = names;
	config.n_names = 1;
	config.resolv_conf = world.resolv_conf;
	for (int i = 0; i < SERVERS; i++)
		world.asked[i] = 0;
	assert_int_equal(loop_init(&world.loop), 0);
	world.loop.woken = on_woken;
	assert_int_equal(resolver_open(&world.resolver, &world.loop, world.container, &at, &config),
			 0);
	assert_int_equal(pthread_create(&world.thread, NULL, loop_main, NULL), 0);
}

static int end(void **state)
{
	(void)state;
	loop_wake(&world.loop);
	pthread_join(world.thread, NULL);
	world.resolver = resolver_free(world.resolver);
	loop_deinit(&world.loop);
	return 0;
}

/* A socket of the container's, connected to its resolver. */
static int client(int type)
{
	cleanup_fd int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	struct sockaddr_in at = loopback(11, CONTAINER_PORT);
	struct timeval patience = { .tv_sec = PATIENCE_S };
	int fd;

	assert_int_equal(setns(world.container, CLONE_NEWNET), 0);
	fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(setns(home, CLONE_NEWNET), 0);
	return fd;
}

static size_t question(const char *name, enum dns_type type, uint8_t message[DNS_QUERY_MAX])
{
	static uint16_t id = 0x1000;
	size_t n = DNS_HEADER;

	memcpy(message, "\0\0\1\0\0\1\0\0\0\0\0\0", DNS_HEADER);
	message[0] = (uint8_t)(++id >> 8);
	message[1] = (uint8_t)id;
	while (*name) {
		size_t label = strcspn(name, ".");

		message[n++] = (uint8_t)label;
		memcpy(message + n, name, label);
		n += label;
		name += label + (name[label] == '.');
	}
	memcpy(message + n, "\0\0\0\0\1", 5);
	message[n + 2] = (uint8_t)type;
	return n + 5;
}

struct reply {
	uint8_t data[DNS_EDNS_MAX];
	size_t n;
	int code, answers;
	bool truncated;
	const uint8_t *last; /* byte of the first address */
};

static void look_at(struct reply *reply, size_t question_end)
{
	reply->code = (int)dns_reply_code(reply->data);
	reply->answers = reply->data[6] << 8 | reply->data[7];
	reply->truncated = reply->data[2] & 2;
	reply->last = reply->data + question_end + 15;
}

static struct reply *ask_by(int fd, bool tcp, const char *name, enum dns_type type)
{
	static struct reply reply;
	uint8_t message[DNS_QUERY_MAX], head[2];
	size_t n = question(name, type, message);
	struct dns_query query;

	assert_int_equal(dns_parse(message, n, &query), 0);
	if (tcp) {
		head[0] = (uint8_t)(n >> 8);
		head[1] = (uint8_t)n;
		assert_int_equal(fd_write_all(fd, head, 2), 0);
		assert_int_equal(fd_write_all(fd, message, n), 0);
		assert_int_equal(fd_read_all(fd, head, 2), 0);
		reply.n = (size_t)(head[0] << 8 | head[1]);
		assert_int_equal(fd_read_all(fd, reply.data, reply.n), 0);
	} else {
		assert_int_equal(send(fd, message, n, 0), (ssize_t)n);
		reply.n = (size_t)recv(fd, reply.data, sizeof(reply.data), 0);
	}
	assert_true(dns_is_reply(reply.data, reply.n, message, &query));
	look_at(&reply, query.question_end);
	return &reply;
}

static struct reply *ask(const char *name, enum dns_type type)
{
	cleanup_fd int fd = client(SOCK_DGRAM);

	return ask_by(fd, false, name, type);
}

static void names_are_answered_here(void **state)
{
	unsigned seen = 0;

	(void)state;
	begin((struct resolver_config){ 0 });
	for (int i = 0; i < 4; i++) {
		struct reply *reply = ask("Web", DNS_TYPE_A);

		assert_int_equal(reply->answers, 2);
		seen |= 1u << *reply->last;
	}
	assert_int_equal(seen, 1u << 2 | 1u << 3); /* one first, then the other */
	assert_int_equal(ask("web", DNS_TYPE_AAAA)->answers, 0);
	assert_int_equal(ask("web", DNS_TYPE_AAAA)->code, DNS_NOERROR);
	assert_int_equal(ask("web", DNS_TYPE_ANY)->answers, 2);
	assert_int_equal(ask("3.0.0.10.in-addr.arpa", DNS_TYPE_PTR)->answers, 1);
	assert_int_equal(world.asked[0], 0);
}

static void names_are_those_of_the_moment(void **state)
{
	(void)state;
	begin((struct resolver_config){ .local = true });
	assert_int_equal(ask("new", DNS_TYPE_A)->code, DNS_NXDOMAIN);
	write_file(world.names, "10.0.0.9 new\n");
	assert_int_equal(*ask("new", DNS_TYPE_A)->last, 9);
	write_file(world.names, "10.0.0.2 web1 web\n10.0.0.3 web2 web\n");
	assert_int_equal(ask("new", DNS_TYPE_A)->code, DNS_NXDOMAIN);
	assert_int_equal(world.asked[0], 0);
}

static void others_are_asked(void **state)
{
	(void)state;
	begin((struct resolver_config){ 0 });
	assert_int_equal(*ask("up.example", DNS_TYPE_A)->last, 1);
	assert_int_equal(ask("none.example", DNS_TYPE_A)->code, DNS_NXDOMAIN);
	assert_int_equal(ask("3.0.0.11.in-addr.arpa", DNS_TYPE_PTR)->answers, 1);
	/* The host's servers are those of the moment, too. */
	write_file(world.resolv_conf, "nameserver 127.0.0.55\n");
	assert_int_equal(*ask("up.example", DNS_TYPE_A)->last, 3);
	write_file(world.resolv_conf, "nameserver 127.0.0.53\nnameserver 127.0.0.54\n");
}

static void the_next_is_asked_when_one_cannot_say(void **state)
{
	(void)state;
	begin((struct resolver_config){ 0 });
	assert_int_equal(*ask("fails.example", DNS_TYPE_A)->last, 2);
	assert_int_equal(*ask("silent.example", DNS_TYPE_A)->last, 2);
	/* Nobody listens at the first. */
	write_file(world.resolv_conf, "nameserver 127.0.0.99\nnameserver 127.0.0.54\n");
	assert_int_equal(*ask("up.example", DNS_TYPE_A)->last, 2);
	write_file(world.resolv_conf, "");
	assert_int_equal(ask("up.example", DNS_TYPE_A)->code, DNS_SERVFAIL);
	write_file(world.resolv_conf, "nameserver 127.0.0.53\nnameserver 127.0.0.54\n");
}

static void a_container_has_servers_of_its_own(void **state)
{
	static const struct dns_address third = { AF_INET, { 127, 0, 0, 55 } };

	(void)state;
	begin((struct resolver_config){ .servers = &third, .n_servers = 1 });
	assert_int_equal(*ask("up.example", DNS_TYPE_A)->last, 3);
	assert_int_equal(world.asked[0], 0);
}

static void long_answers_come_by_tcp(void **state)
{
	cleanup_fd int fd = -1;

	(void)state;
	begin((struct resolver_config){ 0 });
	assert_true(ask("tall.example", DNS_TYPE_A)->truncated);
	fd = client(SOCK_STREAM);
	assert_int_equal(ask_by(fd, true, "tall.example", DNS_TYPE_A)->answers, 200);
	assert_int_equal(ask_by(fd, true, "web", DNS_TYPE_A)->answers, 2);
	assert_int_equal(*ask_by(fd, true, "silent.example", DNS_TYPE_A)->last, 2);
	assert_int_equal(*ask_by(fd, true, "fails.example", DNS_TYPE_A)->last, 2);
}

/* More connections than there are places, none of which asks: who comes last is served. */
static void silent_clients_keep_nobody_out(void **state)
{
	int fds[3 * RESOLVER_CLIENTS_MAX];

	(void)state;
	begin((struct resolver_config){ .local = true });
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = client(SOCK_STREAM);
		assert_int_equal(send(fds[i], "\0", 1, MSG_NOSIGNAL), 1);
	}
	cleanup_fd int fd = client(SOCK_STREAM);
	assert_int_equal(ask_by(fd, true, "web", DNS_TYPE_A)->answers, 2);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
}

static void junk_is_refused_or_ignored(void **state)
{
	static uint8_t big[2000] = "\x12\x34\1\0\0\1\0\0\0\0\0\0\3web\0\0\1\0\1";
	cleanup_fd int fd = -1, tcp = -1;
	struct reply reply;

	(void)state;
	begin((struct resolver_config){ .local = true });
	fd = client(SOCK_DGRAM);
	assert_int_equal(send(fd, "", 0, 0), 0);
	assert_int_equal(send(fd, "\1\2\x81\0\0\1\0\0\0\0\0\0\3web\0\0\1\0\1", 21, 0), 21);
	assert_int_equal(ask_by(fd, false, "web", DNS_TYPE_A)->answers,
			 2); /* nothing came before this */
	assert_int_equal(send(fd, big, sizeof(big), 0), sizeof(big));
	assert_true(recv(fd, reply.data, sizeof(reply.data), 0) >= DNS_HEADER);
	assert_int_equal(dns_reply_code(reply.data), DNS_FORMERR);
	tcp = client(SOCK_STREAM);
	assert_int_equal(send(tcp, "\xff\xff", 2, MSG_NOSIGNAL), 2);
	assert_int_equal(recv(tcp, reply.data, 1, 0), 0); /* the end */
}

/* A flood that no server answers: places are taken, names of our own are told all the same. */
static void a_flood_stops_no_name_of_ours(void **state)
{
	cleanup_fd int fd = -1;

	(void)state;
	begin((struct resolver_config){ 0 });
	fd = client(SOCK_DGRAM);
	for (int i = 0; i < 2 * RESOLVER_FORWARDS_MAX; i++) {
		uint8_t message[DNS_QUERY_MAX];
		size_t n = question("silent.example", DNS_TYPE_A, message);

		assert_int_equal(send(fd, message, n, 0), (ssize_t)n);
	}
	assert_int_equal(ask("web", DNS_TYPE_A)->answers, 2);
}

static int build_world(void **state)
{
	cleanup_fd int host = -1;

	(void)state;
	strcpy(world.root, ROOT_TEMPLATE);
	if (!mkdtemp(world.root))
		return -1;
	snprintf(world.names, sizeof(world.names), "%s/names", world.root);
	snprintf(world.resolv_conf, sizeof(world.resolv_conf), "%s/resolv.conf", world.root);
	write_file(world.names, "10.0.0.2 web1 web\n10.0.0.3 web2 web\n");
	write_file(world.resolv_conf, "nameserver 127.0.0.53\nnameserver 127.0.0.54\n");
	world.container = new_netns();
	host = new_netns();
	for (int i = 0; i < SERVERS; i++)
		server_start(&world.servers[i], i);
	return 0;
}

static int end_world(void **state)
{
	(void)state;
	for (int i = 0; i < SERVERS; i++)
		server_stop(&world.servers[i]);
	close(world.container);
	return fd_remove_tree(AT_FDCWD, world.root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(names_are_answered_here, end),
		cmocka_unit_test_teardown(names_are_those_of_the_moment, end),
		cmocka_unit_test_teardown(others_are_asked, end),
		cmocka_unit_test_teardown(the_next_is_asked_when_one_cannot_say, end),
		cmocka_unit_test_teardown(a_container_has_servers_of_its_own, end),
		cmocka_unit_test_teardown(long_answers_come_by_tcp, end),
		cmocka_unit_test_teardown(silent_clients_keep_nobody_out, end),
		cmocka_unit_test_teardown(junk_is_refused_or_ignored, end),
		cmocka_unit_test_teardown(a_flood_stops_no_name_of_ours, end),
	};

	return cmocka_run_group_tests(tests, build_world, end_world);
}
