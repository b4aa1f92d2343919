/* SPDX-License-Identifier: Apache-2.0 */
#include "stack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base.h"
#include "buf.h"
#include "fault.h"
#include "layer.h"
#include "store.h"
#include "str.h"

static void write_config(const struct stack *stack, struct buf *out)
{
	buf_puts(out, "{\"architecture\":\"\",\"os\":\"linux\",\"config\":{},\"rootfs\":{"
		      "\"type\":\"layers\",\"diff_ids\":[");
	for (size_t i = 0; i < stack->layers.n; i++)
		buf_printf(out, "%s\"%s\"", i ? "," : "", stack->layers.v[i]);
	buf_puts(out, "]}}");
}

static int insert_layers(struct stack *stack, size_t from, struct err *err)
{
	int r = 0;

	for (size_t i = from; r >= 0 && i < stack->layers.n; i++)
		r = store_run(
			stack->engine->store, err,
			"INSERT INTO image_layers(image_id, position, diff_id) VALUES(?, ?, ?)",
			"sis", stack->id, (int64_t)i, stack->layers.v[i]);
	return r < 0 ? r : 0;
}

/* The bytes that the layers came as, where they were kept: to go out with what is built. */
static int insert_blobs(struct stack *stack, size_t from, struct err *err)
{
	int r = 0;

	for (size_t i = from; r >= 0 && i < stack->layers.n; i++)
		r = store_run(stack->engine->store, err,
			      "INSERT OR IGNORE INTO image_blobs(image_id, digest) "
			      "SELECT ?, digest FROM blobs WHERE diff_id = ?",
			      "ss", stack->id, stack->layers.v[i]);
	return r < 0 ? r : 0;
}

/* The row as the stack is now; `from` is the first layer that is new. */
static int record(struct stack *stack, size_t from, struct err *err)
{
	cleanup(buf_deinit) struct buf json = BUF_NULL;
	struct store *store = stack->engine->store;
	int r;

	write_config(stack, &json);
	if (json.error)
		return err_sys(err, json.error, "build");
	r = store_begin(store, err);
	if (r < 0)
		return r;
	r = store_run(store, err,
		      "INSERT INTO images(id, config, lease) VALUES(?, ?, ?) "
		      "ON CONFLICT(id) DO UPDATE SET config = excluded.config",
		      "sbs", stack->id, json.data, json.len, stack->lease);
	r = r < 0 ? r : insert_layers(stack, from, err);
	r = r < 0 ? r : insert_blobs(stack, from, err);
	int ended = store_end(store, r == 0, err);

	fault_point(FAULT_BUILD_STAGE_RECORDED);
	return r ? r : ended;
}

int stack_open(struct stack *stack, struct engine *engine, const char *lease,
	       const struct strings *layers, uint64_t size_bytes, struct err *err)
{
	int r = 0;

	*stack = (struct stack){ .engine = engine, .lease = lease, .size_bytes = size_bytes };
	memcpy(stack->id, "sha256:", 7);
	str_random_id(stack->id + 7);
	for (size_t i = 0; r == 0 && i < layers->n; i++)
		r = strings_append(&stack->layers, layers->v[i]);
	return r < 0 ? err_sys(err, r, "build") : record(stack, 0, err);
}

void stack_deinit(struct stack *stack)
{
	strings_deinit(&stack->layers);
}

int stack_push(struct stack *stack, const char *diff_id, uint64_t size_bytes, int64_t created_ns,
	       struct err *err)
{
	if (stack->layers.n >= MANIFEST_LAYERS_MAX)
		return err_set(err, ERR_INVALID, "the image would have more than %d layers",
			       MANIFEST_LAYERS_MAX);
	if (strings_append(&stack->layers, diff_id) < 0)
		return err_sys(err, ENOMEM, "build");
	stack->size_bytes += size_bytes;
	stack->created_ns = created_ns;
	return record(stack, stack->layers.n - 1, err);
}

int stack_drop_all(struct engine *engine, const char *lease, struct err *err)
{
	int r = store_run(engine->store, err, "DELETE FROM images WHERE lease = ?", "s", lease);

	return r < 0 ? r : 0;
}

/* ---- directories */

static int add_layer(struct lowers *lowers, struct engine *engine, const char *diff_id,
		     struct err *err)
{
	int fd = layers_root(engine->layers, diff_id + 7, err);

	if (fd < 0)
		return fd;
	lowers->fds[lowers->n++] = fd;
	return 0;
}

static int add_base(struct lowers *lowers, struct engine *engine, struct err *err)
{
	cleanup_free char *path = base_path(engine);
	int fd = path ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd < 0)
		return err_sys(err, path ? errno : ENOMEM, "open the base layer");
	lowers->fds[lowers->n++] = fd;
	return 0;
}

int lowers_open(struct lowers *lowers, const struct stack *stack, struct err *err)
{
	int r = 0;

	lowers->fds = calloc(stack->layers.n + 1, sizeof(*lowers->fds));
	if (!lowers->fds)
		return err_sys(err, ENOMEM, "build");
	for (size_t i = stack->layers.n; r == 0 && i-- > 0;)
		r = add_layer(lowers, stack->engine, stack->layers.v[i], err);
	return r ? r : add_base(lowers, stack->engine, err);
}

int lowers_open_empty(struct lowers *lowers, struct engine *engine, struct err *err)
{
	lowers->fds = calloc(1, sizeof(*lowers->fds));
	return lowers->fds ? add_base(lowers, engine, err) : err_sys(err, ENOMEM, "build");
}

void lowers_deinit(struct lowers *lowers)
{
	for (size_t i = 0; i < lowers->n; i++)
		close(lowers->fds[i]);
	free(lowers->fds);
	*lowers = (struct lowers){ 0 };
}
