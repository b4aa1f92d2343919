/* SPDX-License-Identifier: Apache-2.0 */
/* A container's mount is a path of the host, so what is in an overlay (a stage, an image) or could be written
 * to is copied into a directory of the step first. */
#include "runbinds.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "copytree.h"
#include "fd.h"
#include "listtree.h"
#include "sources.h"
#include "str.h"

const struct copy_rules runmount_as_is = { .uid = -1, .gid = -1, .devices = true };

static int no_memory(struct err *err)
{
	return err_sys(err, ENOMEM, "build");
}

/* ---- what is asked for */

/* The tree that a bind shows, opened: its directory, and *name in it. */
int runmount_source(struct work *w, const struct runmount *m, struct key *key, char **name,
		    struct err *err)
{
	cleanup_fd int root = origin_open(w, m->from, key, err);

	return root < 0 ? root : sources_open(root, str_or_empty(m->source), name, err);
}

/* The file of a listed context that a mount shows. */
static int64_t listed_source(const struct work *w, const struct runmount *m, struct err *err)
{
	return sources_listed(contents_listing(w->build->options->contents),
			      str_or_empty(m->source), err);
}

static bool is_listed(const struct work *w, const struct runmount *m)
{
	return !m->from && w->build->options->contents;
}

static int add_listed_key(struct work *w, const struct runmount *m, struct key *key,
			  struct err *err)
{
	const struct listing *l = contents_listing(w->build->options->contents);
	int64_t file = listed_source(w, m, err);

	return file < 0 ? (int)file
			: listtree_digest(l, (uint32_t)file, &runmount_as_is, key->digest, err);
}

static int add_bind_key(struct work *w, const struct runmount *m, struct key *key, struct err *err)
{
	cleanup_free char *name = NULL;

	key_add(key, "source", str_or_empty(m->source));
	if (is_listed(w, m))
		return add_listed_key(w, m, key, err);
	cleanup_fd int dir = runmount_source(w, m, key, &name, err);

	return dir < 0 ? dir : copytree_digest(dir, name, &runmount_as_is, key->digest, err);
}

static int read_one(struct runbinds *b, struct work *w, const char *text, struct key *key,
		    struct err *err)
{
	const struct dockervar vars = meta_vars(&w->meta);
	struct runmount *m = &b->asked[b->n_asked];
	cleanup_free char *expanded = NULL;
	int r = dockervar_word(&vars, text, &expanded, err);

	r = r ? r : runmount_parse(expanded, m, err);
	if (r < 0)
		return r;
	b->n_asked++;
	key_add(key, "mount", expanded);
	if (m->type == RUNMOUNT_SSH)
		return err_set(err, ERR_UNIMPLEMENTED,
			       "RUN --mount=type=ssh: not supported by "
			       "this release");
	if (m->target) {
		char *target = meta_path(&w->meta, m->target);

		free(m->target);
		m->target = target;
		if (!target)
			return no_memory(err);
	}
	return m->type == RUNMOUNT_BIND ? add_bind_key(w, m, key, err) : 0;
}

int runbinds_read(struct runbinds *b, struct work *w, const struct instruction *in, struct key *key,
		  struct err *err)
{
	size_t n = in->flags.n / 2;
	int r = 0;

	b->asked = calloc(n + 1, sizeof(*b->asked));
	b->mounts = calloc(n + 2, sizeof(*b->mounts)); /* and a script */
	b->locks = calloc(n + 1, sizeof(*b->locks));
	if (!b->asked || !b->mounts || !b->locks)
		return no_memory(err);
	for (size_t i = 0; r == 0 && instruction_flag(in, "mount", i); i++)
		r = read_one(b, w, instruction_flag(in, "mount", i), key, err);
	return r;
}

/* ---- mounts */

static char *keep(struct runbinds *b, const char *text)
{
	return strings_append(&b->texts, text) < 0 ? NULL : b->texts.v[b->texts.n - 1];
}

/* The next mount, of `source` (NULL = none) on the target. */
static Cleat__V1__Mount *add_mount(struct runbinds *b, const char *type, const char *source,
				   const char *target, bool read_only)
{
	Cleat__V1__Mount *m = &b->mounts[b->n];

	cleat__v1__mount__init(m);
	m->type = keep(b, type);
	m->target = keep(b, target);
	m->source = keep(b, str_or_empty(source));
	m->read_only = read_only;
	if (!m->type || !m->target || !m->source)
		return NULL;
	b->n++;
	return m;
}

