/* SPDX-License-Identifier: Apache-2.0 */
/* A file and all below it are a range of the listing. */
#include "listtree.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "str.h"
#include "treepart.h"
#include "treeput.h"
#include "work.h"

enum { BATCH_PATHS_BYTES = 64 << 10, NS_PER_S = 1000000000 };

/* ---- walks */

struct walk {
	const struct listing *listing;
	const struct copy_rules *rules;
	size_t skip; /* bytes of a path that are not below the source */
};

static struct walk walk_of(const struct listing *l, uint32_t file, const struct copy_rules *rules)
{
	struct listing_file f;

	listing_get(l, file, &f);
	return (struct walk){ l, rules, f.path[0] ? strlen(f.path) + 1 : 0 };
}

/* The path below the source, "" for itself; NULL when the rules exclude it. */
static const char *path_below(const struct walk *w, const struct listing_file *f)
{
	const char *path = strlen(f->path) < w->skip ? "" : f->path + w->skip;

	return treepart_excluded(w->rules, path) ? NULL : path;
}

static struct stat stat_of(const struct listing_file *f)
{
	int64_t ns = f->mtime_ns % NS_PER_S, s = f->mtime_ns / NS_PER_S;
	struct stat st = { .st_mode = f->mode };

	st.st_mtim = (struct timespec){ s - (ns < 0), ns < 0 ? ns + NS_PER_S : ns };
	return st;
}

typedef int visit_fn(void *ctx, const struct walk *w, const struct listing_file *f,
		     const char *below);

static int visit_all(const struct walk *w, uint32_t file, visit_fn *visit, void *ctx)
{
	uint32_t end = listing_next(w->listing, file);
	int r = 0;

	for (uint32_t i = file; r == 0 && i < end;) {
		struct listing_file f;

		listing_get(w->listing, i, &f);
		const char *below = path_below(w, &f);

		r = below ? visit(ctx, w, &f, below) : 0;
		i = below ? i + 1 : listing_next(w->listing, i);
	}
	return r;
}

/* ---- digests */

static int add_digest(void *ctx, const struct walk *w, const struct listing_file *f,
		      const char *below)
{
	const struct stat st = stat_of(f);
	int r = treedigest_head(ctx, w->rules, below, &st, S_ISLNK(f->mode) ? f->target : "");

	if (r == 0 && S_ISREG(f->mode) && EVP_DigestUpdate(ctx, f->digest, sizeof(f->digest)) != 1)
		r = -ENOMEM;
	return r;
}

int listtree_digest(const struct listing *l, uint32_t file, const struct copy_rules *rules,
		    EVP_MD_CTX *digest, struct err *err)
{
	const struct walk w = walk_of(l, file, rules);
	int r = visit_all(&w, file, add_digest, digest);

	return r < 0 ? err_sys(err, r, "build context") : 0;
}

/* ---- contents */

struct need {
	struct build *build;
	struct batch batch;
	struct err *err;
};

static bool is_asked(const struct batch *b, const char hex[65])
{
	for (size_t i = 0; i < b->n; i++)
		if (memcmp(b->hex[i], hex, 64) == 0)
			return true;
	return false;
}

static int ask(struct need *n, const char hex[65], const char *path)
{
	struct batch *b = &n->batch;

	if (is_asked(b, hex))
		return 0;
	memcpy(b->hex[b->n++], hex, 65);
	buf_append(&b->paths, path, strlen(path) + 1);
	if (b->paths.error)
		return err_sys(n->err, b->paths.error, "build context");
	return b->n == CONTENTS_BATCH || b->paths.len >= BATCH_PATHS_BYTES
		       ? contents_fetch(n->build, b, n->err)
		       : 0;
}

static int need_file(void *ctx, const struct walk *w, const struct listing_file *f,
		     const char *below)
{
	struct need *n = ctx;
	char hex[65];

	(void)w;
	(void)below;
	if (!S_ISREG(f->mode))
		return 0;
	str_hex(f->digest, sizeof(f->digest), hex);
	int r = contents_have(n->build->options->contents, hex);

	if (r < 0)
		return err_sys(n->err, r, "look for \"%.120s\"", f->path);
	return r == 1 ? 0 : ask(n, hex, f->path);
}

int listtree_need(struct build *b, uint32_t file, const struct copy_rules *rules, struct err *err)
{
	const struct walk w = walk_of(contents_listing(b->options->contents), file, rules);
	cleanup_free struct need *n = calloc(1, sizeof(*n));

	if (!n)
		return err_sys(err, ENOMEM, "build context");
	n->build = b;
	n->err = err;
	int r = visit_all(&w, file, need_file, n);

	r = r ? r : contents_fetch(b, &n->batch, err);
	buf_deinit(&n->batch.paths);
	return r;
}

/* ---- copies */

struct copy {
	struct walk walk;
	const struct contents *contents;
	struct err *err;
};

static int copy_any(struct copy *c, uint32_t file, int to_fd, const char *to);

static int failed(struct copy *c, int r, const char *shown)
{
	return err_sys(c->err, r, "copy to \"%.120s\"", shown);
}

static int copy_file(struct copy *c, const struct listing_file *f, const struct stat *st, int to_fd,
		     const char *to, const char *shown)
{
	char hex[65];

	str_hex(f->digest, sizeof(f->digest), hex);
	cleanup_fd int bytes = contents_open(c->contents, hex);

	return bytes < 0 ? failed(c, bytes, shown)
			 : treeput_file(c->walk.rules, st, bytes, -1, to_fd, to, shown, c->err);
}

static int copy_dir(struct copy *c, uint32_t file, const struct stat *st, int to_fd, const char *to,
		    const char *shown)
{
	const struct listing *l = c->walk.listing;
	uint32_t end = listing_next(l, file);
	bool made = false;
	cleanup_fd int out = treeput_dir(to_fd, to, &made, shown, c->err);
	int r = out < 0 ? out : 0;

	for (uint32_t i = file + 1; r == 0 && i < end; i = listing_next(l, i)) {
		struct listing_file f;

		listing_get(l, i, &f);
		r = copy_any(c, i, out, f.name);
	}
	if (r == 0 && made && (r = treeput_like(c->walk.rules, st, -1, out)) < 0)
		return failed(c, r, shown);
	return r;
}

static int copy_any(struct copy *c, uint32_t file, int to_fd, const char *to)
{
	struct listing_file f;

	listing_get(c->walk.listing, file, &f);
	const struct stat st = stat_of(&f);
	const char *below = path_below(&c->walk, &f), *shown = below && *below ? below : to;

	if (!below)
		return 0;
	if (S_ISDIR(f.mode))
		return copy_dir(c, file, &st, to_fd, to, shown);
	return S_ISREG(f.mode)
		       ? copy_file(c, &f, &st, to_fd, to, shown)
		       : treeput_node(c->walk.rules, &st, f.target, to_fd, to, shown, c->err);
}

int listtree_copy(const struct contents *contents, uint32_t file, int to_fd, const char *to,
		  const struct copy_rules *rules, struct err *err)
{
	struct copy c = { walk_of(contents_listing(contents), file, rules), contents, err };

	return copy_any(&c, file, to_fd, to);
}
