/* SPDX-License-Identifier: Apache-2.0 */
/* An image archive in one pass, as it comes from the client: nothing can be looked up ahead, so what
 * looks like a layer is kept at once and what does not is kept as a document. Both go under
 * numbers: names from outside never become names here. A file that turns out broken is reported, and
 * is an error only if an image needs it; a full disk ends the job. */
#include "jobs.h"

#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "buf.h"
#include "fault.h"
#include "fd.h"
#include "str.h"

enum { KNOWN_MAX = 64 << 20, KNOWN_LINE = 65 };

struct job {
	struct tarball t;
	struct input input;
	struct buf known; /* lines of 64 digits, sorted */
	const struct job_tools *tools;
	int dir_fd;
	FILE *out;
};

static int compare_line(const void *a, const void *b)
{
	return memcmp(a, b, KNOWN_LINE - 1);
}

/* The diff id an archive's path promises, when the engine has that layer; NULL otherwise.
 * blobs/sha256/HEX, HEX.tar and HEX/layer.tar are in use. */
static const char *known_layer(const struct job *j, const char *path)
{
	size_t n = strlen(path);

	for (size_t i = 0; i + 64 <= n && j->known.len; i++) {
		size_t run = strspn(path + i, "0123456789abcdef");

		if (run == 64)
			return bsearch(path + i, j->known.data, j->known.len / KNOWN_LINE,
				       KNOWN_LINE, compare_line);
		i += run;
	}
	return NULL;
}

/* A member whose bytes are written to a file as they are read. */
struct kept {
	struct member *member;
	int fd;
};

static ssize_t kept_read(void *ctx, const void **data, struct err *err)
{
	const struct kept *k = ctx;
	ssize_t n = member_read(k->member, data, err);
	int r = n > 0 ? fd_write_all(k->fd, *data, (size_t)n) : 0;

	return r < 0 ? err_sys(err, r, "keep a layer") : n;
}

