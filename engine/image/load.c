/* SPDX-License-Identifier: Apache-2.0 */
/* Loading: a worker writes the archive's files under numbers and says their names and digests; the
 * documents among them are read; a worker for each missing layer unpacks it and says its diff id. All of
 * that happens in a directory of its own below STATE/tmp. Only when everything matched, layers are
 * renamed to their places and the images recorded. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fd.h"
#include "image.h"
#include "str.h"
#include "workerjob.h"

struct file {
	const char *path, *link, *sha; /* borrowed from lines; link: NULL = a file */
	unsigned int number;
};

struct load {
	struct engine *engine;
	char dir[64]; /* below STATE */
	int dir_fd, files_fd;
	struct buf lines;
	struct file *files;
	size_t n_files;
	struct manifests images;
	struct strings layers; /* unpacked here: digits of the diff ids */
	uint64_t size;         /* of the image at hand */
};

static void load_deinit(struct load *l)
{
	if (l->files_fd >= 0)
		close(l->files_fd);
	if (l->dir_fd >= 0)
		close(l->dir_fd);
	if (l->dir[0])
		(void)!fd_remove_tree(l->engine->state_fd, l->dir);
	free(l->files);
	buf_deinit(&l->lines);
	manifests_deinit(&l->images);
	strings_deinit(&l->layers);
}

