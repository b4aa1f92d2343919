/* SPDX-License-Identifier: Apache-2.0 */
#include "feed.h"

#include <errno.h>
#include <sys/socket.h>

int feed_socket(int sock, const struct feed_source *source, struct err *err)
{
	const void *data;
	size_t n;
	int r;

	while ((r = source->next(source->ctx, &data, &n, err)) == 1)
		for (size_t done = 0; done < n;) {
			ssize_t w = send(sock, (const char *)data + done, n - done, MSG_NOSIGNAL);

			if (w < 0 && errno != EINTR)
				return 1;
			done += w > 0 ? (size_t)w : 0;
		}
	return r;
}
