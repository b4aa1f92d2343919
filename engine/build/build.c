/* SPDX-License-Identifier: Apache-2.0 */
/* The context is unpacked by a worker into the build's lease. Then the stages the target needs are made, those
 * that do not need each other at the same time. Whatever the end, the layers that were made are synced once and stay in the cache; an image is
 * recorded only when all is done. */
#include "build.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "cache.h"
#include "chores.h"
#include "contentcache.h"
#include "contents.h"
#include "contextignore.h"
#include "copysource.h"
#include "fault.h"
#include "fd.h"
#include "image.h"
#include "layer.h"
#include "log.h"
#include "registry/download.h"
#include "sha256.h"
#include "stagecrew.h"
#include "stagework.h"
#include "store.h"
#include "str.h"
#include "work.h"
#include "workerjob.h"

#define NS_PER_S 1000000000LL

static int no_memory(struct err *err)
{
	return err_sys(err, ENOMEM, "build");
}

static void build_deinit(struct build *b)
{
	for (size_t i = 0; b->stages && i < b->plan.n; i++)
		stagework_deinit(&b->stages[i]);
	free(b->stages);
	plan_deinit(&b->plan);
	cachefrom_deinit(&b->cache_from);
	dockerfile_deinit(&b->file);
	scope_deinit(&b->args);
	scope_deinit(&b->builtin);
	contexttree_deinit(&b->trees);
	closep(&b->context_fd);
	closep(&b->cancel_fds[1]);
	lease_deinit(&b->lease);
	pthread_mutex_destroy(&b->mutex);
}

/* ---- what is given */

static int read_args(struct build *b, struct err *err)
{
	const Cleat__V1__BuildRequest__Options *o = b->options->request;
	int r = 0;

	for (size_t i = 0; r == 0 && i < o->n_build_args; i++) {
		const Cleat__V1__StringList *value = o->build_args[i]->value;

		if (value && value->n_values)
			r = scope_set(&b->args, o->build_args[i]->key, value->values[0]);
	}
	return r < 0 ? no_memory(err) : 0;
}

/* Whether an unpacked context is to be expected: one byte of it is there. */
static bool has_context(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_PEEK) == 1;
}

static int unpack_context(struct build *b, int in_fd, struct err *err)
{
	cleanup(worker_deinit) struct worker worker = WORKER_NULL;
	cleanup(buf_deinit) struct buf lines = BUF_NULL;
	int r = worker_start(&worker, b->engine->bin_dir, "tree", in_fd, b->context_fd, err);

	r = r ? r : worker_finish(&worker, &lines, err);
	return r < 0 ? err_wrap(err, r, "build context") : 0;
}