static int need_lease(struct runbinds *b, struct work *w, struct err *err)
{
	return b->lease.fd >= 0 ? 0 : lease_open(&b->lease, w->build->engine->state_fd, err);
}

static char *lease_path(const struct runbinds *b, const struct work *w, const char *name)
{
	return str_printf("%s/%s/%s", w->build->engine->state_dir, b->lease.path, name);
}

/* A path of what is open that no link can change. */
static char *real_path(int dir_fd, const char *name)
{
	char link[40], path[PATH_MAX];
	cleanup_fd int fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = fd < 0 ? -1 : readlink(link, path, sizeof(path) - 1);

	return n < 0 ? NULL : strndup(path, (size_t)n);
}

/* A name in the lease for a copy of this step alone. */
static int name_copy(struct runbinds *b, struct work *w, char name[24], struct err *err)
{
	(void)snprintf(name, 24, "bind-%zu", b->n);
	return need_lease(b, w, err);
}

/* Of a listed context: a copy that all steps have, or, to be written to, one of its own. */
static int listed_path(struct runbinds *b, struct work *w, const struct runmount *m, char **path,
		       struct err *err)
{
	int64_t file = listed_source(w, m, err);
	char copy[24];

	if (file < 0)
		return (int)file;
	if (m->read_only)
		return contexttree_path(w->build, (uint32_t)file, path, err);
	int r = name_copy(b, w, copy, err);

	r = r ? r : listtree_need(w->build, (uint32_t)file, &runmount_as_is, err);
	r = r ? r
	      : listtree_copy(w->build->options->contents, (uint32_t)file, b->lease.fd, copy,
			      &runmount_as_is, err);
	*path = r ? NULL : lease_path(b, w, copy);
	return r;
}

/* Files of the context that are not written to are mounted as they are. */
static int bind_path(struct runbinds *b, struct work *w, const struct runmount *m, char **path,
		     struct err *err)
{
	cleanup(key_deinit) struct key unused = { 0 };
	cleanup_free char *name = NULL;
	char copy[24];
	int r = key_open(&unused, "", err);

	if (r < 0)
		return r;
	cleanup_fd int dir = runmount_source(w, m, &unused, &name, err);

	if (dir < 0)
		return dir;
	if (!m->from && m->read_only) {
		*path = real_path(dir, name);
		return 0;
	}
	r = name_copy(b, w, copy, err);
	r = r ? r : copytree_copy(dir, name, b->lease.fd, copy, &runmount_as_is, err);
	*path = r ? NULL : lease_path(b, w, copy);
	return r;
}

static int make_bind(struct runbinds *b, struct work *w, const struct runmount *m, struct err *err)
{
	cleanup_free char *path = NULL;
	int r = is_listed(w, m) ? listed_path(b, w, m, &path, err) : bind_path(b, w, m, &path, err);

	if (r == 0 && (!path || !add_mount(b, "bind", path, m->target, m->read_only)))
		r = no_memory(err);
	return r;
}

static int make_tmpfs(struct runbinds *b, const struct runmount *m, struct err *err)
{
	Cleat__V1__Mount *mount = add_mount(b, "tmpfs", NULL, m->target, false);

	if (!mount)
		return no_memory(err);
	mount->tmpfs_size_bytes = m->size_bytes;
	mount->tmpfs_options = keep(b, "exec");
	return mount->tmpfs_options ? 0 : no_memory(err);
}

static const Cleat__V1__BuildRequest__Secret *find_secret(const struct work *w, const char *id)
{
	const Cleat__V1__BuildRequest__Options *o = w->build->options->request;

	for (size_t i = 0; i < o->n_secrets; i++)
		if (strcmp(o->secrets[i]->id, id) == 0)
			return o->secrets[i];
	return NULL;
}

static int secret_file(struct runbinds *b, struct work *w, const struct runmount *m,
		       const ProtobufCBinaryData *value, struct err *err)
{
	char name[24];
	int r = need_lease(b, w, err);

	(void)snprintf(name, sizeof(name), "secret-%zu", b->n);
	r = r ? r : fd_create_file(b->lease.fd, name, value->data, value->len, 0600);
	if (r == 0 && (fchownat(b->lease.fd, name, m->uid, m->gid, 0) < 0 ||
		       fchmodat(b->lease.fd, name, m->mode, 0) < 0))
		r = -errno;
	if (r < 0)
		return err_sys(err, r, "write a secret");
	cleanup_free char *path = lease_path(b, w, name);

	return path && add_mount(b, "bind", path, m->target, true) ? 0 : no_memory(err);
}

