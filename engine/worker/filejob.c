/* SPDX-License-Identifier: Apache-2.0 */
/* What cp and export do inside a container's root. In front of an archive that goes out stands what the path is, in
 * one line of "SIZE MODE SECONDS NANOSECONDS" and two texts with a NUL each: its name, and where it leads if it is
 * a link. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "fd.h"
#include "inroot.h"
#include "jobs.h"
#include "pack.h"
#include "str.h"

/* A path of a job, found. */
struct found {
	struct inroot_path path;
	struct stat st;
	const char *name; /* in dir */
	int dir;
};

static void found_deinit(struct found *f)
{
	closep(&f->dir);
}

static int find(struct found *f, const struct file_job *job, struct err *err)
{
	f->dir = -1;
	if (!job->args[0])
		return err_set(err, ERR_INTERNAL, "no path");
	int r = inroot_clean(job->args[0], &f->path, err);

	return r ? r : inroot_locate(job->dir_fd, &f->path, &f->dir, &f->name, &f->st, err);
}

static int tell(const struct found *f, const struct file_job *job, struct err *err)
{
	cleanup(buf_deinit) struct buf head = BUF_NULL;
	cleanup_free char *target = NULL;

	/* one that leads in a circle leads nowhere */
	if (S_ISLNK(f->st.st_mode) && inroot_resolve(job->dir_fd, f->path.text, &target, NULL) < 0)
		target = NULL;
	buf_printf(&head, "%llu %u %lld %u\n", (unsigned long long)f->st.st_size, f->st.st_mode,
		   (long long)f->st.st_mtim.tv_sec, (unsigned int)f->st.st_mtim.tv_nsec);
	buf_append(&head, f->path.name, strlen(f->path.name) + 1);
	buf_append(&head, str_or_empty(target), strlen(str_or_empty(target)) + 1);
	int r = head.error ? head.error : fd_write_all(job->stream_fd, head.data, head.len);
	return r < 0 ? err_sys(err, r, "tell what the path is") : 0;
}

/* What the kernel shows in a file system of its own is none of the container's files: for Docker, that looks at the
 * root from outside, it is not there. */
static int find_file(struct found *f, const struct file_job *job, struct err *err)
{
	int r = find(f, job, err);

	return r == 0 && !f->path.directory && kernelfs_at(f->dir)
		       ? inroot_failed(-ENOENT, f->path.text, err)
		       : r;
}

int job_stat(const struct file_job *job, struct err *err)
{
	cleanup(found_deinit) struct found f;
	int r = find_file(&f, job, err);

	return r ? r : tell(&f, job, err);
}

/* A directory that was named as one, maybe by a link to it: it is packed under that name. */
static int pack_named_dir(struct pack *p, const struct found *f, struct err *err)
{
	const char *name = strcmp(f->path.name, "/") == 0 ? "." : f->path.name;
	cleanup_free char *prefix = str_printf("%s/", name);
	cleanup_fd int fd = openat(f->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (!prefix || fd < 0)
		return err_sys(err, prefix ? errno : ENOMEM, "open %.120s", f->path.text);
	int r = pack_dir(p, fd, prefix, err);

	return r ? r : pack_below(p, fd, prefix, err);
}

static struct pack packing(const struct file_job *job)
{
	return (struct pack){ .write = job_write,
			      .ctx = (void *)(uintptr_t)&job->stream_fd,
			      .no_kernel = true };
}

int job_get(const struct file_job *job, struct err *err)
{
	cleanup(found_deinit) struct found f;
	cleanup(pack_deinit) struct pack p = packing(job);
	int r = find_file(&f, job, err);

	if (r == 0 && !(job->args[1] && strcmp(job->args[1], "bare") == 0))
		r = tell(&f, job, err);
	r = r ? r : pack_open(&p, err);
	if (r == 0)
		r = f.path.directory ? pack_named_dir(&p, &f, err)
				     : pack_one(&p, f.dir, f.name, f.path.name, err);
	return r ? r : pack_finish(&p, err);
}

int job_export(const struct file_job *job, struct err *err)
{
	cleanup(pack_deinit) struct pack p = packing(job);
	int r = pack_open(&p, err);

	r = r ? r : pack_below(&p, job->dir_fd, "", err);
	return r ? r : pack_finish(&p, err);
}

int job_put(const struct file_job *job, struct err *err)
{
	struct inroot_path path;
	struct input input = { .fd = -1 };
	cleanup_fd int dir = -1;
	int r = job->args[0] ? inroot_clean(job->args[0], &path, err)
			     : err_set(err, ERR_INTERNAL, "no path");

	if (r == 0)
		dir = inroot_open(job->dir_fd, &path, O_RDONLY | O_DIRECTORY, err);
	r = r || dir >= 0 ? r : dir;
	r = r ? r : input_open(&input, job->stream_fd, err);
	r = r ? r
	      : unpack_files(input_read, &input, dir,
			     job->args[1] && strcmp(job->args[1], "keep-kind") == 0, err);
	input_deinit(&input);
	if (r == -EROFS)
		return err_set(err, ERR_PRECONDITION,
			       "%.160s: container rootfs or volume is marked read-only", path.text);
	return r;
}
