/* SPDX-License-Identifier: Apache-2.0 */
/* One worker packs what the root has at the path, links resolved inside that root, another unpacks it in _fill
 * beside the volume's files (in a directory of the host that is bound, below it); what comes from an image is read by nobody else. When all of it is there the directory
 * becomes _full by one rename, and its entries move to the volume's, also by rename: whoever has the volume mounted
 * sees whole files, and what he made himself meanwhile is kept. A kill before that one rename leaves a _fill, which
 * the next one begins anew, and a kill behind it a _full, which the next one goes on moving. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "attributes.h"
#include "engine.h"
#include "fd.h"
#include "str.h"
#include "tar.h"
#include "volume.h"
#include "volumecheck.h"
#include "workerjob.h"

struct place {
	int at;                     /* what the two names are in */
	const char *filling, *full; /* not to be seen in a directory of the host */
	int data;                   /* the volume's files */
};
static const struct place own_place = { -1, "_fill", "_full", -1 };
static const struct place bound_place = { -1, ".cleat-fill", ".cleat-full", -1 };

static void place_close(struct place *place)
{
	closep(&place->at);
	closep(&place->data);
}

static int open_dir(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* ---- from _full to _data */

/* What is no file of a volume. */
static bool is_passed(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..") || !strcmp(name, bound_place.filling) ||
	       !strcmp(name, bound_place.full);
}

/* The first entry, which of _full is the only one; -ENOENT, -ENOTDIR. */
static int open_first(int of)
{
	int fd = open_dir(of, "."), found = -ENOENT;
	DIR *dir = fd_dir(fd);
	struct dirent *entry;

	if (!dir)
		return fd < 0 ? fd : -errno;
	while (found == -ENOENT && (entry = readdir(dir)))
		if (!is_passed(entry->d_name))
			found = open_dir(of, entry->d_name);
	closedir(dir);
	return found;
}

static int move_entries(int from, int to)
{
	int fd = open_dir(from, "."), r = 0;
	DIR *dir = fd_dir(fd);
	struct dirent *entry;

	if (!dir)
		return fd < 0 ? fd : -errno;
	while (r == 0 && (entry = readdir(dir)))
		if (!is_passed(entry->d_name) &&
		    renameat2(from, entry->d_name, to, entry->d_name, RENAME_NOREPLACE) < 0 &&
		    errno != EEXIST)
			r = -errno;
	closedir(dir);
	return r;
}

static int copy_attributes(int from, int to)
{
	cleanup(attributes_deinit) struct attributes attributes = { 0 };
	struct stat st;
	int r = attributes_read(from, &attributes);

	if (r == 0 && (fstat(from, &st) < 0 || fchown(to, st.st_uid, st.st_gid) < 0 ||
		       fchmod(to, st.st_mode & 07777) < 0))
		r = -errno;
	for (size_t i = 0; r == 0 && i < attributes.n; i++)
		if (fsetxattr(to, attributes.v[i].name, attributes.v[i].value, attributes.v[i].len,
			      0) < 0 &&
		    errno != ENOTSUP)
			r = -errno;
	return r;
}

/* 0 also when there is nothing to be moved. */
static int settle(const struct place *place)
{
	cleanup_fd int full = open_dir(place->at, place->full);
	cleanup_fd int from = full < 0 ? -1 : open_first(full);
	struct stat st;
	int r = 0;

	if (full < 0)
		return full == -ENOENT ? 0 : full;
	if (from >= 0) {
		r = fstat(from, &st) < 0 ? -errno : copy_attributes(from, place->data);
		r = r ? r : move_entries(from, place->data);
	}
	r = r ? r : fd_remove_tree(place->at, place->full);
	if (r == 0 && from >= 0)
		(void)!futimens(place->data, (struct timespec[]){ st.st_atim, st.st_mtim });
	return r;
}

/* ---- into _fill */

struct target {
	int lock, filling; /* the volume's lock and its _fill; borrowed */
};

/* The job's words; all but the fixed ones are owned. */
struct words {
	const char **v;
	char **texts;
	size_t n;
};

static void words_deinit(struct words *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->texts[i]);
	free(w->texts);
	free(w->v);
}

/* Consumes the text. */
static int add_word(struct words *w, char *text)
{
	if (!text)
		return -ENOMEM;
	w->texts[w->n] = text;
	w->v[w->n++] = text;
	return 0;
}

static int list_words(struct words *w, const struct volume_origin *origin, const char *path)
{
	size_t room = origin->n + 8;
	int r;

	w->v = calloc(room, sizeof(*w->v));
	w->texts = calloc(room, sizeof(*w->texts));
	if (!w->v || !w->texts)
		return -ENOMEM;
	r = add_word(w, str_printf("root=at:%s", origin->at));
	for (size_t i = 0; r == 0 && i < origin->n; i++)
		r = add_word(w, str_has_prefix(origin->lower[i], "fd:")
					? str_printf("root=lower:fd:%zu", WORKER_EXTRA + i)
					: str_printf("root=lower:%s", origin->lower[i]));
	/* an overlay to be read is of two at least */
	if (r == 0 && origin->n < 2)
		r = add_word(w, str_printf("root=lower:%s/rootfs", origin->at));
	r = r ? r : add_word(w, strdup("root=sealed"));
	r = r ? r : add_word(w, str_printf("%s/", path));
	return r ? r : add_word(w, strdup("bare"));
}

