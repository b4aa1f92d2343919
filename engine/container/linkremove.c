/* SPDX-License-Identifier: Apache-2.0 */
#include "linkremove.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fd.h"
#include "joinfiles.h"
#include "lifecycle.h"
#include "record.h"
#include "store/requests.h"
#include "store/store.h"
#include "str.h"

/* 1, 0 = there is none. The link and the memory of the call are one change. */
static int forget(struct store *store, const char *id, const char *alias, const char *key,
		  struct err *err)
{
	int r = store_begin(store, err), gone, ended;

	if (r < 0)
		return r;
	gone = store_run(store, err, "DELETE FROM links WHERE container_id = ? AND alias = ?", "ss",
			 id, alias);
	r = gone > 0 ? requests_remember(store, key, NULL, 0, err) : gone;
	ended = store_end(store, r == 0, err);
	return r < 0 ? r : ended < 0 ? ended : gone;
}

/* With its lock; 0 = there is none. A descriptor. */
static int find(struct engine *engine, const char *name, struct record *record, struct err *err)
{
	int r = record_find(engine->store, name, record, err);

	r = r < 0 ? r : lifecycle_lock(engine, record->id, err);
	return r == -ENOENT ? 0 : r;
}

/* A link is asked for; 0 = it is not there. */
static int remove_link(struct engine *engine, const char *name, const char *alias, const char *key,
		       struct err *err)
{
	cleanup(record_deinit) struct record record = { 0 };
	int r = find(engine, name, &record, err);

	if (r <= 0)
		return r;
	cleanup_fd int lock = r;

	(void)lock; /* held until it is done */
	r = forget(engine->store, record.id, alias, key, err);
	if (r > 0)
		joinfiles_write_hosts(engine, record.id);
	return r;
}

int linkremove(struct engine *engine, const char *path, const char *key, struct err *err)
{
	cleanup(record_deinit) struct record record = { 0 };
	const char *plain = path + (path[0] == '/'), *alias = strrchr(plain, '/');
	cleanup_free char *name = alias ? str_printf("%.*s", (int)(alias - plain), plain) : NULL;
	int r;

	if (!alias) {
		r = record_find(engine->store, plain, &record, err);
		return r < 0 ? r
			     : err_set(err, ERR_PRECONDITION,
				       "Conflict, cannot remove the default name of the container");
	}
	if (!name)
		return err_sys(err, ENOMEM, "rm --link");
	r = remove_link(engine, name, alias + 1, key, err);
	if (r == 0)
		return err_reason(err, ERR_NOT_FOUND, "CONTAINER_NOT_FOUND",
				  "No such container: %.200s", path);
	return r < 0 ? r : 0;
}
