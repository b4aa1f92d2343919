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

int linkremove(struct engine *engine, const char *path, const char *key, struct err *err)
{
	cleanup(record_deinit) struct record record = { 0 };
	const char *plain = path + (path[0] == '/'), *alias = strrchr(plain, '/');
	cleanup_free char *name = alias ? str_printf("%.*s", (int)(alias - plain), plain) : NULL;
	cleanup_fd int lock = -1;
	int r;

	if (!alias)
		return err_set(err, ERR_PRECONDITION,
			       "Conflict, cannot remove the default name of the container");
	if (!name)
		return err_sys(err, ENOMEM, "rm --link");
	r = record_find(engine->store, name, &record, NULL);
	lock = r < 0 ? -1 : lifecycle_lock(engine, record.id, NULL);
	r = lock < 0 ? 0 : forget(engine->store, record.id, alias + 1, key, err);
	if (r == 0)
		return err_reason(err, ERR_NOT_FOUND, "CONTAINER_NOT_FOUND",
				  "No such container: %.200s", path);
	if (r > 0)
		joinfiles_write_hosts(engine, record.id);
	return r < 0 ? r : 0;
}
