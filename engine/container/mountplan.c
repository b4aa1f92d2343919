/* SPDX-License-Identifier: Apache-2.0 */
#include "mountplan.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanpath.h"
#include "fd.h"
#include "history.h"
#include "image.h"
#include "internal.h"
#include "mountlist.h"
#include "store/store.h"
#include "str.h"
#include "textfield.h"

static int no_memory(struct err *err)
{
	return err_sys(err, ENOMEM, "plan the mounts");
}

void mountplan_deinit(struct mountplan *plan)
{
	for (size_t i = 0; i < plan->n; i++)
		cleat__v1__mount__free_unpacked(plan->v[i].mount, NULL);
	free(plan->v);
	*plan = (struct mountplan){ 0 };
}

static Cleat__V1__Mount *copy_mount(const Cleat__V1__Mount *m)
{
	size_t len = cleat__v1__mount__get_packed_size(m);
	cleanup_free uint8_t *bytes = malloc(len + 1);
	Cleat__V1__Mount *copy = NULL;

	if (bytes)
		copy = cleat__v1__mount__unpack(NULL, cleat__v1__mount__pack(m, bytes), bytes);
	if (copy && textfield_set(&copy->target, cleanpath(m->target)) < 0) {
		cleat__v1__mount__free_unpacked(copy, NULL);
		return NULL;
	}
	return copy;
}

static struct planned *find(const struct mountplan *plan, const char *target)
{
	for (size_t i = 0; i < plan->n; i++)
		if (strcmp(plan->v[i].mount->target, target) == 0)
			return &plan->v[i];
	return NULL;
}

/* A copy of the mount; NULL without memory. */
static struct planned *add(struct mountplan *plan, const Cleat__V1__Mount *m)
{
	struct planned *grown = reallocarray(plan->v, plan->n + 1, sizeof(*grown));
	Cleat__V1__Mount *copy = grown ? copy_mount(m) : NULL;

	if (grown)
		plan->v = grown;
	if (!copy)
		return NULL;
	plan->v[plan->n] = (struct planned){ .mount = copy };
	return &plan->v[plan->n++];
}

/* ---- --volumes-from */

static int inherit_one(struct mountplan *plan, const Cleat__V1__Mount *m, bool read_only,
		       struct err *err)
{
	struct planned *p;

	if (strcmp(m->type, "tmpfs") == 0 || find(plan, m->target))
		return 0;
	p = add(plan, m);
	if (!p)
		return no_memory(err);
	p->inherited = true;
	p->mount->read_only = p->mount->read_only || read_only;
	p->mount->no_copy = true;
	return 0;
}

static int inherit(struct mountplan *plan, struct engine *engine, const char *text, struct err *err)
{
	cleanup(record_deinit) struct record record = { 0 };
	cleanup(mountlist_freep) Cleat__V1__ContainerConfig *list = NULL;
	cleanup_free char *name = strndup(text, strcspn(text, ":"));
	const char *mode = strchr(text, ':');
	bool read_only = mode && strcmp(mode, ":ro") == 0;
	int r;

	if (!name)
		return no_memory(err);
	if (!name[0] || (mode && !read_only && strcmp(mode, ":rw") != 0 &&
			 strcmp(mode, ":z") != 0 && strcmp(mode, ":Z") != 0))
		return err_set(err, ERR_INVALID,
			       "invalid volumes-from \"%.120s\": expected container[:ro|rw]", text);
	r = record_find(engine->store, name, &record, err);
	if (r < 0)
		return r;
	list = mountlist_read(&record);
	if (!list)
		return no_memory(err);
	for (size_t i = 0; r == 0 && i < list->n_mounts; i++)
		r = inherit_one(plan, list->mounts[i], read_only, err);
	return r;
}

/* ---- the request's own */

/* A bind's source must exist; -v makes a missing directory, as Docker does. */
static int check_bind(const Cleat__V1__Mount *m, struct err *err)
{
	struct stat st;
	int r;

	if (m->source[0] != '/')
		return err_set(err, ERR_INVALID,
			       "invalid mount config for type \"bind\": invalid mount path: "
			       "'%.120s' mount path must be absolute",
			       m->source);
	if (stat(m->source, &st) == 0)
		return 0;
	if (errno != ENOENT || !m->create_source)
		return err_set(err, ERR_INVALID,
			       "invalid mount config for type \"bind\": bind source path %s: "
			       "%.120s",
			       errno == ENOENT ? "does not exist" : "cannot be used", m->source);
	r = fd_mkdir_all(AT_FDCWD, m->source, 0755);
	return r < 0 ? err_sys(err, r, "make the source %.120s of a mount", m->source) : 0;
}

