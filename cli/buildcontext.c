/* SPDX-License-Identifier: Apache-2.0 */
/* An ignored directory is passed over unless an exception could speak of what is below it: then it has an
 * entry only once something below it does. All contents are hashed each time: no time of a file is trusted to tell
 * that it is the same, as what is mapped into memory can change without. */
#include "buildcontext.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "buf.h"
#include "fd.h"
#include "sha256.h"
#include "str.h"

enum { BATCH_FILES = 256, BATCH_BYTES = 48 << 10, BLOCK_BYTES = 256 << 10, DEPTH_MAX = 255 };

#define NS_PER_S 1000000000LL

/* A directory that is not listed yet, for its children's sake. */
struct pending {
	const struct pending *above;
	const struct stat *st;
	size_t path_len;
	bool listed;
};

struct lister {
	struct buildcontext *context;
	buildcontext_list_fn *list;
	void *ctx;
	Cleat__V1__BuildRequest__ContextFile files[BATCH_FILES];
	size_t n, bytes;
	struct buf path;
	char *block;
	struct err *err;
};

struct listing {
	char **v;
	size_t n;
};

static void listing_deinit(struct listing *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int listing_add(struct listing *l, const char *name)
{
	char **grown = realloc(l->v, (l->n + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	l->v = grown;
	l->v[l->n] = strdup(name);
	return l->v[l->n] ? (l->n++, 0) : -ENOMEM;
}

static int listing_read(struct listing *l, int dir_fd)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *dir = fd_dir(fd);

	if (!dir)
		return -errno;
	for (struct dirent *e; r == 0 && (e = readdir(dir));)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			r = listing_add(l, e->d_name);
	closedir(dir);
	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), by_text);
	return r;
}

static int failed(struct lister *l, int e)
{
	return err_sys(l->err, e, "error from sender: %.150s", str_or_empty(l->path.data));
}

/* ---- batches */

static void forget(struct lister *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->files[i].path.data);
		free(l->files[i].target.data);
		free(l->files[i].sha256.data);
	}
	l->n = l->bytes = 0;
}

static int flush(struct lister *l, bool end)
{
	Cleat__V1__BuildRequest__ContextListing m = CLEAT__V1__BUILD_REQUEST__CONTEXT_LISTING__INIT;
	Cleat__V1__BuildRequest__ContextFile *files[BATCH_FILES];

	for (size_t i = 0; i < l->n; i++)
		files[i] = &l->files[i];
	m.files = files;
	m.n_files = l->n;
	m.end = end;
	int r = l->list(l->ctx, &m, l->err);

	forget(l);
	return r;
}

static bool set_bytes(ProtobufCBinaryData *to, const void *data, size_t n)
{
	to->data = malloc(n + 1);
	if (to->data)
		memcpy(to->data, data, n);
	to->len = to->data ? n : 0;
	return to->data != NULL;
}

static int64_t time_of(const struct stat *st)
{
	int64_t s = st->st_mtim.tv_sec, most = INT64_MAX / NS_PER_S - 1;

	s = s > most ? most : s < -most ? -most : s;
	return s * NS_PER_S + st->st_mtim.tv_nsec;
}

/* `more` is a file's digest or a link's target. */
static int add(struct lister *l, const struct stat *st, size_t path_len, const void *more, size_t n)
{
	Cleat__V1__BuildRequest__ContextFile *f = &l->files[l->n++];

	cleat__v1__build_request__context_file__init(f);
	f->mode = st->st_mode;
	f->mtime_ns = time_of(st);
	if (!set_bytes(&f->path, l->path.data, path_len) ||
	    (n && !set_bytes(S_ISLNK(st->st_mode) ? &f->target : &f->sha256, more, n)))
		return failed(l, ENOMEM);
	l->bytes += path_len + n;
	return l->n == BATCH_FILES || l->bytes >= BATCH_BYTES ? flush(l, false) : 0;
}

/* The directories above, from the top. */
static int add_above(struct lister *l, struct pending *dir)
{
	if (!dir || dir->listed)
		return 0;
	int r = add_above(l, (struct pending *)(uintptr_t)dir->above);

	dir->listed = true;
	return r ? r : add(l, dir->st, dir->path_len, NULL, 0);
}

/* ---- files */

