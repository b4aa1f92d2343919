/* SPDX-License-Identifier: Apache-2.0 */
/* Removal in Docker's order and with its sentences (daemon/images/image_delete.go tells them): a name
 * first, the image with its last name. The row goes in one statement that sees whether a container
 * uses it, so that a container made meanwhile keeps its image. Layers are moved into a lease under the
 * images' lock and their files removed after it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "blobs.h"
#include "chores.h"
#include "fault.h"
#include "fd.h"
#include "image.h"
#include "log.h"
#include "reference.h"
#include "store.h"
#include "str.h"

struct removal {
	struct engine *engine;
	const struct image_remove_options *options;
	struct image image;
	struct strings users;
	struct strings *changes;
	struct lease lease;       /* what goes */
	char full[REFERENCE_MAX]; /* the name given; "" when it was an id */
};

static void clear_lease(struct engine *engine, const char *path)
{
	int r = fd_remove_tree_until(engine->state_fd, path, &engine->last);

	fault_point(FAULT_REMOVE_FILES_GONE);
	if (r < 0 && r != -ECANCELED)
		log_error("remove %s: %s", path, strerror(-r));
}

/* The user need not wait until the space is free. */
static void removal_deinit(struct removal *r)
{
	char path[LEASE_NAME_MAX];

	lease_leave(&r->lease, path);
	fault_point(FAULT_REMOVE_LEASE_LEFT);
	if (path[0])
		chores_queue(r->engine, clear_lease, path);
	image_deinit(&r->image);
	strings_deinit(&r->users);
}

static int take_text(const struct store_row *row, void *ctx)
{
	return strings_append(ctx, store_text(row, 0));
}

static int count_row(const struct store_row *row, void *ctx)
{
	*(int64_t *)ctx = store_int(row, 0);
	return 0;
}

static int find_users(struct engine *engine, const char *id, struct strings *out, struct err *err)
{
	return store_query(engine->store, err, take_text, out,
			   "SELECT container_id FROM image_users WHERE image_id = ?", "s", id);
}

int image_lock(struct engine *engine, struct err *err)
{
	int fd = fd_lock_file(engine->state_fd, "images.lock", true);

	return fd < 0 ? err_sys(err, fd, "lock the images") : fd;
}

static int layer_used(void *ctx, const char *diff)
{
	const struct engine *engine = ctx;
	char digest[80];
	int64_t n = 1;

	snprintf(digest, sizeof(digest), "sha256:%s", diff);
	int r = store_query(engine->store, NULL, count_row, &n,
			    "SELECT EXISTS (SELECT 1 FROM image_layers WHERE diff_id = ?1) + "
			    "EXISTS (SELECT 1 FROM build_cache WHERE diff_id = ?1)",
			    "s", digest);

	return r < 0 ? r : n > 0;
}

int image_sweep_layers(struct engine *engine, const struct lease *lease, struct err *err)
{
	return layers_sweep(engine->layers, lease, layer_used, engine, err);
}

/* Rows of builds whose engine died: their leases have gone. */
static int forget_leases(struct engine *engine, struct err *err)
{
	cleanup(strings_deinit) struct strings leases = { 0 };
	struct stat st;
	int r = store_query(engine->store, err, take_text, &leases,
			    "SELECT lease FROM images WHERE lease <> '' UNION "
			    "SELECT lease FROM build_cache WHERE lease <> ''",
			    "");

	for (size_t i = 0; r >= 0 && i < leases.n; i++) {
		if (fstatat(engine->state_fd, leases.v[i], &st, 0) == 0)
			continue;
		r = store_run(engine->store, err, "DELETE FROM images WHERE lease = ?", "s",
			      leases.v[i]);
		if (r >= 0)
			r = store_run(engine->store, err, "DELETE FROM build_cache WHERE lease = ?",
				      "s", leases.v[i]);
	}
	return r < 0 ? r : 0;
}

