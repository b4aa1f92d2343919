/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "changes.h"
#include "commit.h"
#include "fd.h"
#include "layer.h"
#include "str.h"
#include "workerjob.h"

static int unpack_as_it_comes(struct engine *engine, const struct lease *lease,
			      const struct feed_source *source, struct image_layer *layer,
			      struct err *err)
{
	cleanup(worker_deinit) struct worker worker = WORKER_NULL;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, errno, "socketpair");
	int r = image_layer_start(engine, lease, pair[0], &worker, err);

	close(pair[0]);
	if (r == 0)
		r = feed_socket(pair[1], source, err);
	close(pair[1]);
	return r < 0 ? r : image_layer_finish(&worker, layer, err);
}

static int unpack_from_file(struct engine *engine, const struct lease *lease,
			    const struct feed_source *source, struct image_layer *layer,
			    struct err *err)
{
	cleanup_fd int fd = image_layer_spool(lease, err);
	const void *data;
	size_t n;
	int r = fd < 0 ? fd : 1;

	while (r == 1 && (r = source->next(source->ctx, &data, &n, err)) == 1) {
		int w = fd_write_all(fd, data, n);

		if (w < 0)
			return err_sys(err, w, "write the archive");
	}
	return r < 0 ? r : image_layer_spooled(engine, lease, fd, layer, err);
}

int image_import(struct engine *engine, const struct image_import_options *options,
		 const struct feed_source *source, char id[72], struct err *err)
{
	cleanup(lease_deinit) struct lease lease = LEASE_NULL;
	json_t *config = json_object();
	struct image_layer layer;
	struct image_new n = {
		.layer = &layer,
		.config = config,
		.comment = str_or_empty(options->message)[0] ? options->message : "Imported from -",
		.created_ns = fd_realtime_ns(),
		.os = options->os,
		.architecture = options->architecture,
		.variant = options->variant,
		.reference = options->reference,
	};
	int r = str_or_empty(options->reference)[0] ? image_check_tag(options->reference, err) : 0;

	for (size_t i = 0; r == 0 && i < options->n_changes; i++)
		r = changes_apply(config, options->changes[i], err);
	r = r ? r : lease_open(&lease, engine->state_fd, err);
	if (r == 0)
		r = layers_keep_tar(engine->layers)
			    ? unpack_as_it_comes(engine, &lease, source, &layer, err)
			    : unpack_from_file(engine, &lease, source, &layer, err);
	r = r ? r : image_make(engine, &lease, &n, id, err);
	json_decref(config);
	return r;
}
