/* SPDX-License-Identifier: Apache-2.0 */
#include "login.h"

#include <stdio.h>
#include <string.h>

#include "reference.h"
#include "registry.h"
#include "str.h"

/* A registry may be written as the URL it had once: https://host/v1/. */
static int domain_of(const char *server, char out[256], struct err *err)
{
	cleanup_free char *name = NULL;
	const char *scheme = strstr(server, "://");
	struct reference ref;

	server = scheme ? scheme + 3 : server;
	size_t n = strcspn(server, "/");

	snprintf(out, 256, "%.*s", (int)n, server);
	if (!out[0] || strcmp(out, "registry-1.docker.io") == 0)
		snprintf(out, 256, "docker.io");
	name = str_printf("%s/x", out);
	if (!name || strchr(out, '@') || reference_parse(name, &ref, NULL) < 0)
		return err_set(err, ERR_INVALID, "\"%.100s\" is no registry: expected host[:port]",
			       server);
	/* a host without dot and port reads as a path there */
	if (strcmp(ref.domain, "docker.io") != 0)
		snprintf(out, 256, "%s", ref.domain);
	else if (strcmp(out, "index.docker.io") == 0)
		snprintf(out, 256, "docker.io");
	return 0;
}

/* UNAVAILABLE tells clients that the engine is away, which they wait out: it is not, the registry is. */
static int registry_is_away(int r, struct err *err)
{
	if (err && err->code == ERR_UNAVAILABLE)
		err->code = ERR_UNKNOWN;
	return r;
}

int registry_login(struct engine *engine, const char *server, const struct auth_credentials *auth,
		   int cancel_fd, char **identity_token, struct err *err)
{
	cleanup_free char *identity = NULL;
	const struct registry_options options = { .config = &engine->config,
						  .auth = auth,
						  .identity_token = &identity,
						  .stop_fd = cancel_fd };
	const struct transfer_request request = { .method = "GET" };
	struct endpoint endpoints[ENDPOINTS_MAX];
	cleanup(registry_freep) struct registry *registry = NULL;
	cleanup(transfer_freep) struct transfer *transfer = NULL;
	cleanup(transfer_reply_deinit) struct transfer_reply reply = { 0 };
	char domain[256];
	int r = domain_of(server, domain, err);

	if (r < 0)
		return r;
	size_t n = endpoints_find(&engine->config, domain, endpoints);

	r = registry_open(&registry, &options, &endpoints[n - 1], err);
	r = r ? r : registry_transfer(registry, cancel_fd, &transfer, err);
	r = r ? r : registry_ask(registry, transfer, &request, "", &reply, err);
	if (r == 0 && reply.status != 200)
		r = registry_refused(&reply, err, "login");
	if (r < 0)
		return registry_is_away(r, err);
	*identity_token = steal(&identity);
	return 0;
}
