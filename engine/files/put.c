/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fd.h"
#include "files.h"
#include "files_part.h"
#include "history.h"
#include "lease.h"

static int run(struct engine *engine, const struct root *root, const struct feed_source *source,
	       struct err *err)
{
	cleanup(worker_deinit) struct worker worker = WORKER_NULL;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, errno, "socketpair");
	int r = root_start(root, engine, "put", pair[0], &worker, err);

	close(pair[0]);
	if (r == 0)
		r = feed_socket(pair[1], source, err);
	close(pair[1]);
	return r < 0 ? r : files_finish(&worker, err);
}

/* Opens the root and says where in it. */
static int open_target(struct root *root, struct engine *engine, const struct record *record,
		       const Cleat__V1__PutArchiveRequest__Target *target, struct err *err)
{
	int r = root_open(root, engine, record, ROOT_WRITE, err);

	if (r < 0)
		return r;
	if (root_word(root, target->path) < 0 ||
	    (target->no_overwrite_dir_non_dir && root_word(root, "keep-kind") < 0))
		return err_sys(err, ENOMEM, "copy");
	return 0;
}

/* Into a container that does not run: while it is written to nobody can start or remove it. That must not depend on a
 * client's pauses, so that what it sends is kept first; by then the container may have gone, or run. */
static int put_kept(struct engine *engine, const struct record *record,
		    const Cleat__V1__PutArchiveRequest__Target *target,
		    const struct feed_source *source, struct err *err)
{
	cleanup(record_deinit) struct record now = { 0 };
	cleanup(root_deinit) struct root root = ROOT_NULL;
	cleanup(lease_deinit) struct lease lease = LEASE_NULL;
	cleanup_free struct feed_file *file = malloc(sizeof(*file));
	int r = file ? lease_open(&lease, engine->state_fd, err) : err_sys(err, ENOMEM, "copy");

	if (r < 0)
		return r;
	cleanup_fd int fd = feed_spool(lease.fd, source, err);

	r = fd < 0 ? fd : files_find(engine, record->id, &now, err);
	r = r ? r : open_target(&root, engine, &now, target, err);
	if (r < 0)
		return r;
	file->fd = fd;

	const struct feed_source kept = { feed_file_next, file };

	return run(engine, &root, &kept, err);
}

/* Into the root that a container's process has, whatever becomes of the container; 1 when it has none. */
static int put_running(struct engine *engine, const struct record *record,
		       const Cleat__V1__PutArchiveRequest__Target *target,
		       const struct feed_source *source, struct err *err)
{
	cleanup(root_deinit) struct root root = ROOT_NULL;
	int r = open_target(&root, engine, record, target, err);

	if (r < 0)
		return r;
	return root.entered ? run(engine, &root, source, err) : 1;
}

int files_put(struct engine *engine, const Cleat__V1__PutArchiveRequest__Target *target,
	      const struct feed_source *source, struct err *err)
{
	cleanup(record_deinit) struct record record = { 0 };
	int r = files_find(engine, target->container, &record, err);

	r = r ? r : put_running(engine, &record, target, source, err);
	if (r == 1)
		r = put_kept(engine, &record, target, source, err);
	if (r == 0)
		history_action(engine, &record, "extract-to-dir", NULL);
	return r;
}
