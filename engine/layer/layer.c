/* SPDX-License-Identifier: Apache-2.0 */
/* STATE/layers is 0700: a layer holds set-user-ID programs and device nodes of whoever made the image,
 * and no user of the host may come by them. Overlayfs reads lower layers as who mounted it. */
#include "layer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "driver.h"
#include "fault.h"
#include "fd.h"
#include "log.h"
#include "str.h"

enum { RECORD_MAX = 256, NUMBER_MAX = 24 };

/* The best first. */
static const struct layer_driver *const drivers[] = { &layer_driver_erofs, &layer_driver_dir };

/* Calls `one` for each layer's directory; a result other than 0 ends the walk. */
static int each(const struct layers *layers, int (*one)(void *ctx, const char *diff), void *ctx,
		struct err *err)
{
	int fd = openat(layers->layers_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *dir = fd_dir(fd);

	if (!dir)
		return err_sys(err, errno, "read the layers' directory");
	for (struct dirent *e; r == 0 && (e = readdir(dir));)
		if (str_is_id(e->d_name))
			r = one(ctx, e->d_name);
	closedir(dir);
	return r;
}

static int is_of(void *ctx, const char *diff)
{
	const struct layers *layers = ctx;

	return layers->driver->owns(layers, diff);
}

/* A probe writes files, which a full disk has no room for; layers that are here tell as well that the driver works.
 * So an engine starts on such a disk, with the driver it had, and users can remove things. */
static bool has_worked(struct layers *layers, const struct layer_driver *driver)
{
	layers->driver = driver;
	return each(layers, is_of, layers, NULL) == 1;
}

static int choose(struct layers *layers, const char *wanted, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(drivers); i++) {
		if (wanted[0] && strcmp(wanted, drivers[i]->name) != 0)
			continue;
		int r = drivers[i]->probe(layers, err);

		if (r == 0 || (err->code == ERR_EXHAUSTED && has_worked(layers, drivers[i]))) {
			layers->driver = drivers[i];
			log_info("layer driver=%s", drivers[i]->name);
			return 0;
		}
		log_info("layer driver=%s unusable reason=\"%s\"", drivers[i]->name, err->message);
	}
	return wanted[0] ? err_wrap(err, -ENOTSUP, "layer-driver \"%s\" does not work here", wanted)
			 : err_wrap(err, -ENOTSUP, "no layer driver works here");
}

int layers_open(struct layers **out, const struct layers_options *options, struct err *err)
{
	struct layers *layers = calloc(1, sizeof(*layers));
	int r;

	if (!layers)
		return err_sys(err, ENOMEM, "layers");
	mountcache_init(&layers->mounts);
	layers->state_fd = options->state_fd;
	layers->layers_fd = -1;
	layers->max_bytes = options->max_bytes;
	layers->state_dir = strdup(options->state_dir);
	layers->bin_dir = strdup(options->bin_dir);
	r = fd_mkdir_all(layers->state_fd, "layers", 0700);
	if (r == 0)
		layers->layers_fd =
			openat(layers->state_fd, "layers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!layers->state_dir || !layers->bin_dir || layers->layers_fd < 0 ||
	    fchmod(layers->layers_fd, 0700) < 0)
		r = err_sys(err, r ? r : errno, "open the layers' directory");
	r = r ? r : choose(layers, options->driver, err);
	if (r < 0)
		layers_free(layers);
	else
		*out = layers;
	return r;
}

struct layers *layers_free(struct layers *layers)
{
	if (!layers)
		return NULL;
	mountcache_deinit(&layers->mounts);
	closep(&layers->layers_fd);
	free(layers->state_dir);
	free(layers->bin_dir);
	free(layers);
	return NULL;
}

/* The driver that the layer was written with. */
static const struct layer_driver *owner(const struct layers *layers, const char *diff)
{
	for (size_t i = 0; i < ARRAY_LEN(drivers); i++)
		if (drivers[i]->owns(layers, diff))
			return drivers[i];
	return layers->driver; /* which then says what is missing */
}

const char *layers_driver(const struct layers *layers)
{
	return layers->driver->name;
}

static void print_limit(const struct layers *layers, char out[NUMBER_MAX])
{
	(void)snprintf(out, NUMBER_MAX, "%llu", (unsigned long long)layers->max_bytes);
}

int layers_start(const struct layers *layers, enum layers_source source, int in_fd, int lease_fd,
		 struct worker *worker, struct err *err)
{
	const struct layer_driver *d = layers->driver;
	char max_bytes[NUMBER_MAX];
	const char *const words[] = { max_bytes, NULL };
	const struct worker_call call = {
		.job = source == LAYERS_ARCHIVE ? d->job
		       : source == LAYERS_TAR   ? d->tar_job
						: d->layer_job,
		.words = words,
		.stream_fd = in_fd,
		.dir_fd = lease_fd,
	};

	print_limit(layers, max_bytes);
	return worker_start_call(worker, layers->bin_dir, &call, err);
}

int layers_start_standing(const struct layers *layers, int dir_fd, struct standing *worker,
			  struct err *err)
{
	char max_bytes[NUMBER_MAX];
	const char *const words[] = { layers->driver->tar_job, max_bytes, NULL };

	print_limit(layers, max_bytes);
	return standing_start(worker, layers->bin_dir, words, dir_fd, err);
}

