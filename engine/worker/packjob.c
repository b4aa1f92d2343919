/* SPDX-License-Identifier: Apache-2.0 */
/* The jobs that make archives of what they are confined to. */
#include <errno.h>
#include <fcntl.h>

#include "fault.h"
#include "fd.h"
#include "jobs.h"
#include "pack.h"

/* The directory above all has an entry only where it is no new one: a layer that changes nothing is empty. */
static int put_root(struct pack *p, int dir_fd, struct err *err)
{
	struct stat st;

	if (fstat(dir_fd, &st) < 0)
		return err_sys(err, errno, "look at the directory");
	if ((st.st_mode & 07777) == 0755 && st.st_uid == 0 && st.st_gid == 0)
		return 0;
	return pack_dir(p, dir_fd, "./", err);
}

int job_write(void *ctx, const void *data, size_t n, struct err *err)
{
	int r = fd_write_all(*(const int *)ctx, data, n);

	if (r == -EPIPE)
		return err_set(err, ERR_ABORTED, "nobody reads the archive any more");
	return r < 0 ? err_sys(err, r, "write") : 0;
}

int job_pack(const struct file_job *job, struct err *err)
{
	cleanup(pack_deinit) struct pack p = { .write = job_write,
					       .ctx = (void *)(uintptr_t)&job->stream_fd,
					       .layer = true };
	int r = pack_open(&p, err);

	r = r ? r : put_root(&p, job->dir_fd, err);
	fault_point(FAULT_WORKER_PACK_BEGUN);
	r = r ? r : pack_below(&p, job->dir_fd, "", err);
	r = r ? r : pack_finish(&p, err);
	fault_point(FAULT_WORKER_PACK_ENDED);
	return r;
}