void image_sweep(struct engine *engine)
{
	cleanup(lease_deinit) struct lease lease = LEASE_NULL;
	struct err err = ERR_NULL;
	int leases = engine->layers ? lease_sweep(engine->state_fd, &engine->last) : 0;
	fault_point(FAULT_SWEEP_LEASES_GONE);
	cleanup_fd int lock = image_lock(engine, &err);
	int r = lock < 0 ? lock : lease_open_to_free(&lease, engine->state_fd, &err);

	r = r ? r : forget_leases(engine, &err);
	fault_point(FAULT_SWEEP_BUILDS_FORGOTTEN);
	r = r || !engine->layers ? r : image_sweep_layers(engine, &lease, &err);
	fault_point(FAULT_SWEEP_LAYERS_GONE);
	r = r ? r : blobs_sweep(engine, &lease, &err);
	fault_point(FAULT_SWEEP_BLOBS_GONE);
	lease_give_back(&lease);
	if (r < 0 || (leases < 0 && leases != -ECANCELED))
		log_error("sweep of images: %s", r < 0 ? err.message : strerror(-leases));
	else if (leases > 0)
		log_info("swept leases=%d", leases);
}

static int changed(struct removal *r, const char *word, const char *what)
{
	cleanup_free char *line = str_printf("%s %s", word, what);

	return line ? strings_append(r->changes, line) : -ENOMEM;
}

/* A name in full, with its tag or digest. */
static int untag(struct removal *r, const char *full, struct err *err)
{
	const char *at = strchr(full, '@');
	char shown[REFERENCE_MAX];
	int n = at ? store_run(r->engine->store, err,
			       "DELETE FROM repo_digests WHERE "
			       "repository = substr(?1, 1, instr(?1, '@') - 1) AND "
			       "digest = substr(?1, instr(?1, '@') + 1)",
			       "s", full)
		   : store_run(r->engine->store, err, "DELETE FROM tags WHERE name = ?", "s", full);

	fault_point(FAULT_REMOVE_UNTAGGED);
	reference_familiar(full, shown);
	return n < 0 ? n : changed(r, "untagged", shown);
}

/* Removes the names of the list that begin with `prefix`. */
static int untag_each(struct removal *r, struct strings *names, const char *prefix, struct err *err)
{
	size_t kept = 0;
	int n = 0;

	for (size_t i = 0; i < names->n; i++) {
		if (n < 0 || !str_has_prefix(names->v[i], prefix)) {
			names->v[kept++] = names->v[i];
			continue;
		}
		n = untag(r, names->v[i], err);
		free(names->v[i]);
	}
	names->n = kept;
	return n;
}

static int untag_all(struct removal *r, struct err *err)
{
	int n = untag_each(r, &r->image.tags, "", err);

	return n ? n : untag_each(r, &r->image.digests, "", err);
}

/* The name given, and with a repository's last tag the digests it is known by there. */
static int untag_given(struct removal *r, struct err *err)
{
	char repository[REFERENCE_MAX];
	bool digest = strchr(r->full, '@');
	int n = untag_each(r, digest ? &r->image.digests : &r->image.tags, r->full, err);

	if (n < 0 || digest)
		return n;
	snprintf(repository, sizeof(repository), "%s", r->full);
	*strrchr(repository, ':') = '\0';
	size_t len = strlen(repository);

	for (size_t i = 0; i < r->image.tags.n; i++)
		if (strncmp(r->image.tags.v[i], repository, len) == 0 &&
		    r->image.tags.v[i][len] == ':')
			return 0;
	repository[len] = '@';
	repository[len + 1] = '\0';
	return untag_each(r, &r->image.digests, repository, err);
}

static int conflict(const struct removal *r, bool hard, struct err *err, const char *why,
		    const char *container)
{
	return err_reason(err, ERR_PRECONDITION, "IMAGE_IN_USE",
			  "conflict: unable to delete %.12s (%s) - %s%.12s", r->image.id + 7,
			  hard ? "cannot be forced" : "must be forced", why, container);
}

/* Why the image cannot go, with the names it has now. */
static int check(const struct removal *r, bool names_too, struct err *err)
{
	const struct image_remove_options *o = r->options;

	for (size_t i = 0; i < r->users.n; i++)
		if (o->running && o->running(o->ctx, r->users.v[i]))
			return conflict(r, true, err, "image is being used by running container ",
					r->users.v[i]);
	if (o->force)
		return 0;
	if (names_too && r->image.tags.n > 1)
		return conflict(r, false, err, "image is referenced in multiple repositories", "");
	if (r->users.n)
		return conflict(r, false, err, "image is being used by stopped container ",
				r->users.v[0]);
	return 0;
}