static int read_digest(struct lister *l, int fd, unsigned char digest[SHA256_BYTES])
{
	struct sha256 sum;
	ssize_t n;

	sha256_init(&sum);
	while ((n = read(fd, l->block, BLOCK_BYTES)) != 0) {
		if (n < 0 && errno != EINTR)
			return failed(l, errno);
		sha256_add(&sum, l->block, n > 0 ? (size_t)n : 0);
		l->context->bytes += n > 0 ? (uint64_t)n : 0;
	}
	sha256_end(&sum, digest);
	return 0;
}

static int add_file(struct lister *l, int dir_fd, const char *name)
{
	cleanup_fd int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	unsigned char digest[SHA256_BYTES];
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return failed(l, errno);
	if (!S_ISREG(st.st_mode))
		return failed(l, ESTALE);
	int r = read_digest(l, fd, digest);

	return r ? r : add(l, &st, l->path.len, digest, sizeof(digest));
}

static int add_link(struct lister *l, int dir_fd, const char *name, const struct stat *st)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dir_fd, name, target, sizeof(target));

	return n < 0 ? failed(l, errno) : add(l, st, l->path.len, target, (size_t)n);
}

static int add_other(struct lister *l, int dir_fd, const char *name, const struct stat *st)
{
	switch (st->st_mode & S_IFMT) {
	case S_IFREG:
		return add_file(l, dir_fd, name);
	case S_IFLNK:
		return add_link(l, dir_fd, name, st);
	case S_IFSOCK: /* no image can have it */
		return 0;
	default:
		return add(l, st, l->path.len, NULL, 0);
	}
}

static int list_below(struct lister *l, int fd, struct pending *self, int depth);

static int list_dir(struct lister *l, int dir_fd, const char *name, struct pending *self,
		    bool wanted, int depth)
{
	cleanup_fd int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return failed(l, errno);
	if (depth >= DEPTH_MAX)
		return failed(l, ELOOP);
	int r = wanted ? add_above(l, self) : 0;

	return r ? r : list_below(l, fd, self, depth + 1);
}

static int list_any(struct lister *l, int dir_fd, const char *name, struct pending *above,
		    int depth)
{
	const struct ignore *ignore = l->context->ignore;
	bool ignored = ignore_match(ignore, l->path.data);
	struct stat st;

	if (ignored && !ignore->exceptions)
		return 0;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : failed(l, errno);
	if (S_ISDIR(st.st_mode)) {
		struct pending self = { above, &st, l->path.len, false };

		return list_dir(l, dir_fd, name, &self, !ignored, depth);
	}
	if (ignored)
		return 0;
	int r = add_above(l, above);

	return r ? r : add_other(l, dir_fd, name, &st);
}

static int list_below(struct lister *l, int fd, struct pending *self, int depth)
{
	cleanup(listing_deinit) struct listing names = { 0 };
	size_t len = l->path.len;
	int r = listing_read(&names, fd);

	if (r < 0)
		return failed(l, r);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		buf_printf(&l->path, "%s%s", len ? "/" : "", names.v[i]);
		r = l->path.error ? failed(l, l->path.error)
				  : list_any(l, fd, names.v[i], self, depth);
		if (r) /* the path may be incomplete, and is of no more use */
			return r;
		l->path.len = len;
		l->path.data[len] = '\0';
	}
	return r;
}

int buildcontext_list(struct buildcontext *context, buildcontext_list_fn *list, void *ctx,
		      struct err *err)
{
	cleanup_free struct lister *l = calloc(1, sizeof(*l));
	cleanup_free char *block = malloc(BLOCK_BYTES);

	if (!l || !block)
		return err_sys(err, ENOMEM, "list the context");
	l->context = context;
	l->list = list;
	l->ctx = ctx;
	l->block = block;
	l->err = err;
	int r = list_below(l, context->dir_fd, NULL, 0);

	r = r ? r : flush(l, true);
	forget(l);
	buf_deinit(&l->path);
	return r;
}

/* ---- contents */

int buildcontext_open(const struct buildcontext *context, const char *path, struct err *err)
{
	cleanup_fd int fd = fd_open_beneath(context->dir_fd, path, O_RDONLY | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, fd < 0 ? fd : errno, "error from sender: %.150s", path);
	if (!S_ISREG(st.st_mode) || ignore_match(context->ignore, path))
		return err_set(err, ERR_INVALID,
			       "the engine asks for \"%.150s\", which is no file of the context",
			       path);
	return steal_fd(&fd);
}
