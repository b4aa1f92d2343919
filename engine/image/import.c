/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "commit.h"
#include "fd.h"
#include "str.h"
#include "workerjob.h"

static int unpack(struct engine *engine, const struct lease *lease,
		  const struct feed_source *source, struct image_layer *layer, struct err *err)
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
	return r < 0 ? r : image_layer_finish(lease, &worker, layer, err);
}

int image_import(struct engine *engine, const struct image_import_options *options,
		 const struct feed_source *source, char id[72], struct err *err)
{
	cleanup(lease_deinit) struct lease lease = LEASE_NULL;
	struct image_layer layer;
	struct image_new n = {
		.layer = &layer,
		.config = options->config,
		.comment = options->message,
		.created_ns = fd_realtime_ns(),
		.os = options->os,
		.architecture = options->architecture,
		.variant = options->variant,
		.reference = options->reference,
	};
	int r = str_or_empty(options->reference)[0] ? image_check_tag(options->reference, err) : 0;

	r = r ? r : lease_open(&lease, engine->state_fd, err);
	if (r == 0)
		r = unpack(engine, &lease, source, &layer, err);
	return r ? r : image_make(engine, &lease, &n, id, err);
}
