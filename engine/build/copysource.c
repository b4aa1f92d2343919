/* SPDX-License-Identifier: Apache-2.0 */
#include "copysource.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "dirs.h"
#include "dockervar.h"
#include "fd.h"
#include "listtree.h"
#include "registry/download.h"
#include "sources.h"
#include "str.h"
#include "workerjob.h"

struct finder {
	struct copy_sources *out;
	struct work *w;
	const struct instruction *in;
	struct sources_root root; /* fd -1 until one is needed */
};

static int no_memory(struct err *err)
{
	return err_sys(err, ENOMEM, "build");
}

static struct copy_source *grow(struct copy_sources *s)
{
	struct copy_source *grown = realloc(s->v, (s->n + 1) * sizeof(*grown));

	if (!grown)
		return NULL;
	s->v = grown;
	grown[s->n] = (struct copy_source){ .dir_fd = -1 };
	return &grown[s->n++];
}

void copysource_deinit(struct copy_sources *s)
{
	for (size_t i = 0; i < s->n; i++) {
		closep(&s->v[i].dir_fd);
		free(s->v[i].name);
		free(s->v[i].base);
		free(s->v[i].target);
	}
	free(s->v);
	if (s->leased)
		lease_deinit(&s->lease);
	*s = (struct copy_sources){ 0 };
}

/* ---- archives */

/* By its first bytes, as most files are told from archives without a worker. */
static bool may_be_archive(int fd)
{
	static const struct {
		size_t at, len;
		const char *bytes;
	} marks[] = { { 0, 2, "\x1f\x8b" },
		      { 0, 4, "\x28\xb5\x2f\xfd" },
		      { 0, 5,
			"\xfd"
			"7zXZ" },
		      { 0, 3, "BZh" },
		      { 257, 5, "ustar" } };
	char head[512] = "";
	ssize_t n = pread(fd, head, sizeof(head), 0);

	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (n >= (ssize_t)(marks[i].at + marks[i].len) &&
		    memcmp(head + marks[i].at, marks[i].bytes, marks[i].len) == 0)
			return true;
	return false;
}

/* Only a worker looks into what is compressed: dump.sql.gz is no archive. */
int copysource_is_archive(const struct engine *engine, int fd, int dir_fd, struct err *err)
{
	cleanup(worker_deinit) struct worker worker = WORKER_NULL;
	cleanup(buf_deinit) struct buf lines = BUF_NULL;
	struct err own = ERR_NULL;

	if (!may_be_archive(fd))
		return 0;
	int r = worker_start(&worker, engine->bin_dir, "probe", fd, dir_fd, &own);

	r = r ? r : worker_finish(&worker, &lines, &own);
	if (r == 0 || own.code == ERR_INVALID)
		return r == 0;
	*err = own;
	return r;
}

