/* SPDX-License-Identifier: Apache-2.0 */
#include "network.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fd.h"
#include "store/store.h"
#include "str.h"

#define COLUMNS "SELECT id, name, driver, created_ns, bridge, intent, config FROM networks "

void network_deinit(struct network *network)
{
	if (network->config)
		cleat__v1__create_network_request__free_unpacked(network->config, NULL);
	network->config = NULL;
}

void network_list_free(struct network *networks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		network_deinit(&networks[i]);
	free(networks);
}

/* What is in the store was checked before it got there. */
static void read_pool(struct network *network, const Cleat__V1__AddressPool *pool)
{
	struct network_pool p = { 0 };

	if (subnet_parse(pool->subnet, &p.subnet) < 0 || subnet_parse(pool->ip_range, &p.range) < 0)
		return;
	if (pool->gateway[0] && addr_parse(pool->gateway, &p.gateway) < 0)
		return;
	network->pools[p.subnet.addr.len == 4 ? 0 : 1] = p;
}

static int read_row(const struct store_row *row, struct network *out)
{
	size_t len = 0;
	const void *config = store_blob(row, 6, &len);

	*out = (struct network){ .created_ns = store_int(row, 3),
				 .removing = store_text(row, 5)[0] != '\0' };
	(void)snprintf(out->id, sizeof(out->id), "%s", store_text(row, 0));
	(void)snprintf(out->name, sizeof(out->name), "%s", store_text(row, 1));
	(void)snprintf(out->driver, sizeof(out->driver), "%s", store_text(row, 2));
	(void)snprintf(out->bridge, sizeof(out->bridge), "%s", store_text(row, 4));
	out->config = cleat__v1__create_network_request__unpack(NULL, len, config);
	if (!out->config)
		return -ENOMEM;
	for (size_t i = 0; i < out->config->n_pools; i++)
		read_pool(out, out->config->pools[i]);
	return 0;
}

struct listing {
	struct network *v;
	size_t n, room;
};

static int add_row(const struct store_row *row, void *ctx)
{
	struct listing *list = ctx;

	if (list->n == list->room) {
		size_t room = list->room ? list->room * 2 : 8;
		struct network *grown = realloc(list->v, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->v = grown;
		list->room = room;
	}
	return read_row(row, &list->v[list->n]) < 0 ? -ENOMEM : (list->n++, 0);
}

static bool is_disabled(const struct engine *engine, const struct network *network)
{
	return strcmp(network->name, "bridge") == 0 && strcmp(engine->config.bridge, "none") == 0;
}

static bool is_unsettled(const struct network *network)
{
	return strcmp(network->driver, "bridge") == 0 && !network->config->n_pools;
}

int network_list(struct engine *engine, struct network **out, size_t *n, struct err *err)
{
	struct listing list = { 0 };
	size_t kept = 0;
	int r = store_query(engine->store, err, add_row, &list, COLUMNS "ORDER BY created_ns, name",
			    "");

	for (size_t i = 0; i < list.n; i++) {
		if (is_disabled(engine, &list.v[i])) {
			network_deinit(&list.v[i]);
			continue;
		}
		list.v[kept++] = list.v[i];
	}
	for (size_t i = 0; r == 0 && i < kept; i++)
		if (is_unsettled(&list.v[i]))
			r = network_settle(engine, &list.v[i], err);
	if (r < 0) {
		network_list_free(list.v, kept);
		return r == -ENOMEM ? err_sys(err, r, "list the networks") : r;
	}
	*out = list.v;
	*n = kept;
	return 0;
}

static int not_found(const char *reference, struct err *err)
{
	return err_reason(err, ERR_NOT_FOUND, "NETWORK_NOT_FOUND", "network %.80s not found",
			  reference);
}

static int find_row(struct engine *engine, const char *reference, struct listing *list,
		    struct err *err)
{
	int r = store_query(engine->store, err, add_row, list, COLUMNS "WHERE id = ? OR name = ?",
			    "ss", reference, reference);

	if (r < 0 || list->n || !str_is_id_prefix(reference))
		return r;
	return store_query(engine->store, err, add_row, list,
			   COLUMNS "WHERE id >= ? AND id < ? || 'g' LIMIT 2", "ss", reference,
			   reference);
}

int network_find(struct engine *engine, const char *reference, struct network *out, struct err *err)
{
	struct listing list = { 0 };
	int r = find_row(engine, reference, &list, err);

	if (r == 0 && list.n > 1 && strcmp(list.v[0].id, reference) != 0)
		r = err_reason(err, ERR_INVALID, "AMBIGUOUS_ID",
			       "network %.80s is ambiguous: several ids begin so", reference);
	if (r == 0 && (!list.n || is_disabled(engine, &list.v[0])))
		r = not_found(reference, err);
	if (r == 0 && is_unsettled(&list.v[0]))
		r = network_settle(engine, &list.v[0], err);
	if (r == 0) {
		*out = list.v[0];
		list.v[0].config = NULL;
	}
	network_list_free(list.v, list.n);
	return r;
}

bool network_is_builtin(const struct network *network)
{
	return strcmp(network->name, "bridge") == 0 || strcmp(network->driver, "bridge") != 0;
}

static int see_use(const struct store_row *row, void *ctx)
{
	(void)row;
	*(bool *)ctx = true;
	return 0;
}

int network_is_used(struct engine *engine, const char *id, bool *used, struct err *err)
{
	*used = false;
	return store_query(engine->store, err, see_use, used,
			   "SELECT 1 FROM endpoints WHERE network_id = ? LIMIT 1", "s", id);
}

const char *network_option(const struct network *network, const char *key)
{
	for (size_t i = 0; i < network->config->n_options; i++)
		if (strcmp(network->config->options[i]->key, key) == 0)
			return network->config->options[i]->value;
	return NULL;
}

uint32_t network_mtu(const struct network *network)
{
	const char *text = network_option(network, "com.docker.network.driver.mtu");
	int64_t mtu = 0;

	return text && str_int_in(text, 68, 65535, &mtu) == 0 ? (uint32_t)mtu : 0;
}

int network_lock(const struct engine *engine, struct err *err)
{
	int fd = fd_lock_file(engine->state_fd, "network.lock", true);

	return fd < 0 ? err_sys(err, fd, "lock the networks") : fd;
}

const char *network_mode(const struct engine *engine, const char *mode)
{
	if (mode[0] && strcmp(mode, "default") != 0)
		return mode;
	return strcmp(engine->config.bridge, "none") == 0 ? "none" : "bridge";
}

bool network_mode_is_own(const char *mode)
{
	return mode[0] && strcmp(mode, "default") != 0 && strcmp(mode, "none") != 0 &&
	       strcmp(mode, "host") != 0 && !str_has_prefix(mode, "container:");
}
