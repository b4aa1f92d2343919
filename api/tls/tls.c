/* SPDX-License-Identifier: Apache-2.0 */
#include "tls.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "fd.h"

struct tls_context {
	SSL_CTX *ssl;
	bool server;
};

struct tls {
	SSL *ssl;
	int fd;
	short events;
	char error[160];
};

/* The first error of OpenSSL's queue, which is then empty. */
static void take_error(char *text, size_t size, const char *otherwise)
{
	unsigned long code = ERR_get_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;

	(void)snprintf(text, size, "%s", reason ? reason : otherwise);
	ERR_clear_error();
}

static int file_error(struct err *err, const char *file, const char *what)
{
	ERR_clear_error();
	if (access(file, R_OK) < 0)
		return err_sys(err, errno, "open %s", file);
	return err_set(err, ERR_INVALID, "%s: no %s in it (PEM)", file, what);
}

static int load_files(SSL_CTX *ssl, const struct tls_files *files, struct err *err)
{
	if (SSL_CTX_load_verify_locations(ssl, files->ca, NULL) != 1)
		return file_error(err, files->ca, "certificate");
	if (SSL_CTX_use_certificate_chain_file(ssl, files->cert) != 1)
		return file_error(err, files->cert, "certificate");
	if (SSL_CTX_use_PrivateKey_file(ssl, files->key, SSL_FILETYPE_PEM) != 1)
		return file_error(err, files->key, "private key");
	if (SSL_CTX_check_private_key(ssl) != 1)
		return err_set(err, ERR_INVALID, "%s is not the key of %s", files->key,
			       files->cert);
	return 0;
}

int tls_context_new(struct tls_context **out, bool server, const struct tls_files *files,
		    struct err *err)
{
	cleanup(tls_context_freep) struct tls_context *context = calloc(1, sizeof(*context));
	int r;

	if (!context)
		return err_sys(err, ENOMEM, "TLS");
	context->server = server;
	context->ssl = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	if (!context->ssl)
		return err_sys(err, ENOMEM, "TLS");
	(void)SSL_CTX_set_min_proto_version(context->ssl, TLS1_2_VERSION);
	(void)SSL_CTX_set_options(context->ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	(void)SSL_CTX_set_mode(context->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE |
						     SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
						     SSL_MODE_RELEASE_BUFFERS);
	(void)SSL_CTX_set_session_cache_mode(context->ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(context->ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	r = load_files(context->ssl, files, err);
	if (r < 0)
		return r;
	*out = steal(&context);
	return 0;
}

struct tls_context *tls_context_free(struct tls_context *context)
{
	if (context)
		SSL_CTX_free(context->ssl);
	free(context);
	return NULL;
}

void tls_context_freep(struct tls_context **context)
{
	tls_context_free(*context);
}

/* The result of an operation that returned `n`, as read(2) has it. */
static ssize_t result(struct tls *tls, int n)
{
	int why = SSL_get_error(tls->ssl, n), e = errno;

	if (n > 0)
		return n;
	switch (why) {
	case SSL_ERROR_WANT_READ:
		tls->events = POLLIN;
		return -EAGAIN;
	case SSL_ERROR_WANT_WRITE:
		tls->events = POLLOUT;
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_SYSCALL:
		e = e ? e : ECONNRESET;
		take_error(tls->error, sizeof(tls->error), strerror(e));
		return -e;
	default:
		take_error(tls->error, sizeof(tls->error), "the connection broke off");
		return -EPROTO;
	}
}

static int wait_for(const struct tls *tls, int64_t until_ns)
{
	struct pollfd p = { .fd = tls->fd, .events = tls->events };
	int64_t left_ms = (until_ns - fd_monotonic_ns()) / 1000000;

	if (left_ms <= 0)
		return -ETIMEDOUT;
	return poll(&p, 1, (int)left_ms) < 0 && errno != EINTR ? -errno : 0;
}

static int shake_hands(struct tls *tls, int timeout_ms, struct err *err)
{
	int64_t until_ns = fd_monotonic_ns() + timeout_ms * INT64_C(1000000);
	long verified;
	ssize_t r;

	while ((r = result(tls, SSL_do_handshake(tls->ssl))) == -EAGAIN) {
		r = wait_for(tls, until_ns);
		if (r < 0)
			return err_sys(err, (int)r, "TLS handshake");
	}
	if (r > 0)
		return 0;
	verified = SSL_get_verify_result(tls->ssl);
	if (verified != X509_V_OK)
		return err_set(err, ERR_UNAUTHENTICATED, "the certificate is not accepted: %s",
			       X509_verify_cert_error_string(verified));
	return err_set(err, ERR_UNAUTHENTICATED, "TLS handshake failed: %s",
		       tls->error[0] ? tls->error : "the connection was closed");
}

static bool expect(SSL *ssl, const char *name)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	if (X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1)
		return true;
	ERR_clear_error(); /* not an address */
	return SSL_set_tlsext_host_name(ssl, name) == 1 && SSL_set1_host(ssl, name) == 1;
}

int tls_start(struct tls **out, struct tls_context *context, int fd, const char *server_name,
	      int timeout_ms, struct err *err)
{
	cleanup_fd int owned = fd;
	cleanup(tls_closep) struct tls *tls = calloc(1, sizeof(*tls));
	int r;

	if (!tls)
		return err_sys(err, ENOMEM, "TLS");
	tls->fd = -1;
	tls->ssl = SSL_new(context->ssl);
	if (!tls->ssl)
		return err_sys(err, ENOMEM, "TLS");
	if (server_name && !expect(tls->ssl, server_name))
		return err_set(err, ERR_INVALID, "no server name: %.80s", server_name);
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return err_sys(err, errno, "TLS");
	if (SSL_set_fd(tls->ssl, fd) != 1)
		return err_sys(err, ENOMEM, "TLS");
	tls->fd = steal_fd(&owned);
	if (context->server)
		SSL_set_accept_state(tls->ssl);
	else
		SSL_set_connect_state(tls->ssl);
	r = shake_hands(tls, timeout_ms, err);
	if (r < 0)
		return r;
	*out = steal(&tls);
	return 0;
}

struct tls *tls_close(struct tls *tls)
{
	if (!tls)
		return NULL;
	if (tls->ssl && SSL_is_init_finished(tls->ssl))
		(void)SSL_shutdown(tls->ssl);
	ERR_clear_error();
	SSL_free(tls->ssl);
	closep(&tls->fd);
	free(tls);
	return NULL;
}

void tls_closep(struct tls **tls)
{
	tls_close(*tls);
}

ssize_t tls_read(struct tls *tls, void *data, size_t size)
{
	return result(tls, SSL_read(tls->ssl, data, (int)size));
}

ssize_t tls_write(struct tls *tls, const void *data, size_t size)
{
	ssize_t n = result(tls, SSL_write(tls->ssl, data, (int)size));

	return n == 0 ? -EPIPE : n;
}

int tls_fd(const struct tls *tls)
{
	return tls->fd;
}

short tls_events(const struct tls *tls)
{
	return tls->events;
}

const char *tls_error(const struct tls *tls)
{
	return tls->error;
}
