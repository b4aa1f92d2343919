/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fd.h"
#include "files.h"
#include "files_part.h"
#include "history.h"

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

int files_put(struct engine *engine, const Cleat__V1__PutArchiveRequest__Target *target,
	      const struct feed_source *source, struct err *err)
{
	cleanup(record_deinit) struct record record = { 0 };
	cleanup(root_deinit) struct root root = ROOT_NULL;
	int r = files_find(engine, target->container, &record, err);

	r = r ? r : root_open(&root, engine, &record, ROOT_WRITE, err);
	if (r < 0)
		return r;
	if (root_word(&root, target->path) < 0 ||
	    (target->no_overwrite_dir_non_dir && root_word(&root, "keep-kind") < 0))
		return err_sys(err, ENOMEM, "copy");
	r = run(engine, &root, source, err);
	if (r == 0)
		history_action(engine, &record, "extract-to-dir", NULL);
	return r;
}