/* The bytes of a regular file: an owned descriptor, -errno. */
static int open_source(const struct build *b, const struct copy_source *s)
{
	const struct contents *contents = b->options->contents;
	struct listing_file f;
	char hex[65];

	if (!s->listed) {
		int fd = openat(s->dir_fd, s->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

		return fd < 0 ? -errno : fd;
	}
	listing_get(contents_listing(contents), s->file, &f);
	str_hex(f.digest, sizeof(f.digest), hex);
	return contents_open(contents, hex);
}

int copysource_unpack(const struct build *b, const struct copy_source *s, int root_fd,
		      const char *to, struct err *err)
{
	cleanup(worker_deinit) struct worker worker = WORKER_NULL;
	cleanup(buf_deinit) struct buf lines = BUF_NULL;
	cleanup_fd int path = dirs_make(root_fd, to, 0, 0, err);

	if (path < 0)
		return path;
	cleanup_fd int dir = openat(path, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int in = open_source(b, s);

	if (dir < 0 || in < 0)
		return err_sys(err, in < 0 ? in : errno, "open \"%.120s\"", s->base);
	int r = worker_start(&worker, b->engine->bin_dir, "tree", in, dir, err);

	r = r ? r : worker_finish(&worker, &lines, err);
	return r < 0 ? err_wrap(err, r, "unpack \"%.100s\"", s->base) : 0;
}

/* ---- files of a tree */

static char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strdup(slash ? slash + 1 : path);
}

/* With --parents: the path as it is written, behind a "/./" if there is one. */
static char *target_of(const struct instruction *in, const char *word, const char *path)
{
	const char *pivot = strstr(word, "/./");
	size_t skip = 0;

	if (!instruction_switch(in, "parents"))
		return strdup("");
	for (const char *p = word; pivot && p < pivot; p += *p == '/') {
		size_t n = strcspn(p, "/");

		skip += n && !(n == 1 && *p == '.');
		p += n;
	}
	for (; skip > 0 && strchr(path, '/'); skip--)
		path = strchr(path, '/') + 1;
	return strdup(path);
}

static int look_into(const struct finder *f, struct copy_source *s, struct err *err)
{
	static const struct copy_rules all = { .exclude = NULL };
	const struct build *b = f->w->build;
	int r = s->listed ? listtree_need(f->w->build, s->file, &all, err) : 0;

	if (r < 0)
		return r;
	cleanup_fd int fd = open_source(b, s);

	r = fd < 0 ? err_sys(err, fd, "open \"%.120s\"", s->base)
		   : copysource_is_archive(b->engine, fd, b->lease.fd, err);
	s->archive = r == 1;
	return r < 0 ? r : 0;
}

static int open_listed(const struct finder *f, struct copy_source *s, const char *path,
		       uint32_t *mode, struct err *err)
{
	struct listing_file file;
	int64_t r = sources_listed(f->root.listing, path, err);

	if (r < 0)
		return (int)r;
	s->listed = true;
	s->file = (uint32_t)r;
	listing_get(f->root.listing, s->file, &file);
	*mode = file.mode;
	return 0;
}

static int open_path(const struct finder *f, struct copy_source *s, const char *word,
		     const char *path, uint32_t *mode, struct err *err)
{
	struct stat st;

	s->dir_fd = sources_open(f->root.fd, path, &s->name, err);
	if (s->dir_fd < 0)
		return s->dir_fd;
	if (fstatat(s->dir_fd, s->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(err, ERR_NOT_FOUND,
			       "file not found in build context or excluded by .dockerignore: stat "
			       "%.120s: file does not exist",
			       word);
	*mode = st.st_mode;
	return 0;
}

static int add_path(struct finder *f, const char *word, const char *path, struct err *err)
{
	struct copy_source *s = grow(f->out);
	uint32_t mode = 0;

	if (!s)
		return no_memory(err);
	s->base = base_of(path);
	s->target = target_of(f->in, word, path);
	if (!s->base || !s->target)
		return no_memory(err);
	int r = f->root.listing ? open_listed(f, s, path, &mode, err)
				: open_path(f, s, word, path, &mode, err);

	s->directory = S_ISDIR(mode);
	if (r < 0 || f->in->kind != INSTRUCTION_ADD || !S_ISREG(mode) ||
	    str_equal(instruction_flag(f->in, "unpack", 0), "false"))
		return r;
	return look_into(f, s, err);
}

static int open_root(struct finder *f, struct key *key, struct err *err)
{
	const char *from = instruction_flag(f->in, "from", 0);
	const struct contents *contents = f->w->build->options->contents;

	if (!from && contents)
		f->root.listing = contents_listing(contents);
	else if (f->root.fd < 0)
		f->root.fd = origin_open(f->w, from, key, err);
	return !f->root.listing && f->root.fd < 0 ? f->root.fd : 0;
}

static int add_paths(struct finder *f, const char *word, struct key *key, struct err *err)
{
	cleanup(strings_deinit) struct strings paths = { 0 };
	int r = open_root(f, key, err);

	r = r ? r : sources_find(&f->root, word, &paths, err);
	for (size_t i = 0; r == 0 && i < paths.n; i++)
		r = add_path(f, word, paths.v[i], err);
	return r;
}

/* ---- files that are made here */

/* A source in the lease; `name` (consumed, NULL = no memory) is what it is called. */
static struct copy_source *make_source(struct finder *f, char *name, struct err *err)
{
	struct copy_sources *out = f->out;
	struct copy_source *s = grow(out);

	if (!s) {
		free(name);
		no_memory(err);
		return NULL;
	}
	s->base = name;
	if (!out->leased && lease_open(&out->lease, f->w->build->engine->state_fd, err) < 0)
		return NULL;
	out->leased = true;
	s->name = str_printf("%zu", out->n);
	s->target = strdup("");
	s->dir_fd = fcntl(out->lease.fd, F_DUPFD_CLOEXEC, 0);
	if (!s->name || !s->base || !s->target || s->dir_fd < 0) {
		no_memory(err);
		return NULL;
	}
	return s;
}

static int make_file(struct finder *f, const char *name, const char *text, struct err *err)
{
	const struct copy_source *s = make_source(f, strdup(name), err);
	int r = s ? fd_create_file(s->dir_fd, s->name, text, strlen(text), 0644) : -EIO;

	return s && r < 0 ? err_sys(err, r, "write a here-document") : r;
}

static int check_sum(const struct finder *f, const char *sha, struct err *err)
{
	const struct dockervar vars = meta_vars(&f->w->meta);
	const char *flag = instruction_flag(f->in, "checksum", 0);
	cleanup_free char *wanted = NULL;
	int r = flag ? dockervar_word(&vars, flag, &wanted, err) : 0;

	if (r < 0 || !flag)
		return r;
	if (!str_is_digest(wanted))
		return err_set(err, ERR_INVALID, "invalid checksum \"%.100s\"", wanted);
	return strcmp(wanted + 7, sha) == 0
		       ? 0
		       : err_set(err, ERR_INVALID, "digest mismatch sha256:%s: %s", sha, wanted);
}

/* As Docker has it: for root alone, and from the beginning of time unless somebody said when. */
static int add_url(struct finder *f, const char *url, struct err *err)
{
	const struct timespec never[] = { { 0, 0 }, { 0, 0 } };
	struct copy_source *s = make_source(f, download_name(url), err);
	char sha[65];

	if (!s)
		return -EIO;
	if (!s->base[0])
		return err_set(err, ERR_INVALID, "cannot determine filename for source %.120s",
			       url);
	cleanup_fd int fd = openat(s->dir_fd, s->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_sys(err, errno, "make a temporary file");
	const struct build *b = f->w->build;
	int r = download_file(b->engine, url, b->options->cancel_fd, fd, sha, err);

	r = r ? r : check_sum(f, sha, err);
	if (r == 0 && futimens(fd, never) < 0)
		r = err_sys(err, errno, "set a file's time");
	return r || !instruction_switch(f->in, "unpack") ? r : look_into(f, s, err);
}

static int add_heredoc(struct finder *f, const struct heredoc *doc, struct err *err)
{
	struct dockervar vars = meta_vars(&f->w->meta);
	cleanup_free char *text = NULL;
	int r = 0;

	vars.keep_quotes = true;
	if (strchr(doc->name, '/'))
		return err_set(err, ERR_INVALID, "a here-document's name is no path: %.80s",
			       doc->name);
	if (doc->expand)
		r = dockervar_word(&vars, doc->body, &text, err);
	const char *body = text ? text : doc->body;

	return r ? r : make_file(f, doc->name, body, err);
}

static int add_word(struct finder *f, const char *word, struct key *key, struct err *err)
{
	const struct heredoc *doc = instruction_heredoc(f->in, word);

	if (doc)
		return add_heredoc(f, doc, err);
	if (f->in->kind == INSTRUCTION_ADD && download_is_git(word))
		return err_set(err, ERR_UNIMPLEMENTED,
			       "ADD %.120s: this release fetches no git repositories", word);
	if (f->in->kind == INSTRUCTION_ADD && download_is_url(word))
		return add_url(f, word, err);
	if (instruction_flag(f->in, "checksum", 0))
		return err_set(err, ERR_INVALID,
			       "checksum can't be specified for non-HTTP(S) sources");
	return add_paths(f, word, key, err);
}

int copysource_find(struct copy_sources *out, struct work *w, const struct instruction *in,
		    const struct strings *words, struct key *key, struct err *err)
{
	struct finder f = { out, w, in, { -1, NULL } };
	int r = 0;

	for (size_t i = 0; r == 0 && i + 1 < words->n; i++)
		r = add_word(&f, words->v[i], key, err);
	closep(&f.root.fd);
	if (r == 0 && out->n == 0)
		r = err_set(err, ERR_INVALID, "no source files were specified");
	return r;
}
