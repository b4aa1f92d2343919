/* SPDX-License-Identifier: Apache-2.0 */
/* libmicrohttpd asks for a client's certificate but goes on without a good one, for its callers to look at. Here the
 * session is told to require it, and to verify it within the handshake. */
#include "httptls.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>
#include <sys/stat.h>

#include "fd.h"
#include "str.h"

enum { FILE_MAX = 1 << 20, EMPTY_LIST_MAX = 4 /* bytes of a list of no certificates */ };

/* ---- files */

static int load(const char *path, char **out, struct err *err)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	int r = fd_read_file(AT_FDCWD, path, FILE_MAX, &text);

	if (r < 0)
		return err_sys(err, r, "read %s", path);
	if (!text.data || memchr(text.data, '\0', text.len))
		return err_set(err, ERR_INVALID, "%s: not in PEM", path);
	*out = buf_steal(&text);
	return *out ? 0 : err_sys(err, ENOMEM, "read %s", path);
}

static int refuse_public(const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_sys(err, errno, "read %s", path);
	if (st.st_mode & S_IRWXO)
		return err_set(err, ERR_INVALID, "the key %s is open to every user: chmod o= it",
			       path);
	return 0;
}

static gnutls_datum_t datum(const char *text)
{
	return (gnutls_datum_t){ (unsigned char *)(uintptr_t)text, (unsigned)strlen(text) };
}

/* Whether all of the text is certificates. */
static int check_certificates(const char *path, const char *text, struct err *err)
{
	gnutls_datum_t pem = datum(text);
	gnutls_x509_crt_t *list = NULL;
	unsigned n = 0;
	int r = gnutls_x509_crt_list_import2(&list, &n, &pem, GNUTLS_X509_FMT_PEM, 0);

	for (unsigned i = 0; r >= 0 && i < n; i++)
		gnutls_x509_crt_deinit(list[i]);
	gnutls_free(list);
	return r < 0 ? err_set(err, ERR_INVALID, "%s: no certificate in PEM: %s", path,
			       gnutls_strerror(r))
		     : 0;
}

