/* SPDX-License-Identifier: Apache-2.0 */
/* cleat-tls: lets clients with a certificate of the CA in to the engine's socket. A thread a connection;
 * each is one of the engine's, so that whatever engine serves now answers. It holds no state and needs no
 * right but that of the socket. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netdb.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "about.h"
#include "fd.h"
#include "handshakes.h"
#include "log.h"
#include "relay.h"
#include "str.h"
#include "thread.h"
#include "tls.h"

/* Half of what the engine takes in all: the machine's own users are not to be shut out. */
enum { MAX_CONNECTIONS = 512, HANDSHAKE_MS = 5000, STACK_BYTES = 128 << 10 };

struct options {
	const char *run_dir, *listen;
	struct tls_files files;
};

static struct {
	struct tls_context *context;
	int run_fd;
	sem_t free_places;
} server;

struct connection {
	int fd;
	int64_t place; /* among the handshakes */
};

static void serve(const struct connection *c)
{
	cleanup(tls_closep) struct tls *tls = NULL;
	cleanup_fd int engine = -1;
	struct err err = ERR_NULL;
	bool any;
	int r;

	if (!handshakes_has(c->place)) {
		close(c->fd);
		return;
	}
	r = tls_start(&tls, server.context, c->fd, NULL, HANDSHAKE_MS, &err);
	handshakes_leave(c->place);
	if (r < 0) {
		log_info("refused: %s", err.message);
		return;
	}
	engine = fd_unix_connect(server.run_fd, "cleat.sock", SOCK_STREAM);
	if (engine < 0)
		return; /* no engine: the client finds that the connection ends */
	r = relay(tls, engine, true, &any);
	if (r < 0)
		log_debug("connection: %s", tls_error(tls)[0] ? tls_error(tls) : strerror(-r));
}

static void *connection(void *arg)
{
	cleanup_free struct connection *c = arg;

	serve(c);
	sem_post(&server.free_places);
	return NULL;
}

/* Takes its place here and not in its thread: threads begin in any order, and under load an honest client's may do so
 * before those of a hundred silent ones that came before it, whose places then cost it its own. */
static int start(int fd)
{
	cleanup_free struct connection *c = malloc(sizeof(*c));
	pthread_t thread;
	int r;

	if (!c)
		return -ENOMEM;
	*c = (struct connection){ fd, handshakes_enter(fd) };
	if (c->place < 0)
		return (int)c->place;
	r = thread_start(&thread, STACK_BYTES, connection, c);
	if (r < 0) {
		handshakes_leave(c->place);
		return r;
	}
	pthread_detach(thread);
	steal(&c);
	return 0;
}

static void hand_over(int fd)
{
	int r;

	relay_tune(fd);
	r = start(fd);
	if (r == 0)
		return;
	log_error("a connection is not served: %s", strerror(-r));
	close(fd);
	sem_post(&server.free_places);
}

/* Further clients wait in the listen queue while all places are taken. */
static int accept_all(int listener, struct err *err)
{
	for (;;) {
		int fd;

		while (sem_wait(&server.free_places) < 0)
			;
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0) {
			hand_over(fd);
			continue;
		}
		sem_post(&server.free_places);
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
			usleep(10000); /* until a connection has ended */
		else if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK)
			return err_sys(err, errno, "accept");
	}
}

static int listen_at(const char *address, struct err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *list;
	cleanup_fd int fd = -1;
	char *host, *port;
	int one = 1, r = str_split_host_port(address, &host, &port);

	if (r < 0)
		return err_set(err, ERR_INVALID, "--listen %s: not HOST:PORT", address);
	r = getaddrinfo(host[0] ? host : NULL, port, &hints, &list);
	free(host);
	free(port);
	if (r)
		return err_set(err, ERR_INVALID, "--listen %s: %s", address, gai_strerror(r));
	fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, list->ai_protocol);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, list->ai_addr, list->ai_addrlen) < 0 || listen(fd, SOMAXCONN) < 0)
		r = err_sys(err, errno, "listen at %s", address);
	freeaddrinfo(list);
	return r < 0 ? r : steal_fd(&fd);
}

static int run(const struct options *options, struct err *err)
{
	cleanup_fd int listener = -1;
	int r = tls_context_new(&server.context, true, &options->files, err);

	if (r < 0)
		return r;
	server.run_fd = open(options->run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (server.run_fd < 0)
		return err_sys(err, errno, "open %s", options->run_dir);
	listener = listen_at(options->listen, err);
	if (listener < 0)
		return listener;
	log_info("serving listen=%s run=%s", options->listen, options->run_dir);
	return accept_all(listener, err);
}

static bool parse(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{ "run", required_argument, NULL, 'r' },
		{ "listen", required_argument, NULL, 'l' },
		{ "tlscacert", required_argument, NULL, 'a' },
		{ "tlscert", required_argument, NULL, 'c' },
		{ "tlskey", required_argument, NULL, 'k' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 'r')
			options->run_dir = optarg;
		else if (c == 'l')
			options->listen = optarg;
		else if (c == 'a')
			options->files.ca = optarg;
		else if (c == 'c')
			options->files.cert = optarg;
		else if (c == 'k')
			options->files.key = optarg;
		else
			return false;
	}
	return optind == argc && options->listen && options->files.ca && options->files.cert &&
	       options->files.key;
}

static const char usage[] = "usage: cleat-tls --listen HOST:PORT --tlscacert FILE --tlscert FILE "
			    "--tlskey FILE [--run DIR]\n";

int main(int argc, char **argv)
{
	if (about(argc, argv, "cleat-tls", usage))
		return 0;

	struct options options = { .run_dir = "/run/cleat" };
	struct err err = ERR_NULL;

	if (!parse(argc, argv, &options)) {
		(void)fputs(usage, stderr);
		return 2;
	}
	log_setup("cleat-tls", LOG_INFO);
	(void)signal(SIGPIPE, SIG_IGN);
	sem_init(&server.free_places, 0, MAX_CONNECTIONS);
	(void)!run(&options, &err);
	log_error("%s", err.message);
	return 1;
}
