/* SPDX-License-Identifier: Apache-2.0 */
/* One connection a command. An engine may be killed or replaced at any moment, and people at the
 * command line should not see it: a call that was cut off is repeated in small steps until an engine
 * is there again. Only the first connection is not waited for, because there a wrong address is the
 * likelier reason. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "fd.h"
#include "str.h"

static void pause_ms(long ms)
{
	struct timespec t = { .tv_nsec = ms * 1000000 };

	nanosleep(&t, NULL);
}

bool remote_again(const struct cli *cli, const struct err *err, int64_t *since_ns)
{
	int64_t now = fd_monotonic_ns();

	if (err->code != ERR_UNAVAILABLE)
		return false;
	if (*since_ns == 0)
		*since_ns = now;
	if (now - *since_ns > REMOTE_ABSENT_MS * 1000000LL)
		return false;
	pause_ms(str_has_prefix(cli->host, "ipc://") ? REMOTE_STEP_MS : REMOTE_FAR_STEP_MS);
	return true;
}

/* A file of $CLEAT_CERT_PATH, which has the names of Docker's, or NULL. */
static char *certificate(const char *name)
{
	const char *dir = getenv("CLEAT_CERT_PATH");

	return dir && dir[0] ? str_printf("%s/%s", dir, name) : NULL;
}

/* Somebody took the connection and was gone before a word. Of TLS the helper's end says nothing: it ends so when
 * nobody is there, too. */
static bool was_there(const struct cli *cli, int r)
{
	return (r == -ECONNRESET || r == -EPIPE) && !str_has_prefix(cli->host, "tls+");
}

int remote_client(struct cli *cli, struct rpc_client **client, struct err *err)
{
	cleanup_free char *ca = certificate("ca.pem"), *cert = certificate("cert.pem"),
			  *key = certificate("key.pem");
	const struct rpc_client_config config = {
		.agent = "cleat/" CLEAT_VERSION,
		.tls_ca_file = cli->tls_ca_file ? cli->tls_ca_file : ca,
		.tls_cert_file = cli->tls_cert_file ? cli->tls_cert_file : cert,
		.tls_key_file = cli->tls_key_file ? cli->tls_key_file : key,
	};
	bool there = false;
	int64_t since_ns = 0;
	int r = 0;

	while (!cli->client) {
		*err = ERR_NULL;
		r = rpc_client_open(&cli->client, cli->host, &config, err);
		there = there || was_there(cli, r);
		/* an engine that died with the connection is waited for, none at all is not */
		if (r < 0 && (!there || !remote_again(cli, err, &since_ns)))
			return err_wrap(err, r,
					"cannot connect to the engine at %s (is cleatd running?)",
					cli->host);
	}
	*client = cli->client;
	return 0;
}

void remote_close(struct cli *cli)
{
	cli->client = rpc_client_close(cli->client);
}

static const struct rpc_method *find_method(const struct rpc_service *service, const char *name)
{
	for (size_t i = 0; i < service->n_methods; i++)
		if (strcmp(service->methods[i].name, name) == 0)
			return &service->methods[i];
	return NULL;
}

int remote_call(struct cli *cli, const struct rpc_service *service, const char *name,
		const ProtobufCMessage *req, void *reply, struct err *err)
{
	const struct rpc_method *method = find_method(service, name);
	struct rpc_options options = { 0 };
	ProtobufCMessage *message = NULL;
	struct rpc_client *client;
	int64_t since_ns = 0;
	int r;

	if (!method)
		return err_set(err, ERR_INTERNAL, "no method %s", name);
	r = remote_client(cli, &client, err);
	if (r < 0)
		return r;
	if (!method->no_side_effects) {
		str_random_id(cli->key);
		options.request_key = cli->key;
	}
	do {
		*err = ERR_NULL;
		r = rpc_client_unary(client, &options, method, req, &message, err);
	} while (r < 0 && remote_again(cli, err, &since_ns));
	if (r < 0)
		return r;
	if (reply)
		*(ProtobufCMessage **)reply = message;
	else
		protobuf_c_message_free_unpacked(message, NULL);
	return 0;
}

int remote_open(struct cli *cli, const struct rpc_service *service, const char *name,
		const char *key, const ProtobufCMessage *first, struct rpc_client_call **call,
		struct err *err)
{
	const struct rpc_method *method = find_method(service, name);
	const struct rpc_options options = { .request_key = key };
	struct rpc_client *client;
	int r;

	if (!method)
		return err_set(err, ERR_INTERNAL, "no method %s", name);
	r = remote_client(cli, &client, err);
	if (r < 0)
		return r;
	return rpc_client_call_open(client, &options, method, first, call, err);
}