static int check_key(const char *path, const char *text, struct err *err)
{
	gnutls_datum_t pem = datum(text);
	gnutls_x509_privkey_t key = NULL;
	int r = gnutls_x509_privkey_init(&key);

	if (r == 0)
		r = gnutls_x509_privkey_import2(key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
	gnutls_x509_privkey_deinit(key);
	return r < 0 ? err_set(err, ERR_INVALID, "%s: no key in PEM without a password: %s", path,
			       gnutls_strerror(r))
		     : 0;
}

static int check_pair(const struct httptls *tls, const struct http_tls *files, struct err *err)
{
	gnutls_datum_t cert = datum(tls->cert), key = datum(tls->key);
	gnutls_certificate_credentials_t both = NULL;
	int r = gnutls_certificate_allocate_credentials(&both);

	if (r == 0)
		r = gnutls_certificate_set_x509_key_mem(both, &cert, &key, GNUTLS_X509_FMT_PEM);
	if (both)
		gnutls_certificate_free_credentials(both);
	if (r == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
		return err_set(err, ERR_INVALID, "%s is not the key of the certificate %s",
			       files->key, files->cert);
	return r < 0 ? err_set(err, ERR_INVALID, "%s and %s: %s", files->cert, files->key,
			       gnutls_strerror(r))
		     : 0;
}

static int load_all(struct httptls *tls, const struct http_tls *files, struct err *err)
{
	int r = load(files->cert, &tls->cert, err);

	r = r ? r : check_certificates(files->cert, tls->cert, err);
	r = r ? r : refuse_public(files->key, err);
	r = r ? r : load(files->key, &tls->key, err);
	r = r ? r : check_key(files->key, tls->key, err);
	r = r ? r : check_pair(tls, files, err);
	if (!files->ca)
		return r;
	r = r ? r : load(files->ca, &tls->ca, err);
	return r ? r : check_certificates(files->ca, tls->ca, err);
}

int httptls_new(struct httptls **out, const struct http_tls *files, struct err *err)
{
	cleanup(httptls_freep) struct httptls *tls = calloc(1, sizeof(*tls));
	int r = tls ? load_all(tls, files, err) : err_sys(err, ENOMEM, "TLS");

	if (r == 0)
		*out = steal(&tls);
	return r;
}

struct httptls *httptls_free(struct httptls *tls)
{
	if (!tls)
		return NULL;
	free(tls->ca);
	free(tls->cert);
	if (tls->key)
		explicit_bzero(tls->key, strlen(tls->key));
	free(tls->key);
	free(tls);
	return NULL;
}

void httptls_freep(struct httptls **tls)
{
	httptls_free(*tls);
}

/* ---- handshakes */

static gnutls_alert_description_t alert_of(unsigned status)
{
	if (status & GNUTLS_CERT_EXPIRED)
		return GNUTLS_A_CERTIFICATE_EXPIRED;
	if (status & GNUTLS_CERT_SIGNER_NOT_FOUND)
		return GNUTLS_A_UNKNOWN_CA;
	return GNUTLS_A_BAD_CERTIFICATE;
}

static int verify(gnutls_session_t session)
{
	gnutls_typed_vdata_st purpose = { GNUTLS_DT_KEY_PURPOSE_OID,
					  (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT, 0 };
	unsigned status = GNUTLS_CERT_INVALID;
	int r = gnutls_certificate_verify_peers(session, &purpose, 1, &status);

	if (r == 0 && status == 0)
		return 0;
	(void)gnutls_alert_send(session, GNUTLS_AL_FATAL, alert_of(status));
	return GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR;
}

/* The name in the peer's certificate, to be freed by gnutls_free(); empty without one. */
static gnutls_datum_t subject_of(gnutls_session_t session)
{
	unsigned n = 0;
	const gnutls_datum_t *peers = gnutls_certificate_get_peers(session, &n);
	gnutls_datum_t name = { NULL, 0 };
	gnutls_x509_crt_t crt;

	if (!peers || n == 0 || gnutls_x509_crt_init(&crt) < 0)
		return name;
	if (gnutls_x509_crt_import(crt, &peers[0], GNUTLS_X509_FMT_DER) < 0 ||
	    gnutls_x509_crt_get_dn3(crt, &name, 0) < 0)
		name.data = NULL;
	gnutls_x509_crt_deinit(crt);
	return name;
}

/* GnuTLS ends the handshake then, but does not say why. */
static void tell_missing(gnutls_session_t session)
{
	(void)gnutls_alert_send(session, GNUTLS_AL_FATAL,
				gnutls_protocol_get_version(session) == GNUTLS_TLS1_3
					? GNUTLS_A_CERTIFICATE_REQUIRED
					: GNUTLS_A_HANDSHAKE_FAILURE);
}

/* A client's last message, before which its certificate has been verified, if one is required. */
static void take_finished(gnutls_session_t session)
{
	gnutls_datum_t subject = subject_of(session);

	httpconn_secured(gnutls_session_get_ptr(session), (const char *)subject.data);
	gnutls_free(subject.data);
}

static int on_message(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
		      const gnutls_datum_t *message)
{
	(void)when;
	if (incoming && type == GNUTLS_HANDSHAKE_FINISHED)
		take_finished(session);
	if (incoming && type == GNUTLS_HANDSHAKE_CERTIFICATE_PKT && message &&
	    message->size <= EMPTY_LIST_MAX)
		tell_missing(session);
	return 0;
}

void httptls_begin(const struct httptls *tls, void *session, struct httpconn *c)
{
	gnutls_session_set_ptr(session, c); /* libmicrohttpd has it for shared keys only */
	httpconn_shakes_hands(c);
	if (tls->ca) {
		gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
		gnutls_session_set_verify_function(session, verify);
	}
	gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_ANY, GNUTLS_HOOK_POST,
					   on_message);
}

/* ---- bytes */

static ssize_t result(ssize_t n)
{
	if (n >= 0)
		return n;
	return n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED ||
			       n == GNUTLS_E_WARNING_ALERT_RECEIVED
		       ? -EAGAIN
		       : -EPIPE;
}

ssize_t httptls_read(void *session, void *data, size_t size)
{
	return result(gnutls_record_recv(session, data, size));
}

ssize_t httptls_write(void *session, const void *data, size_t size)
{
	return result(gnutls_record_send(session, data, size));
}

bool httptls_pending(void *session)
{
	return gnutls_record_check_pending(session) > 0;
}

void httptls_end(void *session)
{
	(void)gnutls_bye(session, GNUTLS_SHUT_WR);
}
