/* SPDX-License-Identifier: Apache-2.0 */
#include "gwoptions.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>

#include "str.h"

/* In the order of `known`, from LIMIT on in that of `limits`. */
enum {
	RUN,
	LISTEN,
	PLAIN_TCP,
	ACCESS_LOG,
	USER,
	TLS,
	TLS_VERIFY,
	TLS_CA,
	TLS_CERT,
	TLS_KEY,
	LIMIT
};

static const struct option known[] = {
	[RUN] = { "run", required_argument, NULL, RUN },
	[LISTEN] = { "listen", required_argument, NULL, LISTEN },
	[PLAIN_TCP] = { "unauthenticated-loopback-tcp", no_argument, NULL, PLAIN_TCP },
	[ACCESS_LOG] = { "access-log", required_argument, NULL, ACCESS_LOG },
	[USER] = { "user", required_argument, NULL, USER },
	[TLS] = { "tls", no_argument, NULL, TLS },
	[TLS_VERIFY] = { "tlsverify", no_argument, NULL, TLS_VERIFY },
	[TLS_CA] = { "tlscacert", required_argument, NULL, TLS_CA },
	[TLS_CERT] = { "tlscert", required_argument, NULL, TLS_CERT },
	[TLS_KEY] = { "tlskey", required_argument, NULL, TLS_KEY },
	[LIMIT] = { "max-body", required_argument, NULL, LIMIT },
	{ "max-head", required_argument, NULL, LIMIT + 1 },
	{ "max-connections", required_argument, NULL, LIMIT + 2 },
	{ "max-requests", required_argument, NULL, LIMIT + 3 },
	{ "idle-timeout", required_argument, NULL, LIMIT + 4 },
	{ "request-timeout", required_argument, NULL, LIMIT + 5 },
	{ NULL, 0, NULL, 0 },
};

static const struct {
	uint64_t min, max;
	size_t size, offset;
} limits[] = {
#define LIMIT_OF(member) \
	sizeof(((struct http_limits *)0)->member), offsetof(struct http_limits, member)
	{ 1 << 10, 1 << 30, LIMIT_OF(body_bytes) }, { 4 << 10, 16 << 20, LIMIT_OF(head_bytes) },
	{ 1, 1 << 20, LIMIT_OF(connections) },      { 1, 1 << 16, LIMIT_OF(requests) },
	{ 1, 1 << 20, LIMIT_OF(idle_s) },           { 1, 1 << 20, LIMIT_OF(request_s) },
};

static int set_limit(struct http_limits *out, size_t i, const char *text, struct err *err)
{
	char *at = (char *)out + limits[i].offset;
	uint64_t value;

	if (str_size_bytes(text, &value) < 0 || value < limits[i].min || value > limits[i].max)
		return err_set(err, ERR_INVALID, "--%s %.40s: expected %llu to %llu",
			       known[LIMIT + i].name, text, (unsigned long long)limits[i].min,
			       (unsigned long long)limits[i].max);
	if (limits[i].size == sizeof(size_t))
		*(size_t *)(void *)at = value;
	else
		*(unsigned *)(void *)at = (unsigned)value;
	return 0;
}

static int set(struct options *o, int option, struct err *err)
{
	switch (option) {
	case RUN:
		o->run_dir = optarg;
		return 0;
	case LISTEN:
		if (o->n_listen == OPTIONS_MAX_LISTENERS)
			return err_set(err, ERR_INVALID, "--listen: more than %d",
				       OPTIONS_MAX_LISTENERS);
		o->listen[o->n_listen++] = optarg;
		return 0;
	case PLAIN_TCP:
		o->plain_tcp = true;
		return 0;
	case ACCESS_LOG:
		o->access_log = optarg;
		return 0;
	case USER:
		o->user = optarg;
		return 0;
	case TLS_VERIFY:
		o->tls_verify = true;
		o->tls = true;
		return 0;
	case TLS:
		o->tls = true;
		return 0;
	case TLS_CA:
		o->tls_files.ca = optarg;
		return 0;
	case TLS_CERT:
		o->tls_files.cert = optarg;
		return 0;
	case TLS_KEY:
		o->tls_files.key = optarg;
		return 0;
	default:
		return set_limit(&o->limits, (size_t)option - LIMIT, optarg, err);
	}
}

/* Without --tlsverify the CA has nothing to say, as dockerd has it. */
static int check_tls(struct options *o, struct err *err)
{
	const struct http_tls *f = &o->tls_files;

	if (!o->tls)
		return f->ca || f->cert || f->key ? err_set(err, ERR_INVALID,
							    "--tlscacert, --tlscert and --tlskey "
							    "need --tlsverify or --tls")
						  : 0;
	if (!f->cert || !f->key)
		return err_set(err, ERR_INVALID,
			       "--tlsverify and --tls need --tlscert and --tlskey");
	if (o->tls_verify && !f->ca)
		return err_set(err, ERR_INVALID, "--tlsverify needs --tlscacert");
	if (!o->tls_verify)
		o->tls_files.ca = NULL;
	return 0;
}

int options_parse(struct options *out, int argc, char **argv, struct err *err)
{
	int c, r = 0;

	*out = (struct options){ .run_dir = "/run/cleat", .limits = HTTP_LIMITS };
	opterr = 0;
	while (r == 0 && (c = getopt_long(argc, argv, "", known, NULL)) != -1)
		r = c == '?' ? err_set(err, ERR_INVALID,
				       "%s: no such option, or its value is missing",
				       argv[optind - 1])
			     : set(out, c, err);
	if (r == 0 && optind != argc)
		r = err_set(err, ERR_INVALID, "%s: not expected", argv[optind]);
	return r ? r : check_tls(out, err);
}