static int secret_env(struct runbinds *b, const struct runmount *m,
		      const ProtobufCBinaryData *value, struct err *err)
{
	cleanup_free char *word =
		str_printf("%s=%.*s", m->env, (int)value->len, (const char *)value->data);

	return word && strings_append(&b->env, word) == 0 ? 0 : no_memory(err);
}

static int make_secret(struct runbinds *b, struct work *w, const struct runmount *m,
		       struct err *err)
{
	const Cleat__V1__BuildRequest__Secret *secret = find_secret(w, m->id);
	int r = 0;

	if (!secret)
		return m->required ? err_set(err, ERR_NOT_FOUND, "secret %.80s: not found", m->id)
				   : 0;
	if (m->env)
		r = secret_env(b, m, &secret->value, err);
	return r || !m->target ? r : secret_file(b, w, m, &secret->value, err);
}

static int make_cache(struct runbinds *b, struct work *w, const struct runmount *m, struct err *err)
{
	cleanup_free char *path = NULL;
	int r = runcache_open(w, m, &b->locks[b->n_locks], &path, err);

	if (r < 0)
		return r;
	b->n_locks++;
	return add_mount(b, "bind", path, m->target, m->read_only) ? 0 : no_memory(err);
}

/* ---- mount points */

/* Those of the target that the stage does not have yet. */
static int find_stubs(struct runbinds *b, int root_fd, const char *target)
{
	cleanup_free char *path = strdup(target);

	for (char *slash; path && (slash = strrchr(path, '/')) && slash[1];) {
		cleanup_fd int fd =
			fd_open_in_root(root_fd, path, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);

		if (fd >= 0)
			break;
		if (strings_append(&b->stubs, path) < 0)
			return -ENOMEM;
		*slash = '\0';
	}
	return path ? 0 : -ENOMEM;
}

static int find_all_stubs(struct runbinds *b, const struct work *w, struct err *err)
{
	cleanup_fd int root = b->n ? stack_root(&w->stack, err) : -1;
	int r = b->n && root < 0 ? root : 0;

	for (size_t i = 0; r == 0 && i < b->n; i++)
		if (find_stubs(b, root, b->mounts[i].target) < 0)
			r = no_memory(err);
	return r;
}

void runbinds_clean(const struct runbinds *b, int upper_fd)
{
	for (size_t i = 0; i < b->stubs.n; i++) {
		const char *path = b->stubs.v[i], *slash = strrchr(path, '/');
		cleanup_free char *parent = strndup(path, (size_t)(slash - path) + 1);
		struct stat st;

		if (!parent)
			return;
		cleanup_fd int dir =
			fd_open_in_root(upper_fd, parent, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);

		if (dir < 0 || fstatat(dir, slash + 1, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISDIR(st.st_mode))
			(void)unlinkat(dir, slash + 1, AT_REMOVEDIR);
		else if (S_ISREG(st.st_mode) && st.st_size == 0)
			(void)unlinkat(dir, slash + 1, 0);
	}
}

int runbinds_make(struct runbinds *b, struct work *w, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < b->n_asked; i++) {
		const struct runmount *m = &b->asked[i];

		r = m->type == RUNMOUNT_BIND    ? make_bind(b, w, m, err)
		    : m->type == RUNMOUNT_CACHE ? make_cache(b, w, m, err)
		    : m->type == RUNMOUNT_TMPFS ? make_tmpfs(b, m, err)
						: make_secret(b, w, m, err);
	}
	return r ? r : find_all_stubs(b, w, err);
}

int runbinds_add_script(struct runbinds *b, struct work *w, const char *target, const char *text,
			struct err *err)
{
	cleanup_free char *path = NULL;
	int r = need_lease(b, w, err);

	r = r ? r : fd_create_file(b->lease.fd, "script", text, strlen(text), 0755);
	if (r < 0)
		return err_sys(err, r, "write a here-document");
	path = lease_path(b, w, "script");
	return path && add_mount(b, "bind", path, target, true) ? 0 : no_memory(err);
}

void runbinds_deinit(struct runbinds *b)
{
	for (size_t i = 0; i < b->n_asked; i++)
		runmount_deinit(&b->asked[i]);
	for (size_t i = 0; i < b->n_locks; i++)
		close(b->locks[i]);
	free(b->asked);
	free(b->mounts);
	free(b->locks);
	strings_deinit(&b->texts);
	strings_deinit(&b->env);
	strings_deinit(&b->stubs);
	lease_deinit(&b->lease);
	*b = RUNBINDS_NULL;
}
