/* SPDX-License-Identifier: Apache-2.0 */
#include "sync.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fd.h"

int sync_send(int fd, enum sync_kind kind, const int *fds, size_t n, struct err *err)
{
	uint32_t word = kind;
	int r = fd_send(fd, &word, sizeof(word), fds, n, MSG_NOSIGNAL);

	return r ? err_sys(err, r, "talk to the other half of the runtime") : 0;
}

static int sync_write(int fd, const void *data, size_t n)
{
	return write(fd, data, n) == (ssize_t)n ? 0 : -errno;
}

int sync_tell(int fd, enum sync_kind kind, struct err *err)
{
	uint32_t word = kind;
	int r = sync_write(fd, &word, sizeof(word));

	return r ? err_sys(err, r, "talk to the other half of the runtime") : 0;
}

int sync_fail(int fd, const char *stage, int exit_code, const struct err *e)
{
	struct sync_msg m = { .kind = SYNC_FAILED, .exit_code = exit_code, .err = *e };

	(void)snprintf(m.stage, sizeof(m.stage), "%s", stage);
	return sync_write(fd, &m, sizeof(m));
}

int sync_recv(int fd, struct sync_msg *m, int *fds, size_t *n_fds, struct err *err)
{
	ssize_t n;

	memset(m, 0, sizeof(*m));
	n = fd_recv(fd, m, sizeof(*m), fds, n_fds, 0);
	if (n == 0)
		return 0;
	if (n < (ssize_t)sizeof(uint32_t))
		return err_sys(err, n < 0 ? (int)n : EBADMSG, "hear from the other half");
	return 1;
}