static int start_packing(struct engine *engine, const struct volume_origin *origin,
			 const char *path, int out, struct worker *worker, struct err *err)
{
	cleanup(words_deinit) struct words words = { 0 };
	const struct worker_call call = { .job = "get",
					  .stream_fd = out,
					  .dir_fd = engine->containers_fd,
					  .extra = origin->fds,
					  .n_extra = origin->n };
	struct worker_call with = call;

	if (list_words(&words, origin, path) < 0)
		return err_sys(err, ENOMEM, "fill a volume");
	with.words = words.v;
	return worker_start_call(worker, engine->bin_dir, &with, err);
}

/* The worker has the volume's lock, too: should this engine die and the worker live for a moment longer, nobody else
 * fills the volume before it has ended. */
static int start_unpacking(struct engine *engine, int in, const struct target *into,
			   struct worker *worker, struct err *err)
{
	static const char *const words[] = { "/", NULL };
	const struct worker_call call = { .job = "put",
					  .words = words,
					  .stream_fd = in,
					  .dir_fd = into->filling,
					  .extra = &into->lock,
					  .n_extra = 1 };

	return worker_start_call(worker, engine->bin_dir, &call, err);
}

/* 1 = there is no such directory in the root. An unpacker that has no disk left is the cause of what its packer
 * says, and a packer that failed that of an archive which ends early. */
static int finish(struct worker *packer, struct worker *unpacker, struct err *err)
{
	cleanup(buf_deinit) struct buf lines = BUF_NULL;
	struct err packed = ERR_NULL, unpacked = ERR_NULL;
	int p = worker_finish(packer, &lines, &packed);
	int u = worker_finish(unpacker, &lines, &unpacked);

	if (p < 0 && (packed.code == ERR_NOT_FOUND || packed.code == ERR_INVALID))
		return 1;
	if (u < 0 && (p == 0 || unpacked.code != ERR_INVALID)) {
		*err = unpacked;
		return err_wrap(err, u, "fill the volume");
	}
	if (p < 0) {
		*err = packed;
		return err_wrap(err, p, "fill the volume");
	}
	return 0;
}

static int copy(struct engine *engine, const struct volume_origin *origin, const char *path,
		const struct target *into, struct err *err)
{
	cleanup(worker_deinit) struct worker packer = WORKER_NULL, unpacker = WORKER_NULL;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_sys(err, errno, "make a pipe");
	int r = start_packing(engine, origin, path, fds[1], &packer, err);

	close(fds[1]);
	r = r ? r : start_unpacking(engine, fds[0], into, &unpacker, err);
	close(fds[0]);
	return r ? r : finish(&packer, &unpacker, err);
}

static int is_empty(const struct place *place)
{
	cleanup_fd int first = open_first(place->data);

	return first == -ENOENT;
}

static int begin_filling(const struct place *place)
{
	int r = fd_remove_tree(place->at, place->filling);

	if (r == 0)
		r = mkdirat(place->at, place->filling, 0700) < 0 ? -errno : 0;
	return r ? r : open_dir(place->at, place->filling);
}

static int fill(struct engine *engine, const struct place *place, int lock,
		const struct volume_origin *origin, const char *path, struct err *err)
{
	cleanup_fd int filling = begin_filling(place);
	const struct target into = { lock, filling };
	int r = filling < 0 ? err_sys(err, filling, "fill a volume")
			    : copy(engine, origin, path, &into, err);

	if (r) {
		(void)!fd_remove_tree(place->at, place->filling);
		return r < 0 ? r : 0;
	}
	r = renameat(place->at, place->filling, place->at, place->full) < 0 ? -errno
									    : settle(place);
	return r < 0 ? err_sys(err, r, "fill a volume") : 0;
}

/* ---- where */

/* Where the volume of the directory `dir` has its files: 1, or 0 for a file system that is nowhere on the host. */
static int find_place(struct engine *engine, const char *name, int dir, struct place *out,
		      struct err *err)
{
	cleanup(volume_deinit) struct volume volume = { 0 };
	int r = volume_find(engine, name, &volume, err);
	const char *bound = r < 0 ? NULL : volumecheck_bind(volume.config);

	if (r < 0)
		return r;
	if (bound) {
		*out = bound_place;
		out->at = open(bound, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		out->at = out->at < 0 ? -errno : out->at;
		out->data = out->at < 0 ? -1 : open_dir(out->at, ".");
	} else if (!volumecheck_is_mounted(volume.config)) {
		*out = own_place;
		out->at = open_dir(dir, ".");
		out->data = open_dir(dir, "_data");
	} else {
		return 0;
	}
	if (out->at < 0 || out->data < 0)
		return err_sys(err, out->at < 0 ? out->at : out->data,
			       "open the files of volume %.60s%s%.100s", name, bound ? ", " : "",
			       str_or_empty(bound));
	return bound && volumecheck_has(volume.config, "ro") ? 0 : 1;
}

int volume_fill(struct engine *engine, const char *name, const struct volume_origin *origin,
		const char *path, struct err *err)
{
	cleanup_fd int dir = open_dir(engine->volumes_fd, name);
	cleanup_fd int lock = dir < 0 ? dir : fd_lock_file(dir, "lock", true);
	cleanup(place_close) struct place place = { .at = -1, .data = -1 };
	int r = lock < 0 ? err_sys(err, lock, "open volume %.80s", name)
			 : find_place(engine, name, dir, &place, err);

	if (r <= 0)
		return r;
	r = settle(&place);
	if (r < 0)
		return err_sys(err, r, "fill volume %.80s", name);
	return path && is_empty(&place) ? fill(engine, &place, lock, origin, path, err) : 0;
}