static int open_dir(struct load *l, struct err *err)
{
	char id[65];

	str_random_id(id);
	id[16] = '\0';
	snprintf(l->dir, sizeof(l->dir), "tmp/load-%s", id);
	int r = fd_mkdir_all(l->engine->state_fd, l->dir, 0700);

	if (r == 0)
		l->dir_fd = openat(l->engine->state_fd, l->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l->dir_fd >= 0 && mkdirat(l->dir_fd, "files", 0700) == 0)
		l->files_fd = openat(l->dir_fd, "files", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return l->files_fd < 0 ? err_sys(err, r ? r : errno, "make a temporary directory") : 0;
}

/* The worker's lines to the table; they are cut in place. */
static int read_lines(struct load *l)
{
	char *save = NULL;

	l->files = calloc(l->lines.len / 4 + 1, sizeof(*l->files));
	if (!l->files)
		return -ENOMEM;
	for (char *line = l->lines.len ? strtok_r(l->lines.data, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		struct file *f = &l->files[l->n_files];
		int sha = 0, path = 0;

		if (str_has_prefix(line, "link ")) {
			f->link = line + 5;
			f->path = strchr(line, '\t');
			if (!f->path)
				continue;
			line[f->path++ - line] = '\0';
			l->n_files++;
		} else if (sscanf(line, "file %u %*u %n%*64s %n", &f->number, &sha, &path) == 1 &&
			   path) {
			f->sha = line + sha;
			line[sha + 64] = '\0';
			f->path = line + path;
			l->n_files++;
		}
	}
	return 0;
}

/* The last entry of that path; a link (docker save makes ../HEX/layer.tar) is followed once. */
static const struct file *lookup(const struct load *l, const char *path)
{
	for (size_t i = l->n_files; i-- > 0;) {
		const struct file *f = &l->files[i];

		if (strcmp(f->path, path) != 0)
			continue;
		if (!f->link)
			return f;
		const char *target = str_has_prefix(f->link, "../") ? f->link + 3 : f->link;

		for (size_t k = l->n_files; k-- > 0;)
			if (!l->files[k].link && strcmp(l->files[k].path, target) == 0)
				return &l->files[k];
		return NULL;
	}
	return NULL;
}

static const struct file *need(const struct load *l, const char *path, struct err *err)
{
	const struct file *f = lookup(l, path);

	if (!f) {
		err_set(err, ERR_INVALID, "%.120s is missing in the archive", path);
		return NULL;
	}
	if (str_has_prefix(path, "blobs/sha256/") && strcmp(path + 13, f->sha) != 0) {
		err_set(err, ERR_INVALID, "%.90s: its digest is sha256:%.64s", path, f->sha);
		return NULL;
	}
	return f;
}

static int read_document(const struct load *l, const char *path, struct buf *out, struct err *err)
{
	const struct file *f = need(l, path, err);
	char name[16];

	if (!f)
		return -EINVAL;
	snprintf(name, sizeof(name), "%u", f->number);
	int r = fd_read_file(l->files_fd, name, MANIFEST_BYTES_MAX, out);

	return r < 0 ? err_sys(err, r, "read %.100s", path) : 0;
}

static int read_index(struct load *l, struct err *err)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	cleanup_free struct manifest_entry *entries = NULL;
	size_t n = 0;
	int r = read_document(l, "index.json", &text, err);

	r = r ? r : manifest_parse_index(text.data, text.len, &entries, &n, err);
	for (size_t i = 0; r == 0 && i < n; i++) {
		cleanup(buf_deinit) struct buf body = BUF_NULL;
		char path[96];

		snprintf(path, sizeof(path), "blobs/sha256/%s", entries[i].digest + 7);
		r = read_document(l, path, &body, err);
		r = r ? r
		      : manifest_parse_image(body.data, body.len, entries[i].name, &l->images, err);
	}
	if (r == 0 && l->images.n == 0)
		r = err_set(err, ERR_INVALID, "index.json names no image");
	return r;
}

static int scan(struct load *l, int in_fd, struct err *err)
{
	cleanup(worker_deinit) struct worker w = WORKER_NULL;
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	int r = worker_start(&w, l->engine->bin_dir, "scan", in_fd, l->files_fd, err);

	r = r ? r : worker_finish(&w, &l->lines, err);
	r = r ? r : read_lines(l);
	if (r < 0)
		return r;
	if (!lookup(l, "manifest.json") && !lookup(l, "index.json"))
		return err_set(err, ERR_INVALID,
			       "it has neither manifest.json nor index.json: not an image archive");
	if (!lookup(l, "manifest.json"))
		return read_index(l, err);
	r = read_document(l, "manifest.json", &text, err);
	return r ? r : manifest_parse_save(text.data, text.len, &l->images, err);
}

/* Unpacks into DIR/HEX/fs and compares the diff id. */
static int unpack(struct load *l, const struct file *f, const char *hex, struct err *err)
{
	cleanup(worker_deinit) struct worker w = WORKER_NULL;
	cleanup(buf_deinit) struct buf lines = BUF_NULL;
	char path[80], name[16], got[80] = "";
	unsigned long long size = 0;

	snprintf(path, sizeof(path), "%s/fs", hex);
	snprintf(name, sizeof(name), "%u", f->number);
	int r = fd_mkdir_all(l->dir_fd, path, 0755);
	cleanup_fd int fs = openat(l->dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int in = openat(l->files_fd, name, O_RDONLY | O_CLOEXEC);

	if (r < 0 || fs < 0 || in < 0)
		return err_sys(err, r ? r : errno, "prepare a layer");
	r = worker_start(&w, l->engine->bin_dir, "unpack", in, fs, err);
	r = r ? r : worker_finish(&w, &lines, err);
	if (r < 0)
		return r;
	if (sscanf(lines.data, "layer %64s %llu", got, &size) != 2 || strcmp(got, hex) != 0)
		return err_set(err, ERR_INVALID,
			       "its diff id is sha256:%.64s, the config says sha256:%.64s", got,
			       hex);
	snprintf(path, sizeof(path), "%s/size", hex);
	snprintf(got, sizeof(got), "%llu\n", size);
	r = fd_replace_file(l->dir_fd, path, got, strlen(got), 0644, false);
	return r ? err_sys(err, r, "record the layer") : strings_append(&l->layers, hex);
}

/* Size recorded with a layer, published or just unpacked; false when there is no such layer. */
static bool layer_size(const struct load *l, const char *hex, uint64_t *size)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	char path[96];

	snprintf(path, sizeof(path), "layers/%s/size", hex);
	if (fd_read_file(l->engine->state_fd, path, 64, &text) < 0 &&
	    fd_read_file(l->dir_fd, path + 7, 64, &text) < 0)
		return false;
	*size = strtoull(text.data ? text.data : "", NULL, 10);
	return true;
}

static int prepare_layers(struct load *l, const struct manifest *m,
			  const struct image_config *config, struct err *err)
{
	int r = 0;

	l->size = 0;
	if (config->diff_ids.n != m->layers.n)
		return err_set(err, ERR_INVALID, "the config lists %zu layers, the archive %zu",
			       config->diff_ids.n, m->layers.n);
	for (size_t i = 0; r == 0 && i < m->layers.n; i++) {
		const char *hex = config->diff_ids.v[i] + 7;
		uint64_t size = 0;

		if (!layer_size(l, hex, &size)) {
			const struct file *f = need(l, m->layers.v[i], err);

			r = f ? unpack(l, f, hex, err) : -EINVAL;
			if (r < 0)
				return err_wrap(err, r, "layer %zu", i + 1);
			(void)layer_size(l, hex, &size);
		}
		l->size += size;
	}
	return r;
}

static int publish(struct load *l, struct err *err)
{
	int r = fd_mkdir_all(l->engine->state_fd, "layers", 0711);

	for (size_t i = 0; r == 0 && i < l->layers.n; i++) {
		char to[96];

		snprintf(to, sizeof(to), "layers/%s", l->layers.v[i]);
		if (renameat(l->dir_fd, l->layers.v[i], l->engine->state_fd, to) < 0 &&
		    errno != EEXIST && errno != ENOTEMPTY)
			r = -errno;
	}
	return r < 0 ? err_sys(err, r, "publish a layer") : 0;
}

/* Prepares (`commit` false) or records one image. */
static int one_image(struct load *l, const struct manifest *m, bool commit, char id[72],
		     struct err *err)
{
	cleanup(buf_deinit) struct buf json = BUF_NULL;
	cleanup(image_config_deinit) struct image_config config = { 0 };
	const struct file *f = need(l, m->config, err);
	int r = f ? read_document(l, m->config, &json, err) : -EINVAL;

	r = r ? r : image_config_parse(json.data, json.len, &config, err);
	r = r ? r : prepare_layers(l, m, &config, err);
	if (r < 0)
		return r;
	snprintf(id, 72, "sha256:%s", f->sha);
	if (!str_has_prefix(m->config, "blobs/") && strlen(m->config) == 69 &&
	    strncmp(m->config, f->sha, 64) != 0)
		return err_set(err, ERR_INVALID, "%.80s: its digest is sha256:%.64s", m->config,
			       f->sha);
	return commit ? image_insert(l->engine, id, json.data, json.len, &config, l->size, &m->tags,
				     err)
		      : 0;
}

int image_load(struct engine *engine, int in_fd,
	       int (*loaded)(void *ctx, const char *id, const struct strings *tags), void *ctx,
	       struct err *err)
{
	cleanup(load_deinit) struct load l = { .engine = engine, .dir_fd = -1, .files_fd = -1 };
	char id[72];
	int r = open_dir(&l, err);

	r = r ? r : scan(&l, in_fd, err);
	for (size_t i = 0; r == 0 && i < l.images.n; i++)
		r = one_image(&l, &l.images.v[i], false, id, err);
	r = r ? r : publish(&l, err);
	for (size_t i = 0; r == 0 && i < l.images.n; i++) {
		r = one_image(&l, &l.images.v[i], true, id, err);
		r = r ? r : loaded(ctx, id, &l.images.v[i].tags);
	}
	return r < 0 ? err_wrap(err, r, "load") : 0;
}
