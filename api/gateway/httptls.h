/* SPDX-License-Identifier: Apache-2.0 */
/* TLS 1.2 and 1.3 of a listener: its files, who is let in, and the bytes of connections that have been taken from
 * libmicrohttpd, which does the rest with the same GnuTLS sessions. Hides GnuTLS. Private to the HTTP server. */
#pragma once

#include "http.h"
#include "httpconn.h"

/* What MHD_OPTION_HTTPS_PRIORITIES takes: ephemeral keys and authenticated encryption only. */
#define HTTPTLS_PRIORITIES                                                            \
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:" \
	"-CIPHER-ALL:+AES-256-GCM:+AES-128-GCM:+CHACHA20-POLY1305"

/* Texts in PEM. */
struct httptls {
	char *ca, *cert, *key; /* ca NULL: clients need no certificate */
};

/* Reads the files and looks whether they go together, so that nobody finds out by a client. INVALID_ARGUMENT with the
 * file that is wrong; -errno. A key that every user may read is refused. */
int httptls_new(struct httptls **out, const struct http_tls *files, struct err *err) must_check;
struct httptls *httptls_free(struct httptls *tls);
void httptls_freep(struct httptls **tls);

/* Before the handshake of a session (gnutls_session_t), whose connection `c` is told how it ends. Both are borrowed as
 * long as the session is. A client without a certificate of the CA for clients, that is valid now, does not get
 * through the handshake. */
void httptls_begin(const struct httptls *tls, void *session, struct httpconn *c);

/* As recv(2) and send(2) of a nonblocking socket: bytes, 0 when the client said that it sends no more, -EAGAIN, -EPIPE
 * when it is gone. What was to be sent at -EAGAIN is to be sent next. */
ssize_t httptls_read(void *session, void *data, size_t size) must_check;
ssize_t httptls_write(void *session, const void *data, size_t size) must_check;
/* Whether there are bytes that poll(2) does not tell of. */
bool httptls_pending(void *session);
/* Says that no more is sent. Never blocks. */
void httptls_end(void *session);
