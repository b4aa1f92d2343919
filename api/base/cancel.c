/* SPDX-License-Identifier: Apache-2.0 */
#include "cancel.h"

#include <errno.h>
#include <poll.h>

/* -1 is never readable: poll(2) passes it over. */
static int look(const int fds[2], int fd, int timeout_ms, const char *what, struct err *err)
{
	struct pollfd ends[] = { { .fd = fds ? fds[0] : -1, .events = POLLIN },
				 { .fd = fds ? fds[1] : -1, .events = POLLIN },
				 { .fd = fd, .events = POLLIN } };

	while (poll(ends, ARRAY_LEN(ends), timeout_ms) < 0)
		if (errno != EINTR)
			return err_sys(err, errno, "wait for the end of %s", what);
	return ends[0].revents || ends[1].revents
		       ? err_set(err, ERR_CANCELLED, "%s was cancelled", what)
		       : 0;
}

int cancel_check(const int fds[2], const char *what, struct err *err)
{
	return fds ? look(fds, -1, 0, what, err) : 0;
}

int cancel_wait(const int fds[2], int fd, const char *what, struct err *err)
{
	return look(fds, fd, -1, what, err);
}
