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
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "base_test.h"
#include "cleat/shim/v1/shim.pb-c.h"
#include "dnsmsg.h"
#include "fd.h"
#include "resolver_test.h"
#include "resolverparts.h"

#define ROOT_TEMPLATE "/tmp/cleat-resolver-test-XXXXXX"

enum { CONTAINER_PORT = 53, PATIENCE_S = 30 };

struct world {
	char root[sizeof(ROOT_TEMPLATE)], names[64], others[64], resolv_conf[64];
	int root_fd;
	int container; /* network namespace */
	struct server servers[SERVERS];
	struct loop loop;
	pthread_t thread;
	struct resolver *resolver;
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

static void write_file(const char *path, const char *text)
{
	assert_int_equal(fd_replace_file(AT_FDCWD, path, text, strlen(text), 0644, false), 0);
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

/* The resolver's own file: two networks, in the first of which a link calls web2 "db", and web1 "other". */
static void write_spec(Cleat__Shim__V1__ResolverSpec spec)
{
	Cleat__Shim__V1__ResolverSpec__Network first =
		CLEAT__SHIM__V1__RESOLVER_SPEC__NETWORK__INIT;
	Cleat__Shim__V1__ResolverSpec__Network second = first, *networks[] = { &first, &second };
	Cleat__Shim__V1__ResolverSpec__Link db = CLEAT__SHIM__V1__RESOLVER_SPEC__LINK__INIT;
	Cleat__Shim__V1__ResolverSpec__Link other = db, *links[] = { &db, &other };
	uint8_t bytes[1024];

	db.alias = (char *)"db";
	db.name = (char *)"web2";
	other.alias = (char *)"other";
	other.name = (char *)"web1";
	first.name = (char *)"front";
	first.names = world.names;
	first.links = links;
	first.n_links = ARRAY_LEN(links);
	second.name = (char *)"back.net";
	second.names = world.others;
	spec.port = CONTAINER_PORT;
	spec.networks = networks;
	spec.n_networks = ARRAY_LEN(networks);
	assert_int_equal(fd_replace_file(world.root_fd, "resolver", bytes,
					 cleat__shim__v1__resolver_spec__pack(&spec, bytes), 0644,
					 false),
			 0);
}

static void begin(bool local)
{
	Cleat__Shim__V1__ResolverSpec spec = CLEAT__SHIM__V1__RESOLVER_SPEC__INIT;

	spec.local = local;
	write_spec(spec);
	for (int i = 0; i < SERVERS; i++)
		test_asked[i] = 0;
	assert_int_equal(loop_init(&world.loop), 0);
	world.loop.woken = on_woken;
	assert_int_equal(resolver_open(&world.resolver, &world.loop, world.container, world.root_fd,
				       world.resolv_conf),
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

/* A socket of the container's. */
static int client_socket(int type)
{
	cleanup_fd int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	struct timeval patience = { .tv_sec = PATIENCE_S };
	int fd;

	assert_int_equal(setns(world.container, CLONE_NEWNET), 0);
	fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(setns(home, CLONE_NEWNET), 0);
	return fd;
}

/* One that is connected to its resolver. */
static int client(int type)
{
	struct sockaddr_in at = loopback(11, CONTAINER_PORT);
	int fd = client_socket(type);

	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
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
	begin(false);
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
	assert_memory_equal(ask("7.0.0.10.in-addr.arpa", DNS_TYPE_PTR)->last - 3,
			    "\4only\4back\3net", 15);
	assert_int_equal(test_asked[0], 0);
}

static void names_are_those_of_the_moment(void **state)
{
	(void)state;
	begin(true);
	assert_int_equal(ask("new", DNS_TYPE_A)->code, DNS_NXDOMAIN);
	write_file(world.names, "10.0.0.9 new\n");
	assert_int_equal(*ask("new", DNS_TYPE_A)->last, 9);
	write_file(world.names, "10.0.0.2 web1 web\n10.0.0.3 web2 web\n");
	assert_int_equal(ask("new", DNS_TYPE_A)->code, DNS_NXDOMAIN);
	assert_int_equal(test_asked[0], 0);
}

static void others_are_asked(void **state)
{
	(void)state;
	begin(false);
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
	begin(false);
	assert_int_equal(*ask("fails.example", DNS_TYPE_A)->last, 2);
	assert_int_equal(*ask("silent.example", DNS_TYPE_A)->last, 2);
	/* Nobody listens at the first. */
	write_file(world.resolv_conf, "nameserver 127.0.0.99\nnameserver 127.0.0.54\n");
	assert_int_equal(*ask("up.example", DNS_TYPE_A)->last, 2);
	write_file(world.resolv_conf, "");
	assert_int_equal(ask("up.example", DNS_TYPE_A)->code, DNS_SERVFAIL);
	write_file(world.resolv_conf, "nameserver 127.0.0.53\nnameserver 127.0.0.54\n");
}

/* They take effect at once, and are asked from the container's side. */
static void a_container_has_servers_of_its_own(void **state)
{
	Cleat__Shim__V1__ResolverSpec spec = CLEAT__SHIM__V1__RESOLVER_SPEC__INIT;
	char *servers[] = { (char *)"127.0.0.56" };

	(void)state;
	begin(false);
	assert_int_equal(*ask("up.example", DNS_TYPE_A)->last, 1);
	spec.servers = servers;
	spec.n_servers = ARRAY_LEN(servers);
	write_spec(spec);
	assert_int_equal(*ask("up.example", DNS_TYPE_A)->last, 4);
	assert_int_equal(test_asked[0], 1);
}

static void networks_and_links_have_names(void **state)
{
	static const struct {
		const char *name;
		int answers, last;
	} cases[] = {
		{ "db", 1, 3 },
		{ "db.front", 1, 3 },
		{ "web1.front", 1, 2 },
		{ "only", 1, 7 },
		{ "only.back.net", 1, 7 },
		{ "other", 1, 2 }, /* the link's, not the second network's own */
		{ "web1", 1, 2 },  /* the first network's */
		{ "web1.back.net", 1, 8 },
	};

	(void)state;
	begin(true);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct reply *reply = ask(cases[i].name, DNS_TYPE_A);

		assert_int_equal(reply->answers, cases[i].answers);
		assert_int_equal(*reply->last, cases[i].last);
	}
	assert_int_equal(ask("only.front", DNS_TYPE_A)->code, DNS_NXDOMAIN);
}

static void long_answers_come_by_tcp(void **state)
{
	cleanup_fd int fd = -1;

	(void)state;
	begin(false);
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
	begin(true);
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
	begin(true);
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

/* The first descriptor that is free is over the limit. */
static struct rlimit leave_no_descriptor(void)
{
	struct rlimit before, none;
	int next = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(next >= 0);
	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = (rlim_t)next;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	return before;
}

/* Whether the file of the loop's epoll below /proc/self/fdinfo (proc_pid_fdinfo(5)) lists `fd`. */
static bool watched(int info, int fd)
{
	char text[4096], entry[32];
	ssize_t n = pread(info, text, sizeof(text) - 1, 0);

	assert_true(n > 0);
	text[n] = '\0';
	snprintf(entry, sizeof(entry), "tfd: %8d ", fd);
	return strstr(text, entry);
}

/* The loop is not busy with a client that cannot be accepted, who is answered when it can. */
static void a_lack_of_descriptors_is_waited_out(void **state)
{
	struct sockaddr_in at = loopback(11, CONTAINER_PORT);
	struct rlimit before;
	cleanup_fd int fd = -1, info = -1;
	char path[64];

	(void)state;
	begin(true);
	fd = client_socket(SOCK_STREAM);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", world.loop.epoll_fd);
	info = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(watched(info, world.resolver->tcp.fd));
	before = leave_no_descriptor();
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	while (watched(info, world.resolver->tcp.fd))
		sched_yield();
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(ask_by(fd, true, "web", DNS_TYPE_A)->answers, 2);
}

/* A flood that no server answers: places are taken, names of our own are told all the same. */
static void a_flood_stops_no_name_of_ours(void **state)
{
	cleanup_fd int fd = -1;

	(void)state;
	begin(false);
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
	world.root_fd = open(world.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(world.names, sizeof(world.names), "%s/names", world.root);
	snprintf(world.others, sizeof(world.others), "%s/others", world.root);
	snprintf(world.resolv_conf, sizeof(world.resolv_conf), "%s/resolv.conf", world.root);
	write_file(world.names, "10.0.0.2 web1 web\n10.0.0.3 web2 web\n");
	write_file(world.others, "10.0.0.7 only\n10.0.0.8 web1\n10.0.0.9 other\n");
	write_file(world.resolv_conf, "nameserver 127.0.0.53\nnameserver 127.0.0.54\n");
	world.container = new_netns();
	server_start(&world.servers[INSIDE], INSIDE);
	host = new_netns();
	for (int i = 0; i < INSIDE; i++)
		server_start(&world.servers[i], i);
	return 0;
}

static int end_world(void **state)
{
	(void)state;
	for (int i = 0; i < INSIDE; i++)
		server_stop(&world.servers[i]);
	assert_int_equal(setns(world.container, CLONE_NEWNET), 0);
	server_stop(&world.servers[INSIDE]);
	close(world.container);
	close(world.root_fd);
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
		cmocka_unit_test_teardown(networks_and_links_have_names, end),
		cmocka_unit_test_teardown(long_answers_come_by_tcp, end),
		cmocka_unit_test_teardown(silent_clients_keep_nobody_out, end),
		cmocka_unit_test_teardown(junk_is_refused_or_ignored, end),
		cmocka_unit_test_teardown(a_flood_stops_no_name_of_ours, end),
		cmocka_unit_test_teardown(a_lack_of_descriptors_is_waited_out, end),
	};

	return cmocka_run_group_tests(tests, build_world, end_world);
}
