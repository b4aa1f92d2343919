/* SPDX-License-Identifier: Apache-2.0 */
#include "links.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "linktext.h"
#include "record.h"
#include "store/store.h"
#include "str.h"

static bool on_default(const Cleat__V1__ContainerConfig *config)
{
	return strcmp(config->network_mode, "bridge") == 0;
}

static int see(const struct store_row *row, void *ctx)
{
	(void)row;
	*(bool *)ctx = true;
	return 0;
}

/* `linked`: as a line of /etc/hosts, for which it has to be on the default network. */
static int check_target(struct engine *engine, const char *name, bool linked, struct err *err)
{
	cleanup(record_deinit) struct record target = { 0 };
	struct err own = ERR_NULL;
	bool there = false;
	int r = record_find(engine->store, name, &target, &own);

	/* not ERR_NOT_FOUND: clients would think that the image is missing, and pull it */
	if (r < 0)
		return err_set(err, r == -ENOENT ? ERR_INVALID : own.code,
			       "could not get container for %.80s: %.120s", name, own.message);
	if (!linked)
		return 0;
	r = store_query(engine->store, err, see, &there,
			"SELECT 1 FROM endpoints AS e JOIN networks AS n ON n.id = e.network_id "
			"WHERE e.container_id = ? AND n.name = 'bridge'",
			"s", target.id);
	if (r == 0 && !there)
		return err_set(
			err, ERR_INVALID,
			"Cannot link to /%.80s, as it does not belong to the default network",
			target.name);
	return r;
}

int links_check(struct engine *engine, const Cleat__V1__ContainerConfig *config, struct err *err)
{
	const char *mode = config->network_mode;
	struct linktext link;
	int r = 0;

	if (config->n_links && (strcmp(mode, "host") == 0 || str_has_prefix(mode, "container:")))
		return err_set(err, ERR_INVALID,
			       "conflicting options: %s can't be used with links. This would "
			       "result in undefined behavior",
			       mode[0] == 'h' ? "host type networking" : "container type network");
	for (size_t i = 0; r == 0 && i < config->n_links; i++) {
		if (linktext_parse(config->links[i], &link) < 0)
			return err_set(err, ERR_INVALID, "bad format for links: \"%.80s\"",
				       config->links[i]);
		if (on_default(config) || strcmp(mode, "none") == 0)
			r = check_target(engine, link.target, on_default(config), err);
	}
	return r;
}

int links_record(struct engine *engine, const char *container_id,
		 const Cleat__V1__ContainerConfig *config, struct err *err)
{
	for (size_t i = 0; on_default(config) && i < config->n_links; i++) {
		cleanup(record_deinit) struct record target = { 0 };
		struct linktext link;
		int r = linktext_parse(config->links[i], &link);

		r = r ? r : record_find(engine->store, link.target, &target, err);
		r = r ? r
		      : store_run(engine->store, err,
				  "INSERT OR REPLACE INTO links (container_id, alias, target_id) "
				  "VALUES (?, ?, ?)",
				  "sss", container_id, link.alias, target.id);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The alias comes first, then what else it is known by, its own name last. */
static int add_line(const struct store_row *row, void *ctx)
{
	const char *alias = store_text(row, 1), *name = store_text(row, 3);

	buf_printf(ctx, "%s\t%s %s", store_text(row, 0), alias, store_text(row, 2));
	if (strcmp(alias, name) != 0)
		buf_printf(ctx, " %s", name);
	buf_putc(ctx, '\n');
	return 0;
}

int links_add_hosts(struct engine *engine, const char *container_id, struct buf *hosts,
		    struct err *err)
{
	return store_query(engine->store, err, add_line, hosts,
			   "SELECT a.address, l.alias, e.names, c.name FROM links AS l "
			   "JOIN containers AS c ON c.id = l.target_id "
			   "JOIN addresses AS a ON a.container_id = l.target_id "
			   "JOIN networks AS n ON n.id = a.network_id AND n.name = 'bridge' "
			   "JOIN endpoints AS e ON e.container_id = l.target_id AND "
			   "e.network_id = n.id WHERE l.container_id = ? ORDER BY l.alias",
			   "s", container_id);
}

static int add_id(const struct store_row *row, void *ctx)
{
	buf_append(ctx, store_text(row, 0), strlen(store_text(row, 0)) + 1);
	return 0;
}

int links_followers(struct engine *engine, const char *target_id, struct buf *ids)
{
	return store_query(engine->store, NULL, add_id, ids,
			   "SELECT DISTINCT l.container_id FROM links AS l JOIN addresses AS a "
			   "ON a.container_id = l.container_id WHERE l.target_id = ?",
			   "s", target_id);
}

int links_targets(struct engine *engine, struct buf *ids)
{
	return store_query(engine->store, NULL, add_id, ids, "SELECT DISTINCT target_id FROM links",
			   "");
}

/* "target:alias", one behind the other with their NULs. */
static int add_pair(const struct store_row *row, void *ctx)
{
	buf_printf(ctx, "%s:%s%c", store_text(row, 0), store_text(row, 1), 0);
	return 0;
}

static void drop_links(Cleat__V1__ContainerConfig *config)
{
	for (size_t i = 0; i < config->n_links; i++)
		free(config->links[i]);
	free(config->links);
	config->links = NULL;
	config->n_links = 0;
}

int links_show(struct engine *engine, const char *container_id, Cleat__V1__ContainerConfig *config)
{
	cleanup(buf_deinit) struct buf pairs = BUF_NULL;
	size_t room = config->n_links;
	int r;

	if (!room || !on_default(config))
		return 0;
	r = store_query(engine->store, NULL, add_pair, &pairs,
			"SELECT c.name, l.alias FROM links AS l JOIN containers AS c "
			"ON c.id = l.target_id WHERE l.container_id = ? ORDER BY l.alias",
			"s", container_id);
	if (r < 0 || pairs.error)
		return r < 0 ? r : pairs.error;
	drop_links(config);
	config->links = calloc(room + 1, sizeof(*config->links));
	if (!config->links)
		return -ENOMEM;
	for (size_t at = 0; at < pairs.len && config->n_links < room;
	     at += strlen(pairs.data + at) + 1) {
		char *text = strdup(pairs.data + at);

		if (!text)
			return -ENOMEM;
		config->links[config->n_links++] = text;
	}
	return 0;
}
