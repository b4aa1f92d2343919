/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a listener, and how many connections may be in a handshake. Handshakes themselves are tested with clients
 * of other makes. */
#include "httptls.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/x509.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base_test.h"
#include "fd.h"

static char dir[] = "/tmp/httptls-test-XXXXXX";

static void path_of(char out[PATH_MAX], const char *name)
{
	(void)snprintf(out, PATH_MAX, "%s/%s", dir, name);
}

static void put(const char *name, const void *data, size_t n, mode_t mode)
{
	char path[PATH_MAX];

	path_of(path, name);
	assert_int_equal(fd_replace_file(AT_FDCWD, path, data, n, mode, false), 0);
}

/* NAME.cert and NAME.key. */
static void make_pair(const char *name)
{
	gnutls_datum_t cert = { NULL, 0 }, key = { NULL, 0 };
	gnutls_x509_privkey_t k;
	gnutls_x509_crt_t c;
	char file[64];

	gnutls_x509_privkey_init(&k);
	gnutls_x509_crt_init(&c);
	assert_int_equal(
		gnutls_x509_privkey_generate(k, GNUTLS_PK_ECDSA,
					     GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
		0);
	gnutls_x509_crt_set_version(c, 3);
	gnutls_x509_crt_set_serial(c, "\1", 1);
	gnutls_x509_crt_set_activation_time(c, 0);
	gnutls_x509_crt_set_expiration_time(c, 1);
	gnutls_x509_crt_set_key(c, k);
	assert_int_equal(gnutls_x509_crt_sign2(c, c, k, GNUTLS_DIG_SHA256, 0), 0);
	assert_int_equal(gnutls_x509_crt_export2(c, GNUTLS_X509_FMT_PEM, &cert), 0);
	assert_int_equal(gnutls_x509_privkey_export2(k, GNUTLS_X509_FMT_PEM, &key), 0);
	(void)snprintf(file, sizeof(file), "%s.cert", name);
	put(file, cert.data, cert.size, 0644);
	(void)snprintf(file, sizeof(file), "%s.key", name);
	put(file, key.data, key.size, 0600);
	(void)snprintf(file, sizeof(file), "%s.open", name);
	put(file, key.data, key.size, 0644);
	gnutls_free(cert.data);
	gnutls_free(key.data);
	gnutls_x509_crt_deinit(c);
	gnutls_x509_privkey_deinit(k);
}

static void files(void **state)
{
	static const struct {
		const char *ca, *cert, *key;
		int r;
		const char *told;
	} cases[] = {
		{ "one.cert", "one.cert", "one.key", 0, "" },
		{ NULL, "one.cert", "one.key", 0, "" },
		{ NULL, "one.cert", "two.key", -EINVAL, "two.key is not the key of" },
		{ NULL, "one.cert", "one.open", -EINVAL, "one.open is open to every user" },
		{ NULL, "one.cert", "none", -ENOENT, "none" },
		{ NULL, "none", "one.key", -ENOENT, "none" },
		{ "none", "one.cert", "one.key", -ENOENT, "none" },
		{ NULL, "one.key", "one.key", -EINVAL, "one.key: no certificate in PEM" },
		{ NULL, "one.cert", "private.cert", -EINVAL, "private.cert: no key in PEM" },
		{ "empty", "one.cert", "one.key", -EINVAL, "empty: no" },
		{ NULL, "empty", "one.key", -EINVAL, "empty: no" },
		{ NULL, "one.cert", "nulls", -EINVAL, "nulls: not in PEM" },
	};

	(void)state;
	make_pair("one");
	make_pair("two");
	put("empty", "", 0, 0600);
	put("private.cert", "-----BEGIN CERTIFICATE-----\n", 28, 0600);
	put("nulls", "a\0b", 3, 0600);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char ca[PATH_MAX], cert[PATH_MAX], key[PATH_MAX];
		struct http_tls f = { cases[i].ca ? ca : NULL, cert, key };
		struct httptls *tls = NULL;
		struct err err = ERR_NULL;

		path_of(ca, cases[i].ca ? cases[i].ca : "");
		path_of(cert, cases[i].cert);
		path_of(key, cases[i].key);
		assert_int_equal(httptls_new(&tls, &f, &err), cases[i].r);
		assert_non_null(strstr(err.message, cases[i].told));
		assert_true((tls != NULL) == (cases[i].r == 0));
		assert_true(!tls || (tls->ca != NULL) == (cases[i].ca != NULL));
		httptls_free(tls);
	}
	assert_int_equal(fd_remove_tree(AT_FDCWD, dir), 0);
}

static bool is_shut_down(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

static void handshakes(void **state)
{
	struct httpconn *c[HTTPCONN_HANDSHAKES_MAX + 2];
	struct httpconn_handshakes n;
	int before = test_count_fds(), ends[ARRAY_LEN(c)][2];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(c); i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends[i]), 0);
		c[i] = httpconn_new(ends[i][0]);
		httpconn_shakes_hands(c[i]);
		if (i == 1)
			httpconn_secured(c[1], "CN=second");
	}
	assert_true(is_shut_down(ends[0][1])); /* the last has its place */
	assert_false(is_shut_down(ends[1][1]));
	assert_false(is_shut_down(ends[2][1]));
	httpconn_sweep_handshakes(fd_monotonic_ns());
	assert_false(is_shut_down(ends[1][1]));
	assert_true(is_shut_down(ends[2][1]));
	assert_string_equal(httpconn_subject(c[1]), "CN=second");
	assert_null(httpconn_subject(c[2]));
	for (size_t i = 0; i < ARRAY_LEN(c); i++) {
		httpconn_free(c[i]);
		close(ends[i][0]);
		close(ends[i][1]);
	}
	httpconn_count_handshakes(&n);
	assert_int_equal(n.done, 1);
	assert_int_equal(n.failed, HTTPCONN_HANDSHAKES_MAX + 1);
	assert_int_equal(test_count_fds(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files),
		cmocka_unit_test(handshakes),
	};

	return mkdtemp(dir) ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
