/* SPDX-License-Identifier: Apache-2.0 */
/* A file is a record in the file without a name: a head, the path, the target of a link, a NUL behind each. In memory is
 * where its record begins, and its place in the tree. That the order is kept is all that must be looked at to know that
 * no path is there twice: a file comes behind the one before it, and its directory is one of those that it is in. */
#include "listing.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "fd.h"
#include "str.h"

enum { FLUSH_BYTES = 64 << 10, LINKS_MAX = 40, NODES_FIRST = 256 };

struct head {
	int64_t mtime_ns;
	uint32_t mode, path_len, target_len;
	unsigned char digest[SHA256_BYTES];
};

struct node {
	uint64_t at; /* its record */
	uint32_t next, parent, path_len;
};

struct listing {
	int fd;
	struct buf out; /* not written yet */
	uint64_t bytes; /* records so far */
	struct node *nodes;
	uint32_t n, room;
	uint32_t dir;                    /* the last directory that is not closed */
	char last[LISTING_PATH_MAX + 1]; /* the file added last */
	const char *map;
};

/* ---- records */

static int put(struct listing *l, uint32_t parent, const struct head *head, const char *path,
	       const char *target)
{
	if (l->n == l->room) {
		uint32_t room = l->room ? l->room * 2 : NODES_FIRST;
		struct node *grown = realloc(l->nodes, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		l->nodes = grown;
		l->room = room;
	}
	l->nodes[l->n] = (struct node){
		.at = l->bytes, .path_len = head->path_len, .next = l->n + 1, .parent = parent
	};
	buf_append(&l->out, head, sizeof(*head));
	buf_append(&l->out, path, head->path_len);
	buf_putc(&l->out, '\0');
	buf_append(&l->out, target, head->target_len);
	buf_putc(&l->out, '\0');
	l->bytes += sizeof(*head) + head->path_len + head->target_len + 2;
	l->n++;
	return l->out.error;
}

static int flush(struct listing *l)
{
	int r = l->out.len ? fd_write_all(l->fd, l->out.data, l->out.len) : 0;

	l->out.len = 0;
	return r;
}

int listing_new(struct listing **out, int dir_fd, struct err *err)
{
	cleanup(listing_freep) struct listing *l = calloc(1, sizeof(*l));
	const struct head root = { .mtime_ns = fd_realtime_ns(), .mode = S_IFDIR | 0755 };

	if (!l)
		return err_sys(err, ENOMEM, "build context");
	l->fd = openat(dir_fd, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	int r = l->fd < 0 ? -errno : put(l, LISTING_ROOT, &root, "", "");

	if (r < 0)
		return err_sys(err, r, "make a file for the context's listing");
	*out = steal(&l);
	return 0;
}

struct listing *listing_free(struct listing *l)
{
	if (!l)
		return NULL;
	if (l->map)
		munmap((void *)(uintptr_t)l->map, l->bytes);
	closep(&l->fd);
	buf_deinit(&l->out);
	free(l->nodes);
	free(l);
	return NULL;
}

void listing_freep(struct listing **l)
{
	listing_free(*l);
}

/* ---- what is added */

/* The order of a walk: '/' comes before all that names may hold. */
static int compare(const char *a, const char *b)
{
	for (; *a && *a == *b; a++, b++)
		;
	unsigned char x = (unsigned char)*a, y = (unsigned char)*b;

	if (!x || !y)
		return (int)x - (int)y;
	return (x == '/' ? 0 : (int)x) - (y == '/' ? 0 : (int)y);
}

static bool is_text(const ProtobufCBinaryData *data)
{
	return data->len > 0 && data->len <= LISTING_PATH_MAX && !memchr(data->data, 0, data->len);
}

/* Whether all parts of it are names. */
static bool is_clean(const char *path)
{
	for (const char *p = path;;) {
		size_t n = strcspn(p, "/");

		if (n == 0 || n > LISTING_NAME_MAX || (n == 1 && p[0] == '.') ||
		    (n == 2 && memcmp(p, "..", 2) == 0))
			return false;
		if (!p[n])
			return true;
		p += n + 1;
	}
}

static const char *wrong_type(const Cleat__V1__BuildRequest__ContextFile *f)
{
	switch (f->mode & S_IFMT) {
	case S_IFREG:
		return f->sha256.len == SHA256_BYTES ? NULL
						     : "a file without the digest of its contents";
	case S_IFLNK:
		return is_text(&f->target) ? NULL : "a symbolic link to nothing";
	case S_IFDIR:
	case S_IFIFO:
		return NULL;
	case S_IFCHR:
	case S_IFBLK:
		return "a device, which no build context can have";
	default:
		return "a type of file no context can have";
	}
}

/* Closes the directories that `path` is not in. Whether the one that is left is its own. */
static bool enter(struct listing *l, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t own = slash ? (size_t)(slash - path) : 0, n;

	/* the path of each directory that is open is the beginning of the last one's */
	while ((n = l->nodes[l->dir].path_len) > 0) {
		if (n <= own && path[n] == '/' && memcmp(l->last, path, n) == 0)
			break;
		l->nodes[l->dir].next = l->n;
		l->dir = l->nodes[l->dir].parent;
	}
	return n == own;
}

static bool too_deep(const char *path)
{
	size_t depth = 0;

	for (const char *p = path; (p = strchr(p, '/')); p++)
		depth++;
	return depth >= LISTING_DEPTH_MAX;
}

static const char *wrong_place(struct listing *l, const char *path)
{
	if (!is_clean(path))
		return "a path of a context is relative, without \".\" and \"..\"";
	if (too_deep(path))
		return "too many directories in each other";
	if (compare(l->last, path) >= 0)
		return strcmp(l->last, path) ? "out of order" : "listed twice";
	return enter(l, path) ? NULL : "its directory was not listed before";
}

static int add(struct listing *l, const Cleat__V1__BuildRequest__ContextFile *f, const char *path)
{
	struct head head = { .mtime_ns = f->mtime_ns,
			     .mode = f->mode,
			     .path_len = (uint32_t)f->path.len };
	int r;

	if (S_ISLNK(f->mode))
		head.target_len = (uint32_t)f->target.len;
	if (S_ISREG(f->mode))
		memcpy(head.digest, f->sha256.data, SHA256_BYTES);
	r = put(l, l->dir, &head, path, (const char *)f->target.data);
	if (r < 0)
		return r;
	if (S_ISDIR(f->mode))
		l->dir = l->n - 1;
	memcpy(l->last, path, f->path.len + 1);
	return l->out.len >= FLUSH_BYTES ? flush(l) : 0;
}

int listing_add(struct listing *l, const Cleat__V1__BuildRequest__ContextFile *f, struct err *err)
{
	const char *wrong = wrong_type(f);

	if (l->map || !is_text(&f->path))
		return err_set(err, ERR_INVALID, "build context: %s",
			       l->map ? "a file behind the last one"
				      : "a file whose path is no text, or too long");
	if (l->n > LISTING_FILES_MAX)
		return err_set(err, ERR_INVALID, "build context: more than %d files",
			       LISTING_FILES_MAX);
	cleanup_free char *path = strndup((const char *)f->path.data, f->path.len);

	if (!path)
		return err_sys(err, ENOMEM, "build context");
	wrong = wrong ? wrong : wrong_place(l, path);
	if (wrong)
		return err_set(err, ERR_INVALID, "build context: entry \"%.120s\": %s", path,
			       wrong);
	int r = add(l, f, path);

	return r < 0 ? err_sys(err, r, "list the context's files") : 0;
}

int listing_end(struct listing *l, struct err *err)
{
	int r = flush(l);

	for (; l->dir != LISTING_ROOT; l->dir = l->nodes[l->dir].parent)
		l->nodes[l->dir].next = l->n;
	l->nodes[LISTING_ROOT].next = l->n;
	void *map =
		r || l->map ? MAP_FAILED : mmap(NULL, l->bytes, PROT_READ, MAP_PRIVATE, l->fd, 0);

	if (map == MAP_FAILED)
		return l->map ? err_set(err, ERR_INVALID, "build context: listed twice")
			      : err_sys(err, r ? r : errno, "list the context's files");
	l->map = map;
	return 0;
}

/* ---- what is read */

void listing_get(const struct listing *l, uint32_t file, struct listing_file *out)
{
	const char *at = l->map + l->nodes[file].at;
	struct head head;

	memcpy(&head, at, sizeof(head));
	out->path = at + sizeof(head);
	out->target = out->path + head.path_len + 1;
	const char *slash = strrchr(out->path, '/');

	out->name = slash ? slash + 1 : out->path;
	out->mode = head.mode;
	out->mtime_ns = head.mtime_ns;
	memcpy(out->digest, head.digest, sizeof(out->digest));
}

uint32_t listing_next(const struct listing *l, uint32_t file)
{
	return l->nodes[file].next;
}

static int64_t find(const struct listing *l, const char *path)
{
	uint32_t low = 0, high = l->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = compare(l->map + l->nodes[middle].at + sizeof(struct head), path);

		if (order == 0)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return -ENOENT;
}

/* The file of that name, n bytes, in a directory. */
static int64_t find_in(const struct listing *l, uint32_t dir, const char *name, size_t n)
{
	struct listing_file f;

	listing_get(l, dir, &f);
	if (!S_ISDIR(f.mode))
		return -ENOTDIR;
	cleanup_free char *path =
		str_printf("%s%s%.*s", f.path, dir == LISTING_ROOT ? "" : "/", (int)n, name);

	return path ? find(l, path) : -ENOMEM;
}

/* A way that is still to go, from a directory. */
struct way {
	uint32_t at;
	char *text; /* owned */
	int links;
};

/* The link leads on. */
static int follow_link(struct way *w, const struct listing_file *link, const char *rest)
{
	char *text = str_printf("%s/%s", link->target, rest);

	if (++w->links > LINKS_MAX)
		return free(text), -ELOOP;
	free(w->text);
	w->text = text;
	if (link->target[0] == '/')
		w->at = LISTING_ROOT;
	return text ? 0 : -ENOMEM;
}

/* One name of the way: 1 when it goes on, 0 at its end. */
static int step(const struct listing *l, struct way *w, const char **p, bool follow)
{
	const char *name = *p + strspn(*p, "/");
	size_t n = strcspn(name, "/");
	const char *rest = name + n;
	struct listing_file f;

	*p = rest;
	if (n == 0)
		return 0;
	listing_get(l, w->at, &f);
	if (!S_ISDIR(f.mode))
		return -ENOTDIR;
	if (n == 1 && name[0] == '.')
		return 1;
	if (n == 2 && memcmp(name, "..", 2) == 0) {
		w->at = l->nodes[w->at].parent;
		return 1;
	}
	int64_t file = find_in(l, w->at, name, n);

	if (file < 0)
		return (int)file;
	listing_get(l, (uint32_t)file, &f);
	if (S_ISLNK(f.mode) && (follow || *rest)) {
		int r = follow_link(w, &f, rest);

		*p = w->text;
		return r < 0 ? r : 1;
	}
	w->at = (uint32_t)file;
	return 1;
}

int64_t listing_resolve(const struct listing *l, const char *path, bool follow)
{
	struct way w = { LISTING_ROOT, strdup(path), 0 };
	const char *p = w.text;
	int r = p ? 1 : -ENOMEM;

	while (r == 1)
		r = step(l, &w, &p, follow);
	free(w.text);
	return r < 0 ? (int64_t)r : (int64_t)w.at;
}
