/* SPDX-License-Identifier: Apache-2.0 */
/* cleat-gateway: HTTP on a local socket, calls to the engine behind it. Holds no state: it may be
 * ended and started at any time. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "fd.h"
#include "gateway.h"
#include "log.h"
#include "str.h"

static int listen_at(const char *path, struct err *err)
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

/* A connection needs a descriptor, a request at work a second one. */
static void allow_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return;
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		log_warn("the limit of open files stays as it is");
}

static int serve(const char *run_dir, const char *listen_url, struct err *err)
{
	cleanup_free char *url = str_printf("ipc://%s/cleat.sock", run_dir);
	cleanup_free char *path = listen_url ? strdup(listen_url + strlen("unix:"))
					     : str_printf("%s/docker.sock", run_dir);
	static struct http_service service = { gateway_handle, gateway_streams_body, NULL };
	sigset_t ends;
	int fd, number, r;

	if (!url || !path)
		return err_sys(err, ENOMEM, "start");
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	signal(SIGPIPE, SIG_IGN);
	allow_files();
	fd = listen_at(path, err);
	if (fd < 0)
		return fd;
	service.arg = url;
	r = http_start(fd, &service, err);
	if (r < 0)
		return r;
	sigwait(&ends, &number);
	unlink(path);
	_exit(0); /* calls in flight end with their connections */
}

int main(int argc, char **argv)
{
	static const struct option known[] = {
		{ "run", required_argument, NULL, 'r' },
		{ "listen", required_argument, NULL, 'l' },
		{ NULL, 0, NULL, 0 },
	};
	const char *run_dir = "/run/cleat", *listen_url = NULL;
	struct err err = ERR_NULL;
	int c;

	log_setup("cleat-gateway", LOG_INFO);
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 'r')
			run_dir = optarg;
		else if (c == 'l')
			listen_url = optarg;
		else
			optind = argc + 1;
	}
	if (optind != argc || (listen_url && !str_has_prefix(listen_url, "unix:"))) {
		fprintf(stderr, "usage: cleat-gateway [--run DIR] [--listen unix:PATH]\n");
		return 2;
	}
	serve(run_dir, listen_url, &err);
	log_error("%s", err.message);
	return 1;
}
