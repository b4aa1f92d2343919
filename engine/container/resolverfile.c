/* SPDX-License-Identifier: Apache-2.0 */
#include "resolverfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "cleat/shim/v1/shim.pb-c.h"
#include "dnswishes.h"
#include "fault.h"
#include "fd.h"
#include "linktext.h"
#include "netnames.h"
#include "nftnames.h"

typedef Cleat__Shim__V1__ResolverSpec resolver_spec;
typedef Cleat__Shim__V1__ResolverSpec__Network resolver_network;
typedef Cleat__Shim__V1__ResolverSpec__Link resolver_link;

enum { PATH_MAX_BYTES = 80, SPEC_MAX = 1 << 20 };

static void spec_freep(resolver_spec **spec)
{
	if (*spec)
		cleat__shim__v1__resolver_spec__free_unpacked(*spec, NULL);
}

static const char *path_of(const char *id, char out[PATH_MAX_BYTES])
{
	(void)snprintf(out, PATH_MAX_BYTES, "%.64s/resolver", id);
	return out;
}

static int add_link(resolver_network *network, const char *text)
{
	struct linktext parts;
	resolver_link *link;

	if (linktext_parse(text, &parts) < 0)
		return 0;
	link = malloc(sizeof(*link));
	if (!link)
		return -ENOMEM;
	cleat__shim__v1__resolver_spec__link__init(link);
	network->links[network->n_links++] = link;
	link->alias = strdup(parts.alias);
	link->name = strdup(parts.target);
	return link->alias && link->name ? 0 : -ENOMEM;
}

static int add_network(struct engine *engine, resolver_spec *spec, const struct endpoint *endpoint)
{
	const Cleat__V1__EndpointConfig *config = endpoint->config;
	resolver_network *network = malloc(sizeof(*network));
	int r = 0;

	if (!network)
		return -ENOMEM;
	cleat__shim__v1__resolver_spec__network__init(network);
	spec->networks[spec->n_networks++] = network;
	network->name = strdup(endpoint->network.name);
	network->names = netnames_path(engine, endpoint->network.id);
	network->links = calloc(config->n_links + 1, sizeof(*network->links));
	if (!network->name || !network->names || !network->links)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < config->n_links; i++)
		r = add_link(network, config->links[i]);
	return r;
}

static int add_servers(resolver_spec *spec, const struct engine *engine,
		       const Cleat__V1__ContainerConfig *config)
{
	struct dnswishes dns;
	const struct resolvconf_list *servers = &dns.wishes.servers;

	dnswishes_of(&engine->config, config, &dns);
	spec->servers = calloc(servers->n + 1, sizeof(*spec->servers));
	if (!spec->servers)
		return -ENOMEM;
	for (size_t i = 0; i < servers->n; i++) {
		spec->servers[i] = strdup(servers->v[i]);
		if (!spec->servers[i])
			return -ENOMEM;
		spec->n_servers++;
	}
	return 0;
}

/* Owned; NULL without memory. */
static resolver_spec *make_spec(struct engine *engine, const Cleat__V1__ContainerConfig *config,
				const struct endpoints *endpoints)
{
	cleanup(spec_freep) resolver_spec *spec = malloc(sizeof(*spec));

	if (!spec)
		return NULL;
	cleat__shim__v1__resolver_spec__init(spec);
	spec->port = NFTNAMES_PORT;
	spec->local = true;
	spec->networks = calloc(endpoints->n + 1, sizeof(*spec->networks));
	if (!spec->networks || add_servers(spec, engine, config) < 0)
		return NULL;
	for (size_t i = 0; i < endpoints->n; i++) {
		const struct network *network = &endpoints->v[i].network;

		if (!network->config->internal)
			spec->local = false;
		if (netnames_has(network) && add_network(engine, spec, &endpoints->v[i]) < 0)
			return NULL;
	}
	return steal(&spec);
}

static int make_bytes(struct engine *engine, const Cleat__V1__ContainerConfig *config,
		      const struct endpoints *endpoints, struct buf *out)
{
	cleanup(spec_freep) resolver_spec *spec = make_spec(engine, config, endpoints);

	if (!spec || buf_reserve(out, cleat__shim__v1__resolver_spec__get_packed_size(spec)) < 0)
		return -ENOMEM;
	out->len = cleat__shim__v1__resolver_spec__pack(spec, (uint8_t *)out->data);
	return 0;
}

int resolverfile_write(struct engine *engine, const char *id,
		       const Cleat__V1__ContainerConfig *config, const struct endpoints *endpoints,
		       struct err *err)
{
	cleanup(buf_deinit) struct buf bytes = BUF_NULL;
	char path[PATH_MAX_BYTES];
	int r = make_bytes(engine, config, endpoints, &bytes);

	r = r ? r
	      : fd_replace_file(engine->containers_fd, path_of(id, path), bytes.data, bytes.len,
				0600, false);
	fault_point(FAULT_NAMES_SPEC_WRITTEN);
	return r < 0 ? err_sys(err, r, "write resolver of container %.12s", id) : 0;
}

bool resolverfile_is_current(struct engine *engine, const char *id,
			     const Cleat__V1__ContainerConfig *config,
			     const struct endpoints *endpoints)
{
	cleanup(buf_deinit) struct buf bytes = BUF_NULL, there = BUF_NULL;
	char path[PATH_MAX_BYTES];

	return make_bytes(engine, config, endpoints, &bytes) == 0 &&
	       fd_read_file(engine->containers_fd, path_of(id, path), SPEC_MAX, &there) == 0 &&
	       bytes.len == there.len && memcmp(bytes.data, there.data, bytes.len) == 0;
}

bool resolverfile_exists(const struct engine *engine, const char *id)
{
	char path[PATH_MAX_BYTES];

	return faccessat(engine->containers_fd, path_of(id, path), F_OK, 0) == 0;
}

void resolverfile_remove(const struct engine *engine, const char *id)
{
	char path[PATH_MAX_BYTES];

	(void)unlinkat(engine->containers_fd, path_of(id, path), 0);
}
