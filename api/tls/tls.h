/* SPDX-License-Identifier: Apache-2.0 */
/* TLS 1.2 and 1.3 with certificates on both sides, over a nonblocking socket. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "err.h"
#include "mem.h"

struct tls_context;
struct tls;

/* PEM files; of the certificate the whole chain. */
struct tls_files {
	const char *ca, *cert, *key;
};

/* What all connections of one side share. 0 or -errno with an error that names the file. */
int tls_context_new(struct tls_context **out, bool server, const struct tls_files *files,
		    struct err *err) must_check;
struct tls_context *tls_context_free(struct tls_context *context);
void tls_context_freep(struct tls_context **context);

/* The handshake on the connected socket `fd`, which is owned from here on, whatever comes of it. Blocks,
 * at most timeout_ms. `server_name` (NULL for a server) must be a name or an address in the other side's
 * certificate. 0; UNAUTHENTICATED when a certificate is not accepted. */
int tls_start(struct tls **out, struct tls_context *context, int fd, const char *server_name,
	      int timeout_ms, struct err *err) must_check;
/* Says good-bye without waiting for an answer, and closes. Takes NULL, returns NULL. */
struct tls *tls_close(struct tls *tls);
void tls_closep(struct tls **tls);

/* As read(2) and write(2): bytes, 0 at the end of the stream, -EAGAIN until tls_fd() is ready for
 * tls_events(), else -errno; tls_error() says why. A write may be repeated from another address. */
ssize_t tls_read(struct tls *tls, void *data, size_t size) must_check;
ssize_t tls_write(struct tls *tls, const void *data, size_t size) must_check;
int tls_fd(const struct tls *tls);
/* POLLIN or POLLOUT, of the last call that returned -EAGAIN. */
short tls_events(const struct tls *tls);
/* Of the last call that failed; "" = none has. */
const char *tls_error(const struct tls *tls);
