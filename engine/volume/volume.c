/* SPDX-License-Identifier: Apache-2.0 */
/* The directory is made before its row and goes after it, so that a row always has one. */
#include "volume.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine.h"
#include "fd.h"
#include "store/store.h"
#include "str.h"
#include "volumecheck.h"
#include "volumefilter.h"

#define COLUMNS                                                                         \
	"name, anonymous, created_ns, config, (SELECT COUNT(*) FROM volume_uses WHERE " \
	"volume = volumes.name)"

void volume_deinit(struct volume *volume)
{
	free(volume->name);
	if (volume->config)
		cleat__v1__create_volume_request__free_unpacked(volume->config, NULL);
	*volume = (struct volume){ 0 };
}

int volume_names_add(struct volume_names *names, const char *name)
{
	char **grown = realloc(names->v, (names->n + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	names->v = grown;
	names->v[names->n] = strdup(name);
	return names->v[names->n] ? (names->n++, 0) : -ENOMEM;
}

void volume_names_deinit(struct volume_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->v[i]);
	free(names->v);
	*names = (struct volume_names){ 0 };
}

static int read_row(const struct store_row *row, struct volume *out)
{
	size_t len;
	const void *config = store_blob(row, 3, &len);

	out->name = strdup(store_text(row, 0));
	out->anonymous = store_int(row, 1) != 0;
	out->created_ns = store_int(row, 2);
	out->config = cleat__v1__create_volume_request__unpack(NULL, len, config);
	out->references = (uint32_t)store_int(row, 4);
	return out->name && out->config ? 0 : -ENOMEM;
}

static int read_one(const struct store_row *row, void *ctx)
{
	return read_row(row, ctx);
}

int volume_find(struct engine *engine, const char *name, struct volume *out, struct err *err)
{
	int r = store_query(engine->store, err, read_one, out,
			    "SELECT " COLUMNS " FROM volumes WHERE name = ?", "s", name);

	if (r < 0)
		return err_wrap(err, r, "look up volume");
	return out->name ? 0
			 : err_reason(err, ERR_NOT_FOUND, "VOLUME_NOT_FOUND",
				      "get %.200s: no such volume", name);
}

struct list {
	struct volume *v;
	size_t n;
};

static int read_listed(const struct store_row *row, void *ctx)
{
	struct list *list = ctx;
	struct volume *grown = reallocarray(list->v, list->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	list->v = grown;
	list->v[list->n] = (struct volume){ 0 };
	return read_row(row, &list->v[list->n++]);
}

int volume_list(struct engine *engine, struct volume **out, size_t *n, struct err *err)
{
	struct list list = { 0 };
	int r = store_query(engine->store, err, read_listed, &list,
			    "SELECT " COLUMNS " FROM volumes ORDER BY name", "");

	if (r < 0) {
		volume_list_free(list.v, list.n);
		return err_wrap(err, r, "list volumes");
	}
	*out = list.v;
	*n = list.n;
	return 0;
}

void volume_list_free(struct volume *volumes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		volume_deinit(&volumes[i]);
	free(volumes);
}

int volume_insert(struct engine *engine, const Cleat__V1__CreateVolumeRequest *request,
		  bool anonymous, struct err *err)
{
	size_t len = cleat__v1__create_volume_request__get_packed_size(request);
	cleanup_free uint8_t *config = malloc(len + 1);

	if (!config)
		return err_sys(err, ENOMEM, "create a volume");
	cleat__v1__create_volume_request__pack(request, config);
	int r = store_run(engine->store, err,
			  "INSERT INTO volumes(name, driver, anonymous, created_ns, config) "
			  "VALUES(?, 'local', ?, ?, ?)",
			  "siib", request->name, (int64_t)anonymous, fd_realtime_ns(), config, len);
	return r < 0 ? r : 0;
}

int volume_create_locked(struct engine *engine, const Cleat__V1__CreateVolumeRequest *request,
			 bool anonymous, struct volume *out, bool *made, struct err *err)
{
	struct err own = ERR_NULL;
	int r = volume_find(engine, request->name, out, &own);

	*made = r == -ENOENT;
	if (r == 0 && !volumecheck_same(out->config, request))
		return err_reason(err, ERR_EXISTS, "VOLUME_EXISTS",
				  "a volume named %.80s exists already with other options",
				  request->name);
	if (r == 0)
		return volumedir_ensure(engine, out->config, err);
	if (r != -ENOENT) {
		if (err)
			*err = own;
		return r;
	}
	r = volumedir_make(engine, request, err);
	r = r ? r : volume_insert(engine, request, anonymous, err);
	return r ? r : volume_find(engine, request->name, out, err);
}

int volume_create(struct engine *engine, const Cleat__V1__CreateVolumeRequest *request,
		  struct volume *out, bool *made, struct err *err)
{
	Cleat__V1__CreateVolumeRequest named = *request;
	bool anonymous = !str_or_empty(request->name)[0];
	char random[65];
	int r = volumecheck(request, err);

	if (r < 0)
		return r;
	if (anonymous) {
		str_random_id(random);
		named.name = random;
	}
	cleanup_fd int lock = volumedir_lock(engine, err);

	return lock < 0 ? lock : volume_create_locked(engine, &named, anonymous, out, made, err);
}

static int read_user(const struct store_row *row, void *ctx)
{
	return volume_names_add(ctx, store_text(row, 0));
}

static int in_use(struct engine *engine, const char *name, struct err *err)
{
	cleanup(volume_names_deinit) struct volume_names users = { 0 };
	int r = store_query(engine->store, err, read_user, &users,
			    "SELECT container_id FROM volume_uses WHERE volume = ? LIMIT 2", "s",
			    name);

	if (r < 0 || users.n == 0)
		return r;
	return err_reason(err, ERR_PRECONDITION, "VOLUME_IN_USE",
			  "remove %.60s: volume is in use - [%s%s]", name, users.v[0],
			  users.n > 1 ? ", ..." : "");
}

int volume_remove(struct engine *engine, const char *name, struct err *err)
{
	cleanup(volume_deinit) struct volume volume = { 0 };
	cleanup_fd int lock = volumedir_lock(engine, err);
	int r = lock < 0 ? lock : volume_find(engine, name, &volume, err);

	r = r ? r : in_use(engine, name, err);
	if (r < 0)
		return r;
	r = store_run(engine->store, err, "DELETE FROM volumes WHERE name = ?", "s", name);
	if (r < 0)
		return r;
	volumedir_discard(engine, name);
	return 0;
}

/* One that a container got just now is left. */
static int prune_one(struct engine *engine, const char *name, struct volume_names *names,
		     uint64_t *bytes, struct err *err)
{
	struct err own = ERR_NULL;
	uint64_t size = 0;

	if (volume_size(engine, name, &size) < 0)
		size = 0;
	int r = volume_remove(engine, name, &own);

	if (r < 0 && own.code != ERR_PRECONDITION && own.code != ERR_NOT_FOUND) {
		if (err)
			*err = own;
		return r;
	}
	if (r < 0)
		return 0;
	*bytes += size;
	return volume_names_add(names, name) < 0 ? err_sys(err, ENOMEM, "prune volumes") : 0;
}

int volume_prune(struct engine *engine, const struct volume_prune *prune,
		 struct volume_names *names, uint64_t *bytes, struct err *err)
{
	struct volume *volumes = NULL;
	size_t n = 0;
	int r = volume_list(engine, &volumes, &n, err);

	for (size_t i = 0; r == 0 && i < n; i++)
		if (!volumes[i].references && (prune->all || volumes[i].anonymous) &&
		    volumefilter_match(prune->filters, prune->n_filters, &volumes[i]))
			r = prune_one(engine, volumes[i].name, names, bytes, err);
	volume_list_free(volumes, n);
	return r;
}