static int check_subpath(const Cleat__V1__Mount *m, const char *of, struct err *err)
{
	cleanup_free char *around = str_printf("/%s/", m->subpath);

	if (!around)
		return no_memory(err);
	if (m->subpath[0] == '/' || strstr(around, "/../"))
		return err_set(err, ERR_INVALID,
			       "invalid %s subpath: \"%.120s\": expected a relative path "
			       "inside the %s",
			       of, m->subpath, of);
	return 0;
}

static int check(const Cleat__V1__Mount *m, struct err *err)
{
	static const char *const types[] = { "bind", "volume", "tmpfs", "image" };
	size_t i = 0;

	while (i < ARRAY_LEN(types) && strcmp(types[i], m->type) != 0)
		i++;
	if (i == ARRAY_LEN(types))
		return err_set(err, ERR_INVALID,
			       "invalid mount type: %.60s: expected bind, volume, tmpfs or image",
			       m->type);
	if (m->target[0] != '/')
		return err_set(err, ERR_INVALID,
			       "invalid mount target: %.120s: mount path must be absolute",
			       m->target);
	if (strcmp(m->type, "tmpfs") == 0 && m->source[0])
		return err_set(err, ERR_INVALID,
			       "invalid mount config for type \"tmpfs\": field Source must not be "
			       "specified");
	if (strcmp(m->type, "bind") == 0)
		return check_bind(m, err);
	if (mountlist_is_image(m) && !m->source[0])
		return err_set(err, ERR_INVALID,
			       "invalid mount config for type \"image\": field Source must not be "
			       "empty");
	return check_subpath(m, mountlist_is_image(m) ? "image" : "volume", err);
}

/* The names of a volume that nobody named. */
static int name_volume(struct planned *p, const char *driver, struct err *err)
{
	char random[65];

	if (!p->mount->source[0]) {
		p->anonymous = true;
		str_random_id(random);
		if (textfield_set(&p->mount->source, strdup(random)) < 0)
			return no_memory(err);
	}
	if (!p->mount->driver[0] && str_or_empty(driver)[0] &&
	    textfield_set(&p->mount->driver, strdup(driver)) < 0)
		return no_memory(err);
	return 0;
}

static int no_image(const Cleat__V1__Mount *m, struct err *err)
{
	return err_reason(err, ERR_NOT_FOUND, "MOUNT_IMAGE_NOT_FOUND", "No such image: %.200s",
			  m->source);
}

/* What the name means now; never written to, whatever the request says. */
static int find_image(const struct planned *p, struct engine *engine, struct err *err)
{
	cleanup(image_deinit) struct image image = { 0 };
	int r = image_find(engine, p->mount->source, &image, err);

	if (r == -ENOENT)
		return no_image(p->mount, err);
	if (r < 0)
		return r;
	p->mount->read_only = true;
	return textfield_set(&p->mount->image_id, strdup(image.id)) < 0 ? no_memory(err) : 0;
}

static int add_own(struct mountplan *plan, struct engine *engine, const Cleat__V1__Mount *m,
		   const char *driver, struct err *err)
{
	cleanup_free char *target = cleanpath(m->target);
	struct planned *p = target ? find(plan, target) : NULL;
	int r = target ? check(m, err) : no_memory(err);

	if (r < 0)
		return r;
	if (strcmp(target, "/") == 0)
		return err_set(err, ERR_INVALID, "invalid specification: destination can't be '/'");
	if (p && !p->inherited)
		return err_set(err, ERR_INVALID, "Duplicate mount point: %.120s", target);
	if (p) { /* its own is what counts */
		cleat__v1__mount__free_unpacked(p->mount, NULL);
		*p = (struct planned){ .mount = copy_mount(m) };
		if (!p->mount) {
			*p = plan->v[--plan->n];
			return no_memory(err);
		}
	} else {
		p = add(plan, m);
	}
	if (!p)
		return no_memory(err);
	if (mountlist_is_image(p->mount))
		return find_image(p, engine, err);
	return mountlist_is_volume(p->mount) ? name_volume(p, driver, err) : 0;
}

/* ---- paths that want a volume */

static int add_path(struct mountplan *plan, struct engine *engine, const char *path,
		    const char *driver, struct err *err)
{
	static char type[] = "volume";
	Cleat__V1__Mount m = CLEAT__V1__MOUNT__INIT;
	cleanup_free char *target = cleanpath(path);

	if (!target)
		return no_memory(err);
	if (find(plan, target))
		return 0;
	m.type = type;
	m.target = path[0] == '/' ? target : (char *)(uintptr_t)path;
	return add_own(plan, engine, &m, driver, err);
}