/* Keeps the layer as it came too, as NUMBER.blob: neither a tree nor a tar gives the same bytes again. */
static int keep_both(struct job *j, struct member *m, unsigned int number, char diff[65],
		     uint64_t *size, struct err *err)
{
	char name[24];
	const void *data;
	ssize_t n = 0;

	snprintf(name, sizeof(name), "%u.blob", number);
	cleanup_fd int fd = openat(j->dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct kept kept = { m, fd };

	if (fd < 0)
		return err_sys(err, errno, "keep a layer");
	int r = j->tools->keep(j->tools, kept_read, &kept, j->dir_fd, number, diff, size, err);

	while (r == 0 && (n = kept_read(&kept, &data, err)) > 0)
		;
	fault_point(FAULT_WORKER_BLOB_KEPT);
	return r ? r : (int)n;
}

/* Driver `erofs` has a plain tar anyway. */
static int keep_layer(struct job *j, struct member *m, bool plain, unsigned int number,
		      char diff[65], uint64_t *size, struct err *err)
{
	return plain && j->tools->keep != layer_unpack
		       ? j->tools->keep(j->tools, member_read, m, j->dir_fd, number, diff, size,
					err)
		       : keep_both(j, m, number, diff, size, err);
}

static int layer(struct job *j, struct member *m, unsigned int number, const char *path,
		 struct err *err)
{
	bool plain = m->first_len && tarball_kind(m->first, m->first_len) == TARBALL_PLAIN;
	const char *known = plain ? known_layer(j, path) : NULL;
	char sha[65], diff[65] = "";
	uint64_t size = 0;
	int r = known ? 0 : keep_layer(j, m, plain, number, diff, &size, err);

	fault_point(FAULT_WORKER_LAYER_KEPT);
	r = r ? r : member_finish(m, sha, err);
	if (r < 0)
		return r;
	if (known && strncmp(known, sha, 64) != 0)
		return err_set(err, ERR_INVALID, "its digest is sha256:%s", sha);
	fprintf(j->out, "layer %u %llu %s %s %s\n", known ? 0 : number, (unsigned long long)size,
		sha, known ? sha : diff, path);
	return 0;
}

static int document(struct job *j, struct member *m, unsigned int number, const char *path,
		    struct err *err)
{
	char name[16], sha[65];
	const void *data;
	ssize_t n;

	snprintf(name, sizeof(name), "%u", number);
	cleanup_fd int fd = openat(j->dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_sys(err, errno, "create a temporary file");
	while ((n = member_read(m, &data, err)) > 0) {
		if (m->size > JOB_DOCUMENT_MAX)
			return err_set(err, ERR_INVALID,
				       "it is no tar, and longer than the %d MiB of a document",
				       JOB_DOCUMENT_MAX >> 20);
		int r = fd_write_all(fd, data, (size_t)n);

		if (r < 0)
			return err_sys(err, r, "write");
	}
	int r = n < 0 ? (int)n : member_finish(m, sha, err);

	fault_point(FAULT_WORKER_DOCUMENT_WRITTEN);
	if (r == 0)
		fprintf(j->out, "file %u %llu %s - %s\n", number, (unsigned long long)m->size, sha,
			path);
	return r;
}

/* What is wrong with this file alone is a line of the result; 0 then. */
static int one_file(struct job *j, unsigned int number, const char *path, struct err *err)
{
	struct err own = ERR_NULL;
	struct member m;
	int r = member_open(&m, &j->t.tar, &own);

	if (r == 0 && tarball_kind(m.first, m.first_len) == TARBALL_OTHER)
		r = document(j, &m, number, path, &own);
	else if (r == 0)
		r = layer(j, &m, number, path, &own);
	member_deinit(&m);
	if (r < 0 && own.code != ERR_INVALID) {
		if (err)
			*err = own;
		return err_wrap(err, r, "%.100s", path);
	}
	if (r < 0)
		fprintf(j->out, "bad %s\t%s\n", path, own.message);
	return 0;
}

static int one_entry(struct job *j, const struct tar_entry *e, unsigned int number, struct err *err)
{
	bool is_link = e->type == TAR_SYMLINK || e->type == TAR_HARDLINK;
	const char *path = e->path, *link = is_link ? e->link : NULL;

	while (path && path[0] == '.' && path[1] == '/')
		path += 2;
	if (!path || strlen(path) > JOB_PATH_MAX || strpbrk(path, "\n\t"))
		return err_set(err, ERR_INVALID, "entry %u has a bad name", number);
	if (number > JOB_FILES_MAX)
		return err_set(err, ERR_INVALID, "more than %d files", JOB_FILES_MAX);
	if (link && strlen(link) <= JOB_PATH_MAX && !strpbrk(link, "\n\t"))
		fprintf(j->out, "link %s\t%s\n", link, path);
	else if (e->type == TAR_FILE)
		return one_file(j, number, path, err);
	return 0;
}

static int read_known(struct job *j, struct err *err)
{
	int r = fd_read_file(j->dir_fd, "known", KNOWN_MAX, &j->known);

	return r < 0 && r != -ENOENT ? err_sys(err, r, "read the known layers") : 0;
}

static int read_archive(struct job *j, struct err *err)
{
	const struct tar_entry *e;
	unsigned int n = 0;
	int r = tarball_open(&j->t, input_read, &j->input, false, err);

	while (r == 0 && (r = tarball_next(&j->t, &e, err)) == 1)
		r = one_entry(j, e, ++n, err);
	r = r ? r : tarball_finish(&j->t, NULL, err);
	if (r == 0 && n == 0)
		r = err_set(err, ERR_INVALID, "it is empty");
	tarball_deinit(&j->t);
	return r;
}

int job_load(int in, int dir_fd, const struct job_tools *tools, FILE *out, struct err *err)
{
	struct job j = { .tools = tools, .dir_fd = dir_fd, .out = out };
	int r = input_open(&j.input, in, err);

	r = r ? r : read_known(&j, err);
	r = r ? r : read_archive(&j, err);
	input_deinit(&j.input);
	buf_deinit(&j.known);
	return r;
}
