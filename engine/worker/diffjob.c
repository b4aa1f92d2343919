/* SPDX-License-Identifier: Apache-2.0 */
/* Changes as Docker tells them: what the upper directory has and the layers below have too is changed, what they
 * have not is added; a directory that only holds changes is told as changed before them. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "buf.h"
#include "fd.h"
#include "jobs.h"
#include "pack.h"
#include "str.h"

enum { FLUSH_BYTES = 64 << 10 };

struct diff {
	int fd; /* of the stream */
	struct buf out;
	struct buf path; /* of the directory at hand, "/" at its end */
};

/* A directory on the way down. */
struct level {
	struct level *parent; /* NULL = the root's, which is never told */
	size_t path_len;      /* with its '/' */
	bool told;
	int upper, lower; /* lower -1: the layers below have none */
	int depth;
};

static int flush(struct diff *d, struct err *err)
{
	int r = d->out.error ? d->out.error : fd_write_all(d->fd, d->out.data, d->out.len);

	d->out.len = 0;
	return r < 0 ? err_sys(err, r, "tell the changes") : 0;
}

static int put(struct diff *d, char kind, size_t dir_len, const char *name, struct err *err)
{
	buf_putc(&d->out, kind);
	buf_append(&d->out, d->path.data, dir_len);
	buf_append(&d->out, name, strlen(name) + 1);
	return d->out.len >= FLUSH_BYTES || d->out.error ? flush(d, err) : 0;
}

static int tell_dirs(struct diff *d, struct level *l, struct err *err)
{
	if (l->told || !l->parent)
		return 0;
	int r = tell_dirs(d, l->parent, err);

	l->told = true;
	return r ? r : put(d, 'C', l->path_len - 1, "", err);
}

static int tell(struct diff *d, struct level *l, char kind, const char *name, struct err *err)
{
	int r = tell_dirs(d, l, err);

	return r ? r : put(d, kind, l->path_len, name, err);
}

static int below(struct diff *d, struct level *l, struct err *err);

static bool same_dir(const struct stat *a, const struct stat *b)
{
	return a->st_mode == b->st_mode && a->st_uid == b->st_uid && a->st_gid == b->st_gid;
}

static int open_dir(int dir_fd, const char *name)
{
	return openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* What an opaque directory hides and does not have itself is deleted. */
static int tell_hidden(struct diff *d, struct level *l, struct err *err)
{
	cleanup(names_deinit) struct names names = { 0 };
	struct stat st;
	int r = attributes_opaque(l->upper);

	if (r == 1)
		r = names_read(l->lower, &names);
	if (r < 0)
		return err_sys(err, r, "read a directory's attributes");
	for (size_t i = 0; r == 0 && i < names.n; i++)
		if (fstatat(l->upper, names.v[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
			r = tell(d, l, 'D', names.v[i], err);
	return r;
}

static int enter(struct diff *d, struct level *parent, const char *name, bool in_lower, bool told,
		 struct err *err)
{
	cleanup_fd int upper = open_dir(parent->upper, name);
	cleanup_fd int lower = in_lower ? open_dir(parent->lower, name) : -1;
	struct level l = { .parent = parent,
			   .told = told,
			   .upper = upper,
			   .lower = lower,
			   .depth = parent->depth + 1 };

	if (upper < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP
			       ? 0 /* it went away */
			       : err_sys(err, errno, "open \"%.120s\"", name);
	if (l.depth > PACK_DEPTH_MAX)
		return err_set(err, ERR_INVALID, "more than %d directories deep", PACK_DEPTH_MAX);
	buf_printf(&d->path, "%s/", name);
	if (d->path.error)
		return err_sys(err, ENOMEM, "tell the changes");
	l.path_len = d->path.len;
	int r = lower >= 0 ? tell_hidden(d, &l, err) : 0;

	r = r ? r : below(d, &l, err);
	d->path.len = parent->path_len;
	d->path.data[d->path.len] = '\0';
	return r;
}

static int one(struct diff *d, struct level *l, const char *name, struct err *err)
{
	struct stat upper, lower;

	if (fstatat(l->upper, name, &upper, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(err, errno, "look at \"%.120s\"", name);
	bool there = l->lower >= 0 && fstatat(l->lower, name, &lower, AT_SYMLINK_NOFOLLOW) == 0;

	if (S_ISCHR(upper.st_mode) && upper.st_rdev == 0)
		return there ? tell(d, l, 'D', name, err) : 0;
	bool both = there && S_ISDIR(upper.st_mode) && S_ISDIR(lower.st_mode);
	bool told = !both || !same_dir(&upper, &lower);
	int r = told ? tell(d, l, there ? 'C' : 'A', name, err) : 0;

	return r || !S_ISDIR(upper.st_mode) ? r : enter(d, l, name, both, told, err);
}

static int below(struct diff *d, struct level *l, struct err *err)
{
	cleanup(names_deinit) struct names names = { 0 };
	int r = names_read(l->upper, &names);

	if (r < 0)
		return err_sys(err, r, "read a directory");
	for (size_t i = 0; r == 0 && i < names.n; i++)
		r = one(d, l, names.v[i], err);
	return r;
}

int job_diff(const struct file_job *job, struct err *err)
{
	struct diff d = { .fd = job->stream_fd };
	struct level root = { .path_len = 1, .lower = job->dir_fd };
	int64_t number;

	if (!job->args[0] || str_int_in(job->args[0], 0, INT32_MAX, &number) < 0)
		return err_set(err, ERR_INTERNAL, "diff: no descriptor");
	root.upper = (int)number;
	buf_putc(&d.path, '/');
	int r = d.path.error ? err_sys(err, ENOMEM, "diff") : below(&d, &root, err);

	r = r ? r : flush(&d, err);
	buf_deinit(&d.path);
	buf_deinit(&d.out);
	return r;
}
