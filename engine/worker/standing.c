/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's own root keeps it from nothing that is opened for it later: ".." of a directory outside its root
 * leads on. So what it gets is a mount of its own that no namespace has, and ".." ends at its root. */
#include "standing.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include "fd.h"

enum { ANSWER_MAX = 4096 };

int standing_start(struct standing *s, const char *bin_dir, const char *const *words, int dir_fd,
		   struct err *err)
{
	struct worker_call call = { .job = WORKER_STAYS, .words = words, .dir_fd = dir_fd };
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, errno, "start cleat-worker");
	s->sock = pair[0];
	call.stream_fd = pair[1];
	int r = worker_start_call(&s->worker, bin_dir, &call, err);

	close(pair[1]);
	return r;
}

int standing_give(struct standing *s, int stream_fd, int dir_fd, struct err *err)
{
	cleanup_fd int tree =
		open_tree(dir_fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	const int fds[] = { stream_fd, tree };

	if (tree < 0)
		return err_sys(err, errno, "set a worker's directory apart");
	int r = fd_send(s->sock, "", 1, fds, ARRAY_LEN(fds), MSG_NOSIGNAL);

	/* one that is gone says why when it is asked for the result */
	return r == -EPIPE ? 0 : r < 0 ? err_sys(err, r, "give cleat-worker a job") : 0;
}

/* It ended: its last words, if any. */
static int died(struct standing *s, struct buf *lines, struct err *err)
{
	int r = worker_finish(&s->worker, lines, err);

	return r ? r : err_set(err, ERR_INTERNAL, "cleat-worker died");
}

int standing_take(struct standing *s, struct buf *lines, struct err *err)
{
	char text[ANSWER_MAX];
	size_t n_fds = 0;
	ssize_t n = fd_recv(s->sock, text, sizeof(text), NULL, &n_fds, 0);

	if (n < 0) /* it may well go on, and would never be done */
		return err_sys(err, (int)n, "read cleat-worker's result");
	if (n == 0)
		return died(s, lines, err);
	buf_append(lines, text, (size_t)n);
	return lines->error ? err_sys(err, lines->error, "read cleat-worker's result")
			    : worker_verdict(lines, err);
}

void standing_deinit(struct standing *s)
{
	closep(&s->sock);
	worker_deinit(&s->worker);
	*s = STANDING_NULL;
}
