/* SPDX-License-Identifier: Apache-2.0 */
#include "netnames.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "fault.h"
#include "fd.h"
#include "log.h"
#include "store/store.h"
#include "str.h"

bool netnames_has(const struct network *network)
{
	return strcmp(network->driver, "bridge") == 0 && !network_is_builtin(network);
}

bool netnames_has_any(const struct endpoints *endpoints)
{
	for (size_t i = 0; i < endpoints->n; i++)
		if (netnames_has(&endpoints->v[i].network))
			return true;
	return false;
}

char *netnames_path(const struct engine *engine, const char *network_id)
{
	return str_printf("%s/names/%s", engine->state_dir, network_id);
}

int netnames_lock(const struct engine *engine, struct err *err)
{
	int fd = fd_lock_file(engine->state_fd, "names/lock", true);

	if (fd == -ENOENT && fd_mkdir_all(engine->state_fd, "names", 0711) == 0)
		fd = fd_lock_file(engine->state_fd, "names/lock", true);
	return fd < 0 ? err_sys(err, fd, "lock the names of containers") : fd;
}

static int add_line(const struct store_row *row, void *ctx)
{
	buf_printf(ctx, "%s\t%s %s\n", store_text(row, 0), store_text(row, 1), store_text(row, 2));
	return 0;
}

static int write_file(struct engine *engine, const char *network_id, const struct buf *text)
{
	char path[80];

	if (text->error)
		return text->error;
	(void)snprintf(path, sizeof(path), "names/%.64s", network_id);
	if (!text->len)
		return unlinkat(engine->state_fd, path, 0) < 0 && errno != ENOENT ? -errno : 0;
	return fd_replace_file(engine->state_fd, path, text->data, text->len, 0644, false);
}

static int publish_locked(struct engine *engine, const char *network_id, struct err *err)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	int r = store_query(engine->store, err, add_line, &text,
			    "SELECT a.address, c.name, COALESCE(e.names, '') FROM addresses AS a "
			    "JOIN containers AS c ON c.id = a.container_id "
			    "LEFT JOIN endpoints AS e ON e.container_id = a.container_id AND "
			    "e.network_id = a.network_id WHERE a.network_id = ?",
			    "s", network_id);

	if (r < 0)
		return r;
	r = write_file(engine, network_id, &text);
	return r < 0 ? err_sys(err, r, "write names/%.12s", network_id) : 0;
}

static void publish(struct engine *engine, const char *network_id)
{
	struct err err = ERR_NULL;
	cleanup_fd int lock = netnames_lock(engine, &err);

	if (lock < 0 || publish_locked(engine, network_id, &err) < 0)
		log_error("names of a network are not up to date network=%.12s: %s", network_id,
			  err.message);
}

void netnames_publish(struct engine *engine, const char *network_id)
{
	publish(engine, network_id);
	fault_point(FAULT_NAMES_PUBLISHED);
}

/* Ids, one behind the other. */
static int add_id(const struct store_row *row, void *ctx)
{
	buf_append(ctx, store_text(row, 0), strlen(store_text(row, 0)) + 1);
	return 0;
}

static void publish_each(struct engine *engine, const struct buf *ids,
			 void (*how)(struct engine *engine, const char *network_id))
{
	for (size_t at = 0; !ids->error && at < ids->len; at += strlen(ids->data + at) + 1)
		how(engine, ids->data + at);
}

#define NETWORKS                                                                              \
	"SELECT DISTINCT n.id FROM addresses AS a JOIN networks AS n ON n.id = a.network_id " \
	"WHERE n.driver = 'bridge' AND n.name <> 'bridge' "

void netnames_publish_container(struct engine *engine, const char *container_id)
{
	cleanup(buf_deinit) struct buf ids = BUF_NULL;

	if (store_query(engine->store, NULL, add_id, &ids, NETWORKS "AND a.container_id = ?", "s",
			container_id) == 0)
		publish_each(engine, &ids, netnames_publish);
}

/* Files of networks that are gone, and the halves that a killed writer left. */
static void find_files(struct engine *engine, struct buf *ids)
{
	cleanup_fd int lock = netnames_lock(engine, NULL);
	int fd = openat(engine->state_fd, "names", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd_dir(fd);
	struct dirent *entry;

	if (!dir)
		return;
	while (lock >= 0 && (entry = readdir(dir))) {
		if (str_is_id(entry->d_name))
			buf_append(ids, entry->d_name, strlen(entry->d_name) + 1);
		else if (entry->d_name[0] != '.' && strcmp(entry->d_name, "lock") != 0)
			(void)unlinkat(fd, entry->d_name, 0);
	}
	closedir(dir);
}

void netnames_recover(struct engine *engine)
{
	cleanup(buf_deinit) struct buf ids = BUF_NULL;

	if (faccessat(engine->state_fd, "names", F_OK, 0) == 0)
		find_files(engine, &ids);
	(void)!store_query(engine->store, NULL, add_id, &ids, NETWORKS, "");
	publish_each(engine, &ids, publish);
}
