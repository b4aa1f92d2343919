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
#include "fd.h"
#include "log.h"
#include "str.h"

static const struct layer_driver *const drivers[] = { &layer_driver_dir };

static int choose(struct layers *layers, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(drivers); i++) {
		if (drivers[i]->probe(layers, err) == 0) {
			layers->driver = drivers[i];
			log_info("layer driver=%s", drivers[i]->name);
			return 0;
		}
		log_warn("layer driver=%s unusable reason=\"%s\"", drivers[i]->name, err->message);
	}
	return err_wrap(err, -ENOTSUP, "no layer driver works here");
}

int layers_open(struct layers **out, const char *state_dir, int state_fd, struct err *err)
{
	struct layers *layers = calloc(1, sizeof(*layers));
	int r;

	if (!layers)
		return err_sys(err, ENOMEM, "layers");
	layers->state_fd = state_fd;
	layers->layers_fd = -1;
	layers->state_dir = strdup(state_dir);
	r = fd_mkdir_all(state_fd, "layers", 0700);
	if (r == 0)
		layers->layers_fd = openat(state_fd, "layers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!layers->state_dir || layers->layers_fd < 0 || fchmod(layers->layers_fd, 0700) < 0)
		r = err_sys(err, r ? r : errno, "open the layers' directory");
	r = r ? r : choose(layers, err);
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
	closep(&layers->layers_fd);
	free(layers->state_dir);
	free(layers);
	return NULL;
}

const char *layers_driver(const struct layers *layers)
{
	return layers->driver->name;
}

const char *layers_job(const struct layers *layers)
{
	return layers->driver->job;
}

/* Calls `one` for each layer's directory; a result other than 0 ends the walk. */
static int each(const struct layers *layers, int (*one)(void *ctx, const char *diff), void *ctx,
		struct err *err)
{
	int fd = openat(layers->layers_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		return err_sys(err, errno, "read the layers' directory");
	for (struct dirent *e; r == 0 && (e = readdir(dir));)
		if (str_is_id(e->d_name))
			r = one(ctx, e->d_name);
	closedir(dir);
	return r;
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
	char path[80];

	snprintf(path, sizeof(path), "%s/size", diff);
	int r = fd_read_file(layers->layers_fd, path, 64, &text);

	if (r < 0)
		return r;
	if (text.len && text.data[text.len - 1] == '\n')
		text.data[text.len - 1] = '\0';
	return str_u64(str_or_empty(text.data), size_bytes);
}

int layers_sync(const struct layers *layers, const struct lease *lease, struct err *err)
{
	return layers->driver->sync(layers, lease->fd, err);
}

int layers_publish(const struct layers *layers, const struct lease *lease, unsigned int number,
		   const char *diff, uint64_t size_bytes, struct err *err)
{
	return layers->driver->publish(layers, lease->fd, number, diff, size_bytes, err);
}

int layers_lower(const struct layers *layers, const char *diff, char **out)
{
	return layers->driver->lower(layers, diff, out);
}

int layers_remove(const struct layers *layers, const char *diff, const struct lease *lease,
		  struct err *err)
{
	int r = layers->driver->remove(layers, diff, lease->fd);

	return r < 0 && r != -ENOENT ? err_sys(err, r, "remove layer %.12s", diff) : 0;
}

struct sweep {
	const struct layers *layers;
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

int layers_sweep(const struct layers *layers, const struct lease *lease,
		 int (*used)(void *ctx, const char *diff), void *ctx, struct err *err)
{
	struct sweep sweep = { layers, lease, used, ctx, err };

	return each(layers, sweep_one, &sweep, err);
}
