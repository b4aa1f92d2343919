/* SPDX-License-Identifier: Apache-2.0 */
/* Rows go before files, as a file without a row is found and swept, while a row without its file would be a
 * promise that cannot be kept. */
#include "blobs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "engine.h"
#include "fault.h"
#include "fd.h"
#include "manifest.h"
#include "rows.h"
#include "store.h"
#include "str.h"

static const char folder[] = "blobs/sha256", partials[] = "tmp/partial";

/* How long the part of a blob is kept that nobody adds to. */
#define PARTIAL_KEPT_NS (INT64_C(86400) * 1000000000)

static void blob_path(const char *digest, char out[BLOBS_PATH_MAX])
{
	snprintf(out, BLOBS_PATH_MAX, "%s/%s", folder, digest + strlen("sha256:"));
}

void blobs_partial_path(const char *digest, char out[BLOBS_PATH_MAX])
{
	snprintf(out, BLOBS_PATH_MAX, "%s/%s", partials, digest + strlen("sha256:"));
}

int blobs_open(const struct engine *engine, const char *digest)
{
	char path[BLOBS_PATH_MAX];

	blob_path(digest, path);
	int fd = openat(engine->state_fd, path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int blobs_read(const struct engine *engine, const char *digest, size_t max, struct buf *out)
{
	char path[BLOBS_PATH_MAX];

	blob_path(digest, path);
	return fd_read_file(engine->state_fd, path, max, out);
}

/* Whether `path` names the file that is open. */
static bool is_same(int dir_fd, const char *path, int fd)
{
	struct stat named, open;

	return fstatat(dir_fd, path, &named, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &open) == 0 &&
	       named.st_ino == open.st_ino && named.st_dev == open.st_dev;
}

/* Where the blob belongs. 1 = it is there, 0 = it is not. */
static int find_place(const struct engine *engine, const char *digest, char path[BLOBS_PATH_MAX])
{
	struct stat st;
	int r = fd_mkdir_all(engine->state_fd, folder, 0700);

	blob_path(digest, path);
	return r < 0 ? r : fstatat(engine->state_fd, path, &st, 0) == 0;
}

int blobs_publish(const struct engine *engine, const char *digest, int dir_fd, const char *name)
{
	char path[BLOBS_PATH_MAX];
	int r = find_place(engine, digest, path);

	if (r < 0)
		return r;
	if (r == 1) {
		(void)!unlinkat(dir_fd, name, 0);
		return 0;
	}
	r = renameat(dir_fd, name, engine->state_fd, path) < 0 ? -errno : 0;
	fault_point(FAULT_BLOB_MOVED);
	return r;
}

int blobs_publish_part(const struct engine *engine, const char *digest, int fd)
{
	char path[BLOBS_PATH_MAX], part[BLOBS_PATH_MAX];
	int r = find_place(engine, digest, path);

	if (r)
		return r < 0 ? r : 0;
	blobs_partial_path(digest, part);
	if (fd < 0 || !is_same(engine->state_fd, part, fd))
		return -ENOENT;
	r = linkat(engine->state_fd, part, engine->state_fd, path, 0) < 0 ? -errno : 0;
	fault_point(FAULT_BLOB_MOVED);
	return r;
}

void blobs_drop_part(const struct engine *engine, const char *digest, int fd)
{
	char part[BLOBS_PATH_MAX];

	blobs_partial_path(digest, part);
	if (fd >= 0 && is_same(engine->state_fd, part, fd))
		(void)!unlinkat(engine->state_fd, part, 0);
	fault_point(FAULT_PUBLISH_PART_DROPPED);
}

int blobs_sync(const struct engine *engine)
{
	cleanup_fd int fd = openat(engine->state_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int remove_blob(const struct engine *engine, const char *hex, const struct lease *lease)
{
	char path[BLOBS_PATH_MAX], name[BLOBS_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, hex);
	snprintf(name, sizeof(name), "blob-%s", hex);
	return renameat(engine->state_fd, path, lease->fd, name) < 0 && errno != ENOENT ? -errno
											: 0;
}

int blobs_release(struct engine *engine, const struct lease *lease, struct err *err)
{
	cleanup(strings_deinit) struct strings gone = { 0 };
	int r = store_query(engine->store, err, rows_take_text, &gone,
			    "SELECT digest FROM blobs WHERE NOT EXISTS "
			    "(SELECT 1 FROM image_blobs WHERE digest = blobs.digest) AND "
			    "NOT EXISTS (SELECT 1 FROM build_cache WHERE diff_id <> '' AND "
			    "diff_id = blobs.diff_id)",
			    "");

	for (size_t i = 0; r >= 0 && i < gone.n; i++) {
		r = store_run(engine->store, err, "DELETE FROM blobs WHERE digest = ?", "s",
			      gone.v[i]);
		fault_point(FAULT_REMOVE_BLOB_FORGOTTEN);
		if (r >= 0 && (r = remove_blob(engine, gone.v[i] + strlen("sha256:"), lease)) < 0)
			return err_sys(err, r, "remove a blob");
		fault_point(FAULT_REMOVE_BLOB_MOVED);
	}
	return r < 0 ? r : 0;
}

/* Calls `one` for each file of the folder that has a digest's name. */
static int each(const struct engine *engine, const char *path,
		int (*one)(void *ctx, int dir_fd, const char *hex), void *ctx)
{
	int fd = openat(engine->state_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *dir = fd_dir(fd);

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	for (struct dirent *e; r == 0 && (e = readdir(dir));)
		if (str_is_id(e->d_name))
			r = one(ctx, fd, e->d_name);
	closedir(dir);
	return r;
}

struct sweep {
	struct engine *engine;
	const struct lease *lease;
};

static int count_row(const struct store_row *row, void *ctx)
{
	*(int64_t *)ctx = store_int(row, 0);
	return 0;
}

static int sweep_blob(void *ctx, int dir_fd, const char *hex)
{
	const struct sweep *s = ctx;
	char digest[72];
	int64_t n = 1;

	(void)dir_fd;
	snprintf(digest, sizeof(digest), "sha256:%s", hex);
	int r = store_query(s->engine->store, NULL, count_row, &n,
			    "SELECT COUNT(*) FROM blobs WHERE digest = ?", "s", digest);

	return r || n ? r : remove_blob(s->engine, hex, s->lease);
}

static int sweep_partial(void *ctx, int dir_fd, const char *hex)
{
	const struct engine *engine = ctx;
	cleanup_fd int lock = fd_lock_existing(dir_fd, hex, false);
	char path[BLOBS_PATH_MAX];
	struct stat st;

	if (lock < 0 || fstat(lock, &st) < 0)
		return 0;
	snprintf(path, sizeof(path), "%s/%s", folder, hex);
	if (is_same(engine->state_fd, path, lock) ||
	    st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec <
		    fd_realtime_ns() - PARTIAL_KEPT_NS)
		(void)!unlinkat(dir_fd, hex, 0);
	return 0;
}

int blobs_sweep(struct engine *engine, const struct lease *lease, struct err *err)
{
	struct sweep sweep = { engine, lease };
	int r = blobs_release(engine, lease, err);

	if (r == 0 &&
	    store_run(engine->store, err,
		      "DELETE FROM blob_sources WHERE digest NOT IN (SELECT digest FROM blobs)",
		      "") < 0)
		return err_wrap(err, -EIO, "sweep the blobs");
	r = r ? r : each(engine, folder, sweep_blob, &sweep);
	r = r ? r : each(engine, partials, sweep_partial, engine);
	return r < 0 ? err_wrap(err, r, "sweep the blobs") : 0;
}

int blobs_partial(const struct engine *engine, const char *digest, int *fd, int *lock)
{
	char path[BLOBS_PATH_MAX];
	int r = fd_mkdir_all(engine->state_fd, partials, 0700);

	blobs_partial_path(digest, path);
	cleanup_fd int held = r ? r : fd_lock_file(engine->state_fd, path, false);

	if (held < 0)
		return held;
	/* whoever moved or dropped the file while we waited for its lock has left us one without a name */
	if (!is_same(engine->state_fd, path, held))
		return -EAGAIN;
	/* by the descriptor: the name may be another's by now */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", held);
	*fd = open(path, O_RDWR | O_CLOEXEC);
	if (*fd < 0)
		return -errno;
	*lock = steal_fd(&held);
	return 0;
}

int blobs_seal(int fd)
{
	return fchmod(fd, 0400) < 0 ? -errno : 0;
}

bool blobs_is_sealed(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && !(st.st_mode & 0200);
}
