/* SPDX-License-Identifier: Apache-2.0 */
#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "fd.h"
#include "str.h"

static const char tcp[] = "tcp://", local[] = "unix:";

const char *listen_path(const char *url)
{
	return str_has_prefix(url, local) ? url + strlen(local) : NULL;
}

static int listen_local(const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *dir = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup("./");
	cleanup_fd int dir_fd = dir ? open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	int fd;

	if (dir_fd < 0)
		return err_sys(err, errno, "open the directory of %s", path);
	fd = fd_unix_listen(dir_fd, slash ? slash + 1 : path, SOCK_STREAM, 0660);
	return fd < 0 ? err_sys(err, fd, "listen on %s", path) : fd;
}

static int parse_address(const char *host, struct sockaddr_in6 *address)
{
	struct sockaddr_in *v4 = (void *)address;

	address->sin6_family = AF_INET;
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1)
		return 0;
	*address = (struct sockaddr_in6){ .sin6_family = AF_INET6 };
	return inet_pton(AF_INET6, host, &address->sin6_addr) == 1 ? 0 : -EINVAL;
}

static bool is_loopback(const struct sockaddr_in6 *address)
{
	const struct sockaddr_in *v4 = (const void *)address;

	return address->sin6_family == AF_INET ? ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET
					       : IN6_IS_ADDR_LOOPBACK(&address->sin6_addr);
}

static int check_reach(const struct sockaddr_in6 *address, enum listen_reach reach,
		       const char *name, struct err *err)
{
	if (reach == LISTEN_ALL || (reach == LISTEN_LOOPBACK && is_loopback(address)))
		return 0;
	return err_set(
		err, ERR_INVALID,
		"--listen %s: whoever reaches it is as root: with --tlsverify, or an address "
		"of the loopback net with --unauthenticated-loopback-tcp",
		name);
}

static int bind_tcp(const struct sockaddr_in6 *address)
{
	cleanup_fd int fd =
		socket(address->sin6_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, (const struct sockaddr *)(const void *)address, sizeof(*address)) < 0 ||
	    listen(fd, SOMAXCONN) < 0)
		return -errno;
	return steal_fd(&fd);
}

static int listen_tcp(const char *url, enum listen_reach reach, struct err *err)
{
	cleanup_free char *host = NULL, *port = NULL;
	struct sockaddr_in6 address = { 0 };
	int64_t number = 0;
	int r = str_split_host_port(url + strlen(tcp), &host, &port);

	if (r == 0)
		r = str_int_in(port, 0, 65535, &number);
	if (r == 0)
		r = parse_address(host, &address);
	if (r < 0)
		return err_set(err, ERR_INVALID, "--listen %s: expected tcp://ADDRESS:PORT", url);
	r = check_reach(&address, reach, url, err);
	if (r < 0)
		return r;
	address.sin6_port = htons((uint16_t)number); /* at the same place in both families */
	r = bind_tcp(&address);
	return r < 0 ? err_sys(err, r, "listen at %s", url) : r;
}

int listen_at(const char *url, enum listen_reach reach, struct err *err)
{
	if (listen_path(url))
		return listen_local(listen_path(url), err);
	if (str_has_prefix(url, tcp))
		return listen_tcp(url, reach, err);
	return err_set(err, ERR_INVALID, "--listen %s: expected unix:PATH or tcp://ADDRESS:PORT",
		       url);
}

int listen_check(int fd, enum listen_reach reach, bool *is_tcp, struct err *err)
{
	union {
		struct sockaddr_storage any;
		struct sockaddr_in6 inet;
	} address = { 0 };
	socklen_t n = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &n) < 0)
		return err_sys(err, errno, "the listening socket %d", fd);
	*is_tcp = address.any.ss_family != AF_UNIX;
	if (!*is_tcp)
		return 0;
	if (address.any.ss_family != AF_INET && address.any.ss_family != AF_INET6)
		return err_set(err, ERR_INVALID, "the listening socket %d: neither UNIX nor TCP",
			       fd);
	return check_reach(&address.inet, reach, "(a socket that was handed down)", err);
}