/* A file from a URL is a tar, or the Dockerfile of a build without a context. */
static int fetch_context(struct build *b, struct err *err)
{
	cleanup_fd int fd =
		openat(b->lease.fd, "remote", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	char sha[65];
	int r = fd < 0 ? err_sys(err, errno, "make a temporary file")
		       : download_file(b->engine, b->options->request->remote,
				       b->options->cancel_fd, fd, sha, err);

	if (r < 0)
		return r;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(err, errno, "build context");
	r = copysource_is_archive(b->engine, fd, b->lease.fd, err);
	if (r < 0)
		return r;
	if (r == 1)
		return lseek(fd, 0, SEEK_SET) < 0 ? err_sys(err, errno, "build context")
						  : unpack_context(b, fd, err);
	b->remote_text = true;
	return 0;
}

static int read_context(struct build *b, int in_fd, struct err *err)
{
	if (b->options->contents)
		return contents_begin(b, err);
	if (mkdirat(b->lease.fd, "context", 0755) < 0)
		return err_sys(err, errno, "make the context's directory");
	b->context_fd = openat(b->lease.fd, "context", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b->context_fd < 0)
		return err_sys(err, errno, "open the context's directory");
	if (b->options->request->remote[0])
		return fetch_context(b, err);
	return has_context(in_fd) ? unpack_context(b, in_fd, err) : 0;
}

static int read_dockerfile(struct build *b, struct buf *out, struct err *err)
{
	const Cleat__V1__BuildRequest__Options *o = b->options->request;
	const char *name = o->dockerfile[0] ? o->dockerfile : "Dockerfile";
	char path[40];

	if (o->dockerfile_text.len) {
		buf_append(out, o->dockerfile_text.data, o->dockerfile_text.len);
		return out->error ? no_memory(err) : 0;
	}
	if (b->remote_text) {
		int r = fd_read_file(b->lease.fd, "remote", DOCKERFILE_BYTES_MAX, out);

		return r < 0 ? err_sys(err, r, "read the Dockerfile") : 0;
	}
	cleanup_fd int fd =
		fd_open_in_root(b->context_fd, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int r = fd < 0 ? fd : fd_read_file(AT_FDCWD, path, DOCKERFILE_BYTES_MAX, out);

	if (r == -ENOENT || r == -ENOTDIR)
		return err_set(err, ERR_INVALID,
			       "failed to read dockerfile: open %.150s: no such file or directory",
			       name);
	return r < 0 ? err_sys(err, r, "read the Dockerfile")
		     : contextignore_apply(b->context_fd, name, err);
}

static int make_plan(struct build *b, struct err *err)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	int r = read_dockerfile(b, &text, err);

	r = r ? r : dockerfile_parse(str_or_empty(text.data), text.len, &b->file, err);
	r = r ? r
	      : plan_make(&b->file, &b->args, &b->builtin, b->options->request->target, &b->plan,
			  err);
	if (r < 0)
		return r;
	b->stages = calloc(b->plan.n, sizeof(*b->stages));
	return b->stages ? 0 : no_memory(err);
}

/* An argument that no ARG takes is a mistake, most likely. */
static bool declared(const struct build *b, const char *name)
{
	size_t n = strlen(name);

	if (scope_is_proxy(name) || scope_get(&b->builtin, name))
		return true;
	for (size_t i = 0; i < b->file.n; i++)
		for (size_t k = 0; b->file.v[i].kind == INSTRUCTION_ARG && k < b->file.v[i].words.n;
		     k++) {
			const char *word = b->file.v[i].words.v[k];

			if (strncmp(word, name, n) == 0 && (!word[n] || word[n] == '='))
				return true;
		}
	return false;
}

static void warn_args(struct build *b)
{
	cleanup(buf_deinit) struct buf names = BUF_NULL, text = BUF_NULL;

	for (size_t i = 0; i + 1 < b->args.pairs.n; i += 2)
		if (!declared(b, b->args.pairs.v[i]))
			buf_printf(&names, "%s%s", names.len ? " " : "", b->args.pairs.v[i]);
	if (names.len == 0)
		return;
	buf_printf(&text, "[Warning] One or more build-args [%s] were not consumed", names.data);
	if (!text.error)
		told_note(b, text.data);
}

/* ---- the image */

static bool timestamp(const struct build *b, int64_t *ns)
{
	const Cleat__V1__BuildRequest__Options *o = b->options->request;

	*ns = o->timestamp_seconds * NS_PER_S;
	return o->reproducible_case ==
	       CLEAT__V1__BUILD_REQUEST__OPTIONS__REPRODUCIBLE_TIMESTAMP_SECONDS;
}

/* The image that an earlier build made of the same is made again, with its date; another is of now. */
static int find_date(struct build *b, int64_t *ns, struct err *err)
{
	struct work *w = &b->stages[b->plan.target];
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	struct cached image = { "", 0, fd_realtime_ns() };
	char key[sizeof(CACHE_DATE) + 64] = CACHE_DATE;
	int r = imagedoc_write_undated(&w->meta.image, &text);

	if (r < 0)
		return err_sys(err, r, "write the image's config");
	sha256_hex(text.data, text.len, key + strlen(CACHE_DATE));
	r = b->options->request->no_cache ? cache_forget(b->engine, key, err)
					  : cache_find(b->engine, key, b->lease.path, &image, err);
	if (r == 0)
		r = cache_add(b->engine, key, "", &image, "date of an image", err);
	*ns = image.created_ns;
	return r < 0 ? r : 0;
}

static int set_labels(struct build *b, struct err *err)
{
	const Cleat__V1__BuildRequest__Options *o = b->options->request;
	struct work *w = &b->stages[b->plan.target];
	int r = 0;

	for (size_t i = 0; r == 0 && i < o->n_labels; i++)
		r = imagedoc_set_entry(&w->meta.image, "Labels", o->labels[i]->key,
				       o->labels[i]->value);
	w->changed = w->changed || o->n_labels;
	return r < 0 ? err_sys(err, r, "write the image's config") : 0;
}

static int write_config(struct build *b, struct buf *json, struct image_config *config,
			struct err *err)
{
	struct work *w = &b->stages[b->plan.target];
	int64_t when;
	bool fixed = timestamp(b, &when);
	int r = set_labels(b, err);

	if (r == 0 && !fixed && w->changed)
		r = find_date(b, &when, err);
	else if (!fixed)
		when = w->stack.created_ns;
	if (r < 0)
		return r;
	r = imagedoc_write(&w->meta.image, when, fixed, json);
	return r < 0 ? err_sys(err, r, "write the image's config")
		     : image_config_parse(json->data, json->len, config, err);
}

static int record(struct build *b, const char *id, const struct buf *json,
		  const struct image_config *config, struct err *err)
{
	const Cleat__V1__BuildRequest__Options *o = b->options->request;
	const struct strings tags = { o->tags, o->n_tags };
	struct store *store = b->engine->store;
	int r = store_begin(store, err);

	if (r < 0)
		return r;
	r = image_insert(b->engine, id, json->data, json->len, config,
			 b->stages[b->plan.target].stack.size_bytes, &tags, err);
	fault_point(FAULT_BUILD_IMAGE_INSERTED);
	if (r == 0 && store_run(store, err,
				"INSERT OR IGNORE INTO image_blobs(image_id, digest) "
				"SELECT ?, digest FROM image_blobs WHERE image_id = ?",
				"ss", id, b->stages[b->plan.target].stack.id) < 0)
		r = err_wrap(err, -EIO, "record the image's blobs");
	int ended = store_end(store, r == 0, err);

	fault_point(FAULT_BUILD_IMAGE_COMMITTED);
	return r ? r : ended;
}

static int make_image(struct build *b, char id[72], struct err *err)
{
	cleanup(image_config_deinit) struct image_config config = { 0 };
	cleanup(buf_deinit) struct buf json = BUF_NULL;
	char hex[65];
	int r = write_config(b, &json, &config, err);

	if (r < 0)
		return r;
	sha256_hex(json.data, json.len, hex);
	(void)snprintf(id, 72, "sha256:%s", hex);
	return record(b, id, &json, &config, err);
}

/* ---- the whole */

static int check_request(const struct build *b, struct err *err)
{
	const Cleat__V1__BuildRequest__Options *o = b->options->request;
	int r = 0;

	for (size_t i = 0; r == 0 && i < o->n_tags; i++)
		r = image_check_tag(o->tags[i], err);
	if (r == 0 && o->squash)
		r = err_set(err, ERR_UNIMPLEMENTED, "--squash: not supported by this release");
	if (r == 0 && o->remote[0] && (download_is_git(o->remote) || !download_is_url(o->remote)))
		r = err_set(err, ERR_UNIMPLEMENTED,
			    "the context %.120s: this release fetches no git repositories",
			    o->remote);
	if (r == 0 && o->listed && (o->remote[0] || !o->dockerfile_text.len))
		r = err_set(err, ERR_INVALID,
			    "build: a listed context needs the Dockerfile's text and no URL");
	if (r == 0 && (o->timestamp_seconds < 0 || o->timestamp_seconds > INT64_MAX / NS_PER_S))
		r = err_set(err, ERR_INVALID, "build: no image can be from %lld seconds after 1970",
			    (long long)o->timestamp_seconds);
	return r;
}

/* What was made is on disk, or forgotten. */
static int settle(struct build *b, struct err *err)
{
	struct contents *contents = b->options->contents;
	bool came = contents_came(contents);
	int r = b->wrote || came ? layers_sync_all(b->engine->layers, err) : 0;

	fault_point(FAULT_BUILD_LAYERS_SYNCED);
	if (r == 0 && came) {
		r = contents_keep(contents, err);
		chores_queue(b->engine, contentcache_trim, "");
	}
	if (r < 0)
		(void)!cache_drop(b->engine, b->lease.path, NULL);
	else if (b->wrote)
		r = cache_settle(b->engine, b->lease.path, err);
	fault_point(FAULT_BUILD_CACHE_SETTLED);
	return r;
}

static int make_all(struct build *b, int context_fd, struct err *err)
{
	int r = check_request(b, err);

	r = r ? r : read_args(b, err);
	r = r ? r : stagework_builtin(b, err);
	r = r ? r : lease_open(&b->lease, b->engine->state_fd, err);
	b->lease.stop = &b->engine->last;
	fault_point(FAULT_BUILD_LEASE_MADE);
	r = r ? r : cachefrom_read(b, err);
	r = r ? r : read_context(b, context_fd, err);
	fault_point(FAULT_BUILD_CONTEXT_UNPACKED);
	r = r ? r : make_plan(b, err);
	if (r == 0)
		warn_args(b);
	return r ? r : stagecrew_make(b, err);
}

int build_image(struct engine *engine, const struct build_options *options, int context_fd,
		char id[72], struct err *err)
{
	cleanup(build_deinit) struct build b = { .engine = engine,
						 .options = options,
						 .lease = LEASE_NULL,
						 .context_fd = -1,
						 .trees = CONTEXTTREE_NULL,
						 .cancel_fds = { options->cancel_fd, -1 },
						 .file = DOCKERFILE_NULL,
						 .mutex = PTHREAD_MUTEX_INITIALIZER };
	struct err later = ERR_NULL;
	int r = make_all(&b, context_fd, err), settled;

	settled = settle(&b, &later);
	if (r == 0 && settled < 0) {
		*err = later;
		r = settled;
	}
	r = r ? r : make_image(&b, id, err);
	if (b.lease.path[0] && stack_drop_all(engine, b.lease.path, &later) < 0)
		log_error("cannot forget a build's stages: %s", later.message);
	fault_point(FAULT_BUILD_STAGES_DROPPED);
	return r;
}