static int check_foreign(const Cleat__V1__Mount *m, struct err *err)
{
	const char *what = mountlist_is_image(m) ? "a mount of type image"
			   : m->subpath[0]       ? "volume-subpath"
						 : NULL;

	return what ? err_set(err, ERR_UNIMPLEMENTED,
			      "%s is known to no other runtime than cleat-oci", what)
		    : 0;
}

int mountplan_make(struct mountplan *plan, struct engine *engine,
		   const Cleat__V1__ContainerConfig *config, struct err *err)
{
	/* what a build's step leaves in a volume's place is of the image that is built */
	size_t n_paths = internal_is(config) ? 0 : config->n_volumes;
	bool foreign = str_or_empty(config->runtime)[0] || engine->config.default_runtime[0];
	int r = 0;

	for (size_t i = 0; r == 0 && i < config->n_volumes_from; i++)
		r = inherit(plan, engine, config->volumes_from[i], err);
	for (size_t i = 0; r == 0 && i < config->n_mounts; i++)
		r = add_own(plan, engine, config->mounts[i], config->volume_driver, err);
	for (size_t i = 0; r == 0 && i < n_paths; i++)
		r = add_path(plan, engine, config->volumes[i], config->volume_driver, err);
	for (size_t i = 0; r == 0 && foreign && i < plan->n; i++)
		r = check_foreign(plan->v[i].mount, err);
	return r;
}

/* ---- a container that has a row */

static int claim_volumes(struct mountplan *plan, struct engine *engine, const char *id,
			 struct err *err)
{
	cleanup_free struct volume_claim *claims = calloc(plan->n + 1, sizeof(*claims));
	size_t n = 0;
	int r;

	if (!claims)
		return no_memory(err);
	for (size_t i = 0; i < plan->n; i++)
		if (mountlist_is_volume(plan->v[i].mount))
			claims[n++] = (struct volume_claim){ plan->v[i].mount, plan->v[i].anonymous,
							     plan->v[i].inherited, false };
	r = volume_claim(engine, id, claims, n, err);
	for (size_t i = 0, k = 0; i < plan->n; i++)
		if (mountlist_is_volume(plan->v[i].mount))
			plan->v[i].made = claims[k++].made;
	for (size_t i = 0; i < plan->n; i++)
		if (plan->v[i].made)
			history_volume(engine, plan->v[i].mount->source, "create");
	return r;
}

/* From here on the images stay; one may have gone just before. */
static int claim_images(const struct mountplan *plan, struct engine *engine, const char *id,
			struct err *err)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < plan->n; i++) {
		const Cleat__V1__Mount *m = plan->v[i].mount;

		if (!mountlist_is_image(m))
			continue;
		r = store_run(
			engine->store, err,
			"INSERT OR IGNORE INTO image_mounts(container_id, image_id) VALUES(?, ?)",
			"ss", id, m->image_id);
		r = r < 0 ? r : image_exists(engine, m->image_id, err);
		r = r == -ENOENT ? no_image(m, err) : r;
	}
	return r < 0 ? r : 0;
}

static int keep(const struct mountplan *plan, struct engine *engine, struct record *record,
		struct err *err)
{
	Cleat__V1__ContainerConfig list = CLEAT__V1__CONTAINER_CONFIG__INIT;
	cleanup_free Cleat__V1__Mount **mounts = calloc(plan->n + 1, sizeof(*mounts));
	size_t len;

	if (!mounts)
		return no_memory(err);
	for (size_t i = 0; i < plan->n; i++)
		mounts[i] = plan->v[i].mount;
	list.mounts = mounts;
	list.n_mounts = plan->n;
	len = cleat__v1__container_config__get_packed_size(&list);
	free(record->mounts);
	record->mounts = malloc(len + 1);
	if (!record->mounts)
		return no_memory(err);
	record->mounts_len = cleat__v1__container_config__pack(&list, record->mounts);
	return record_set_mounts(engine->store, record->id, record->mounts, len, err);
}

static int fill_volumes(const struct mountplan *plan, struct engine *engine,
			const struct rootlayers *layers, struct err *err)
{
	const struct volume_origin origin = { engine->state_dir, layers->lower.v, layers->fds,
					      layers->n };
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->n; i++) {
		const Cleat__V1__Mount *m = plan->v[i].mount;

		if (mountlist_is_volume(m))
			r = volume_fill(engine, m->source, &origin,
					m->no_copy || m->subpath[0] ? NULL : m->target, err);
	}
	return r;
}

int mountplan_claim(struct mountplan *plan, struct engine *engine, struct record *record,
		    const struct rootlayers *layers, struct err *err)
{
	int r = plan->n ? claim_volumes(plan, engine, record->id, err) : 0;

	r = r ? r : claim_images(plan, engine, record->id, err);
	if (r == 0 && plan->n)
		r = keep(plan, engine, record, err);
	return r ? r : fill_volumes(plan, engine, layers, err);
}
