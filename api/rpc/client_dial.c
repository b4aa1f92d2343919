/* SPDX-License-Identifier: Apache-2.0 */
/* How a connection comes to be: UNIX sockets and TCP by socket(2), TLS by a helper, cleat-dial, that is
 * given one end of a socket pair. So programs linked with this library stay free of nng and of a TLS
 * library: they are started for each command of a user. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client_impl.h"
#include "fd.h"
#include "str.h"

#define HELPER     "cleat-dial"
#define TLS_SCHEME "tls+tcp://"

extern char **environ;

static int dial_unix(const char *path)
{
	cleanup_free char *dir = strdup(path);
	char *slash = dir ? strrchr(dir, '/') : NULL;
	cleanup_fd int dir_fd = -1;

	if (!slash)
		return dir ? fd_unix_connect(AT_FDCWD, path, SOCK_STREAM) : -ENOMEM;
	*slash = 0;
	dir_fd = open(*dir ? dir : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return dir_fd < 0 ? -errno : fd_unix_connect(dir_fd, slash + 1, SOCK_STREAM);
}

static int dial_tcp(const char *address)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list, *a;
	cleanup_free char *host = NULL, *port = NULL;
	int fd = -1, one = 1, error = EINVAL, r = str_split_host_port(address, &host, &port);

	if (r < 0)
		return r;
	if (getaddrinfo(host, port, &hints, &list) != 0)
		return -EHOSTUNREACH;
	for (a = list; a && fd < 0; a = a->ai_next) {
		fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
		if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
			error = errno;
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(list);
	if (fd >= 0)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd < 0 ? -error : fd;
}

/* The helper is beside this program. */
static int helper_path(char *path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", path, size - sizeof(HELPER));
	char *slash;

	if (n < 0)
		return -errno;
	path[n] = 0;
	slash = strrchr(path, '/');
	memcpy(slash ? slash + 1 : path, HELPER, sizeof(HELPER));
	return 0;
}

static int spawn_helper(struct rpc_client *c, int sock, int words)
{
	char path[4096];
	char *const argv[] = {
		(char[]){ HELPER }, c->url, c->tls.ca_file, c->tls.cert_file, c->tls.key_file,
		c->tls.server_name, NULL
	};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	int r = helper_path(path, sizeof(path));

	if (r < 0)
		return r;
	r = posix_spawnattr_init(&attr);
	if (r)
		return -r;
	/* what a terminal sends to the command, the command passes on: over this connection */
	(void)sigemptyset(&none);
	(void)posix_spawnattr_setsigmask(&attr, &none);
	(void)posix_spawnattr_setpgroup(&attr, 0);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
	r = posix_spawn_file_actions_init(&actions);
	if (r)
		return -r;
	r = posix_spawn_file_actions_adddup2(&actions, sock, STDIN_FILENO);
	if (!r)
		r = posix_spawn_file_actions_adddup2(&actions, words, STDOUT_FILENO);
	if (!r)
		r = posix_spawn(&c->helper.pid, path, &actions, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return -r;
}

static int dial_tls(struct rpc_client *c)
{
	int pair[2], words[2], r;

	if (!c->tls.ca_file || !c->tls.cert_file || !c->tls.key_file)
		return -ENOKEY;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	if (pipe2(words, O_CLOEXEC) < 0) {
		r = -errno;
		close(pair[0]);
		close(pair[1]);
		return r;
	}
	r = spawn_helper(c, pair[1], words[1]);
	close(pair[1]);
	close(words[1]);
	if (r == 0) {
		c->helper.words_fd = words[0];
		return pair[0];
	}
	c->helper.pid = 0;
	close(pair[0]);
	close(words[0]);
	return r;
}

int client_dial(struct rpc_client *c, struct err *err)
{
	int fd;

	c->format.ipc = str_has_prefix(c->url, "ipc://");
	if (c->format.ipc)
		fd = dial_unix(c->url + strlen("ipc://"));
	else if (str_has_prefix(c->url, "tcp://"))
		fd = dial_tcp(c->url + strlen("tcp://"));
	else if (str_has_prefix(c->url, TLS_SCHEME))
		fd = dial_tls(c);
	else
		return err_set(err, ERR_INVALID, "%s: not ipc://, tcp:// or " TLS_SCHEME, c->url);
	if (fd == -ENOKEY)
		return err_set(err, ERR_INVALID,
			       "%s needs a CA, a certificate and its key (PEM files)", c->url);
	if (fd < 0) {
		(void)err_sys(err, fd, "connect to %s", c->url);
		if (err && fd != -EACCES && fd != -EPERM)
			err->code = ERR_UNAVAILABLE;
		if (err)
			err->not_started = true;
		return fd;
	}
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	c->fd = fd;
	return 0;
}

bool client_helper_words(struct rpc_client *c, char *text, size_t size)
{
	ssize_t n = c->helper.pid ? read(c->helper.words_fd, text, size - 1) : 0;

	text[n > 0 ? n : 0] = 0;
	return n > 0;
}

void client_hang_up(struct rpc_client *c)
{
	closep(&c->fd);
	c->fd = -1;
	if (!c->helper.pid)
		return;
	/* It ends by itself when it has passed on what it was given; while it still connects it has nothing. */
	if (!c->greeted)
		(void)kill(c->helper.pid, SIGKILL);
	while (waitpid(c->helper.pid, NULL, 0) < 0 && errno == EINTR)
		;
	closep(&c->helper.words_fd);
	c->helper.pid = 0;
}
