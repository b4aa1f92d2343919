/* SPDX-License-Identifier: Apache-2.0 */
/* In the build's lease: had/ are links into the cache, got/ what the client sent, changed/ what it sent that was
 * something else, by what it should have been. */
#include "contents.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include "cancel.h"
#include "contentcache.h"
#include "fd.h"
#include "registry/digest.h"
#include "str.h"
#include "work.h"

#define INCOMING "incoming"

struct contents {
	const struct engine *engine;
	struct listing *listing;
	bool listed; /* it is whole */
	int cache_fd, had_fd, got_fd, changed_fd;
	int news_fd;              /* an eventfd: the batch has come, or never will */
	pthread_mutex_t fetching; /* one batch at a time */
	pthread_mutex_t mutex;    /* of what is below */
	const struct batch *asked;
	size_t n_come;
	int in_fd; /* the file that comes */
	EVP_MD_CTX *digest;
	bool closed;
	_Atomic bool came, changed;
	int result; /* why no more is taken */
	struct err err;
};

static int open_places(struct contents *c, struct err *err)
{
	cleanup_fd int tmp = -1;
	int r = fd_mkdir_all(c->engine->state_fd, "tmp", 0700);

	c->cache_fd = contentcache_open(c->engine);
	if (r == 0 && (c->cache_fd < 0 || (tmp = openat(c->engine->state_fd, "tmp",
							O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0))
		r = c->cache_fd < 0 ? c->cache_fd : -errno;
	return r < 0 ? err_sys(err, r, "make the context's directories")
		     : listing_new(&c->listing, tmp, err);
}

int contents_new(struct contents **out, const struct engine *engine, struct err *err)
{
	struct contents *c = calloc(1, sizeof(*c));

	if (!c)
		return err_sys(err, ENOMEM, "build context");
	c->engine = engine;
	c->cache_fd = c->had_fd = c->got_fd = c->changed_fd = c->in_fd = -1;
	pthread_mutex_init(&c->fetching, NULL);
	pthread_mutex_init(&c->mutex, NULL);
	c->news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int r = c->news_fd < 0 ? err_sys(err, errno, "build context") : open_places(c, err);

	if (r < 0)
		contents_free(c);
	else
		*out = c;
	return r;
}

struct contents *contents_free(struct contents *c)
{
	if (!c)
		return NULL;
	int *fds[] = {
		&c->cache_fd, &c->had_fd, &c->got_fd, &c->changed_fd, &c->news_fd, &c->in_fd
	};

	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		closep(fds[i]);
	listing_free(c->listing);
	EVP_MD_CTX_free(c->digest);
	pthread_mutex_destroy(&c->fetching);
	pthread_mutex_destroy(&c->mutex);
	free(c);
	return NULL;
}

void contents_freep(struct contents **contents)
{
	contents_free(*contents);
}

static int make_dir(const struct lease *lease, const char *name, int *fd)
{
	if (mkdirat(lease->fd, name, 0700) < 0)
		return -errno;
	*fd = openat(lease->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *fd < 0 ? -errno : 0;
}

/* ---- what comes */

static void news(struct contents *c)
{
	const uint64_t one = 1;

	(void)!write(c->news_fd, &one, sizeof(one));
}

static int list(struct contents *c, const Cleat__V1__BuildRequest__ContextListing *part)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < part->n_files; i++)
		r = listing_add(c->listing, part->files[i], &c->err);
	if (r == 0 && part->end)
		r = listing_end(c->listing, &c->err);
	c->listed = r == 0 && part->end;
	return r;
}

static int begin_file(struct contents *c, struct err *err)
{
	c->in_fd = openat(c->got_fd, INCOMING, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	return c->in_fd < 0 ? err_sys(err, errno, "make a file of the context")
			    : digest_begin(&c->digest, err);
}

static int end_file(struct contents *c, struct err *err)
{
	const char *wanted = c->asked->hex[c->n_come];
	char digest[DIGEST_MAX];
	int r = digest_end(c->digest, digest, err);

	digest_freep(&c->digest);
	c->digest = NULL;
	closep(&c->in_fd);
	c->in_fd = -1;
	if (r < 0)
		return r;
	bool same = strcmp(digest + strlen("sha256:"), wanted) == 0;

	if (renameat(c->got_fd, INCOMING, same ? c->got_fd : c->changed_fd, wanted) < 0)
		return err_sys(err, errno, "keep a file of the context");
	if (same)
		c->came = true;
	else
		c->changed = true;
	c->n_come++;
	return 0;
}

static int take(struct contents *c, const void *data, size_t n, bool end, struct err *err)
{
	int r = 0;

	if (!c->asked || c->n_come == c->asked->n)
		return err_set(err, ERR_INVALID,
			       "build context: contents that nobody has asked for");
	if (c->in_fd < 0)
		r = begin_file(c, err);
	if (r == 0 && (r = fd_write_all(c->in_fd, data, n)) < 0)
		return err_sys(err, r, "write a file of the context");
	r = r ? r : digest_add(c->digest, data, n, err);
	return r || !end ? r : end_file(c, err);
}

/* Whatever is wrong with what came ends all. */
static int end_of_taking(struct contents *c, int r, struct err *err)
{
	if (r < 0)
		c->result = r;
	if (r < 0 && err)
		*err = c->err;
	if (r < 0 || c->listed)
		news(c);
	pthread_mutex_unlock(&c->mutex);
	return r;
}

int contents_list(struct contents *c, const Cleat__V1__BuildRequest__ContextListing *part,
		  struct err *err)
{
	pthread_mutex_lock(&c->mutex);
	return end_of_taking(c, c->result ? c->result : list(c, part), err);
}

int contents_take(struct contents *c, const void *data, size_t n, bool end, struct err *err)
{
	pthread_mutex_lock(&c->mutex);
	return end_of_taking(c, c->result ? c->result : take(c, data, n, end, &c->err), err);
}

void contents_close(struct contents *c)
{
	pthread_mutex_lock(&c->mutex);
	c->closed = true;
	news(c);
	pthread_mutex_unlock(&c->mutex);
}

/* ---- what is asked for */

int contents_have(struct contents *c, const char hex[65])
{
	if (faccessat(c->got_fd, hex, F_OK, 0) == 0 ||
	    (c->changed && faccessat(c->changed_fd, hex, F_OK, 0) == 0))
		return 1;
	return contentcache_take(c->cache_fd, hex, c->had_fd);
}

/* 1 when all that is waited for has come, 0 when not yet. */
static int look(struct contents *c, struct err *err)
{
	uint64_t old;

	pthread_mutex_lock(&c->mutex);
	(void)!read(c->news_fd, &old, sizeof(old));
	int r = c->result ? c->result : c->asked ? c->n_come == c->asked->n : c->listed;

	if (r < 0 && err)
		*err = c->err;
	if (r == 0 && c->closed)
		r = err_set(err, ERR_INVALID,
			    "build context: the client ended before all of it had come");
	pthread_mutex_unlock(&c->mutex);
	return r;
}

static int wait_for_client(struct build *b, struct err *err)
{
	struct contents *c = b->options->contents;
	int r = look(c, err);

	while (r == 0) {
		r = cancel_wait(b->cancel_fds, c->news_fd, "the build", err);
		r = r ? r : look(c, err);
	}
	return r < 0 ? r : 0;
}

int contents_begin(struct build *b, struct err *err)
{
	struct contents *c = b->options->contents;
	int r = make_dir(&b->lease, "had", &c->had_fd);

	r = r ? r : make_dir(&b->lease, "got", &c->got_fd);
	r = r ? r : make_dir(&b->lease, "changed", &c->changed_fd);
	return r < 0 ? err_sys(err, r, "make the context's directories") : wait_for_client(b, err);
}

static void set_asked(struct contents *c, const struct batch *batch)
{
	pthread_mutex_lock(&c->mutex);
	c->asked = batch;
	c->n_come = 0;
	pthread_mutex_unlock(&c->mutex);
}

static int fetch(struct build *b, struct batch *batch, struct err *err)
{
	struct contents *c = b->options->contents;

	set_asked(c, batch);
	int r = told_wanted(b, &batch->paths, err);

	r = r ? r : wait_for_client(b, err);
	pthread_mutex_lock(&c->mutex);
	c->asked = NULL;
	if (r < 0 && !c->result) /* what comes now would be taken for something else */
		c->result = err_set(&c->err, ERR_CANCELLED, "the build was cancelled");
	pthread_mutex_unlock(&c->mutex);
	return r;
}

int contents_fetch(struct build *b, struct batch *batch, struct err *err)
{
	struct contents *c = b->options->contents;
	int r = 0;

	if (batch->n == 0)
		return 0;
	pthread_mutex_lock(&c->fetching);
	r = fetch(b, batch, err);
	pthread_mutex_unlock(&c->fetching);
	batch->n = 0;
	batch->paths.len = 0;
	return r;
}

/* ---- what is here */

const struct listing *contents_listing(const struct contents *c)
{
	return c->listing;
}

int contents_open(const struct contents *c, const char hex[65])
{
	const int places[] = { c->changed_fd, c->had_fd, c->got_fd };

	for (size_t i = c->changed ? 0 : 1; i < ARRAY_LEN(places); i++) {
		int fd = openat(places[i], hex, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

		if (fd >= 0 || errno != ENOENT)
			return fd < 0 ? -errno : fd;
	}
	return -ENOENT;
}

bool contents_changed(const struct contents *c)
{
	return c && c->changed;
}

bool contents_came(const struct contents *c)
{
	return c && c->came;
}

int contents_keep(struct contents *c, struct err *err)
{
	int r = contentcache_keep(c->cache_fd, c->got_fd);

	return r < 0 ? err_sys(err, r, "keep the context's files") : 0;
}