static int add_line(void *ctx, const char *diff)
{
	struct buf *out = ctx;

	buf_printf(out, "%s\n", diff);
	return out->error;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, 64);
}

int layers_list(const struct layers *layers, struct buf *out, struct err *err)
{
	int r = each(layers, add_line, out, err);

	if (r == 0 && out->len)
		qsort(out->data, out->len / 65, 65, compare);
	return r < 0 ? err_wrap(err, r, "list the layers") : 0;
}

int layers_size(const struct layers *layers, const char *diff, uint64_t *size_bytes)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	struct layerrecord record;
	char path[80];

	snprintf(path, sizeof(path), "%s/size", diff);
	int r = fd_read_file(layers->layers_fd, path, RECORD_MAX, &text);

	r = r ? r : layerrecord_parse(str_or_empty(text.data), &record);
	if (r == 0)
		*size_bytes = record.size_bytes;
	return r;
}

int layers_sync(const struct layers *layers, const struct lease *lease, struct err *err)
{
	return layers->driver->sync(layers, lease->fd, err);
}

static int write_record(const struct layers *layers, int dir_fd, uint64_t size_bytes, bool sync,
			struct err *err)
{
	struct layerrecord record = { .size_bytes = size_bytes };
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	int r = layers->driver->describe(dir_fd, &record, err);

	if (r < 0)
		return r;
	layerrecord_print(&record, &text);
	r = text.error ? text.error
		       : fd_replace_file(dir_fd, "size", text.data, text.len, 0600, sync);
	if (r == 0 && sync && fsync(dir_fd) < 0)
		r = -errno;
	return r < 0 ? err_sys(err, r, "write the record of a layer") : 0;
}

int layers_sync_all(const struct layers *layers, struct err *err)
{
	return syncfs(layers->layers_fd) < 0 ? err_sys(err, errno, "write the layers to disk") : 0;
}

static int publish(const struct layers *layers, const struct lease *lease, unsigned int number,
		   const char *diff, uint64_t size_bytes, bool sync, struct err *err)
{
	char from[16];

	snprintf(from, sizeof(from), "%u", number);
	cleanup_fd int dir = openat(lease->fd, from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = dir < 0 ? err_sys(err, errno, "publish layer %.12s", diff)
			: write_record(layers, dir, size_bytes, sync, err);

	if (r < 0)
		return r;
	fault_point(FAULT_LAYER_DESCRIBED);
	if (renameat(lease->fd, from, layers->layers_fd, diff) < 0 && errno != EEXIST &&
	    errno != ENOTEMPTY)
		r = -errno;
	fault_point(FAULT_LAYER_MOVED);
	if (r == 0 && sync && fsync(layers->layers_fd) < 0)
		r = -errno;
	fault_point(FAULT_LAYER_SYNCED);
	return r < 0 ? err_sys(err, r, "publish layer %.12s", diff) : 0;
}

int layers_publish(const struct layers *layers, const struct lease *lease, unsigned int number,
		   const char *diff, uint64_t size_bytes, struct err *err)
{
	return publish(layers, lease, number, diff, size_bytes, true, err);
}

int layers_publish_unsynced(const struct layers *layers, const struct lease *lease,
			    unsigned int number, const char *diff, uint64_t size_bytes,
			    struct err *err)
{
	return publish(layers, lease, number, diff, size_bytes, false, err);
}

int layers_path(const struct layers *layers, const char *diff, char **out)
{
	return owner(layers, diff)->path(layers, diff, out);
}

int layers_root(struct layers *layers, const char *diff, struct err *err)
{
	return owner(layers, diff)->open(layers, diff, err);
}

void layers_adopt(struct layers *layers, const char *diff, int fd)
{
	if (layer_driver_erofs.owns(layers, diff))
		mountcache_put(&layers->mounts, diff, fd);
}

int layers_tar(const struct layers *layers, const char *diff, int *fd)
{
	char path[80];

	snprintf(path, sizeof(path), "%s/tar", diff);
	int tar = openat(layers->layers_fd, path, O_RDONLY | O_CLOEXEC);

	if (tar < 0)
		return -errno;
	*fd = tar;
	return 0;
}

int layers_remove(struct layers *layers, const char *diff, const struct lease *lease,
		  struct err *err)
{
	mountcache_drop(&layers->mounts, diff);
	if (renameat(layers->layers_fd, diff, lease->fd, diff) < 0 && errno != ENOENT)
		return err_sys(err, errno, "remove layer %.12s", diff);
	fault_point(FAULT_REMOVE_LAYER_MOVED);
	return 0;
}

struct sweep {
	struct layers *layers;
	const struct lease *lease;
	int (*used)(void *ctx, const char *diff);
	void *ctx;
	struct err *err;
};

static int sweep_one(void *ctx, const char *diff)
{
	struct sweep *s = ctx;
	int r = s->used(s->ctx, diff);

	return r ? (r < 0 ? r : 0) : layers_remove(s->layers, diff, s->lease, s->err);
}

int layers_sweep(struct layers *layers, const struct lease *lease,
		 int (*used)(void *ctx, const char *diff), void *ctx, struct err *err)
{
	struct sweep sweep = { layers, lease, used, ctx, err };

	return each(layers, sweep_one, &sweep, err);
}