static int delete_row(struct removal *r, struct err *err)
{
	int n = store_run(r->engine->store, err,
			  "DELETE FROM images WHERE id = ? AND NOT EXISTS "
			  "(SELECT 1 FROM image_users WHERE image_id = images.id)",
			  "s", r->image.id);

	if (n < 0)
		return n;
	if (n == 0) /* a container has it, which was made just now or is stopped under force */
		return r->changes->n ? 0
				     : conflict(r, true, err, "image is being used by container ",
						r->users.n ? r->users.v[0] : "");
	fault_point(FAULT_REMOVE_ROW_DELETED);
	return changed(r, "deleted", r->image.id);
}

static int delete_image(struct removal *r, bool quiet, struct err *err)
{
	int n = check(r, true, quiet ? NULL : err);

	if (n < 0)
		return quiet ? 0 : n;
	n = untag_all(r, err);
	return n ? n : delete_row(r, err);
}

static int remove_name(struct removal *r, struct err *err)
{
	char shown[REFERENCE_MAX];
	bool last = r->image.tags.n + (strchr(r->full, '@') ? r->image.digests.n : 0) == 1;

	reference_familiar(r->full, shown);
	if (last && r->users.n && !r->options->force)
		return err_reason(err, ERR_PRECONDITION, "IMAGE_IN_USE",
				  "conflict: unable to remove repository reference \"%.80s\" (must "
				  "force) - container %.12s is using its referenced image %.12s",
				  shown, r->users.v[0], r->image.id + 7);
	int n = untag_given(r, err);

	if (n < 0 || r->image.tags.n || r->image.digests.n)
		return n;
	return delete_image(r, true, err);
}

static int remove_id(struct removal *r, struct err *err)
{
	int n = r->image.tags.n <= 1 ? check(r, false, err) : 0;

	return n ? n : delete_image(r, false, err);
}

static int find(struct removal *r, const char *name, struct err *err)
{
	struct reference ref;
	char full[REFERENCE_MAX];
	int n = image_find(r->engine, name, &r->image, err);

	n = n ? n : find_users(r->engine, r->image.id, &r->users, err);
	if (n < 0 || reference_parse(name, &ref, NULL) < 0)
		return n;
	const struct strings *names = ref.digest[0] ? &r->image.digests : &r->image.tags;

	if (ref.digest[0])
		snprintf(full, sizeof(full), "%s/%s@%s", ref.domain, ref.path, ref.digest);
	else
		reference_full(&ref, full);
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->v[i], full) == 0)
			snprintf(r->full, sizeof(r->full), "%s", full);
	return 0;
}

/* All rows or none: a name that went alone would leave an image that nobody can name again. */
static int remove_rows(struct removal *r, struct err *err)
{
	size_t before = r->changes->n;
	int n = store_begin(r->engine->store, err);

	if (n < 0)
		return n;
	n = r->full[0] ? remove_name(r, err) : remove_id(r, err);
	int ended = store_end(r->engine->store, n == 0, err);

	n = n ? n : ended;
	while (n < 0 && r->changes->n > before)
		free(r->changes->v[--r->changes->n]);
	fault_point(FAULT_REMOVE_COMMITTED);
	return n;
}

int image_remove(struct engine *engine, const char *name,
		 const struct image_remove_options *options, struct strings *changes,
		 struct err *err)
{
	cleanup(removal_deinit) struct removal r = {
		.engine = engine, .options = options, .changes = changes, .lease = LEASE_NULL
	};
	cleanup_fd int lock = image_lock(engine, err);
	int n = lock < 0 ? lock : lease_open_to_free(&r.lease, engine->state_fd, err);

	n = n ? n : find(&r, name, err);
	if (n < 0) {
		lease_give_back(&r.lease);
		return n;
	}
	fault_point(FAULT_REMOVE_LEASE_MADE);
	n = remove_rows(&r, err);
	for (size_t i = 0; n == 0 && i < r.image.config.diff_ids.n; i++) {
		const char *diff = r.image.config.diff_ids.v[i] + 7;
		int used = layer_used(engine, diff);

		n = used < 0 ? used : used ? 0 : layers_remove(engine->layers, diff, &r.lease, err);
	}
	n = n ? n : blobs_release(engine, &r.lease, err);
	lease_give_back(&r.lease);
	return n;
}
