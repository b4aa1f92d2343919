/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's default mounts, a bind of each file the engine writes for the container, then the request's
 * mounts by depth of their target, so that a parent is mounted before what lies below it. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "spec_part.h"
#include "str.h"

struct standard {
	const char *target, *type, *source, *options; /* options separated by blanks */
};

static const struct standard standards[] = {
	{ "/proc", "proc", "proc", "nosuid noexec nodev" },
	{ "/dev", "tmpfs", "tmpfs", "nosuid strictatime mode=755 size=65536k" },
	{ "/dev/pts", "devpts", "devpts",
	  "nosuid noexec newinstance ptmxmode=0666 mode=0620 gid=5" },
	{ "/sys", "sysfs", "sysfs", "nosuid noexec nodev ro" },
	{ "/sys/fs/cgroup", "cgroup", "cgroup", "ro nosuid noexec nodev" },
	{ "/dev/mqueue", "mqueue", "mqueue", "nosuid noexec nodev" },
};

/* Consumes both. NULL once an option is not valid UTF-8, which add() refuses: without one of its options a mount may show
 * more than it should. */
static json_t *with_option(json_t *list, json_t *option)
{
	if (list && json_array_append_new(list, option) == 0)
		return list;
	json_decref(list);
	return NULL;
}

static json_t *option_list(const char *options)
{
	json_t *list = json_array();

	while (*options) {
		size_t n = strcspn(options, " ,");

		if (n > 0)
			list = with_option(list, json_stringn(options, n));
		options += n + (options[n] != '\0');
	}
	return list;
}

static int add(json_t *mounts, const char *target, const char *type, const char *source,
	       json_t *options, struct err *err)
{
	json_t *mount = json_pack("{s:s, s:s, s:s, s:o}", "destination", target, "type", type,
				  "source", source, "options", options);

	if (!mount || json_array_append_new(mounts, mount) < 0)
		return err_set(err, ERR_INVALID, "mount %s: not valid UTF-8", target);
	return 0;
}

/* In a user namespace of its own a container sees the ids that are on disk. */
static int add_source(const struct spec_input *in, json_t *mounts, const char *target,
		      const char *source, json_t *options, struct err *err)
{
	const char *first = json_string_value(json_array_get(options, 0));

	if (in->ids.n)
		json_array_append_new(options,
				      json_string(str_equal(first, "bind") ? "idmap" : "ridmap"));
	return add(mounts, target, "bind", source, options, err);
}

static bool overridden(const struct spec_input *in, const char *target)
{
	for (size_t i = 0; i < in->n_mounts; i++)
		if (strcmp(in->mounts[i].mount->target, target) == 0)
			return true;
	return false;
}

static int add_standard(const struct spec_input *in, json_t *mounts, struct err *err)
{
	const Cleat__V1__ContainerConfig *c = in->config;
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(standards) && r == 0; i++) {
		json_t *options = option_list(standards[i].options);

		if (overridden(in, standards[i].target)) {
			json_decref(options);
			continue;
		}
		/* A privileged container gets /sys and its control groups writable. */
		for (size_t k = 0; c->privileged && k < json_array_size(options); k++)
			if (strcmp(json_string_value(json_array_get(options, k)), "ro") == 0)
				json_array_set_new(options, k, json_string("rw"));
		r = add(mounts, standards[i].target, standards[i].type, standards[i].source,
			options, err);
	}
	return r;
}

/* Of the IPC namespace it is in. */
static int add_shared_memory(const struct spec_input *in, json_t *mounts, struct err *err)
{
	static const char target[] = "/dev/shm";
	const Cleat__V1__ContainerConfig *c = in->config;
	unsigned long long size = c->shm_size_bytes ? c->shm_size_bytes : 64u << 20;

	if (overridden(in, target) || strcmp(c->ipc_mode, "none") == 0)
		return 0;
	if (in->ipc_fd)
		return add(mounts, target, "bind", target,
			   json_pack("[s, s, o]", "rbind", "rprivate",
				     json_sprintf(SPEC_MOUNT_NS "/proc/self/fd/%d/ns/mnt",
						  in->ipc_fd)),
			   err);
	if (strcmp(c->ipc_mode, "host") == 0)
		return add(mounts, target, "bind", target, json_pack("[s]", "rbind"), err);
	return add(mounts, target, "tmpfs", "shm",
		   json_pack("[s, s, s, s, o]", "nosuid", "noexec", "nodev", "mode=1777",
			     json_sprintf("size=%llu", size)),
		   err);
}

static int add_files(const struct spec_input *in, json_t *mounts, struct err *err)
{
	static const char *const files[] = { "resolv.conf", "hostname", "hosts" };
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(files) && r == 0; i++) {
		cleanup_free char *target = str_path("/etc", files[i]);
		cleanup_free char *source =
			str_path(in->names_dir ? in->names_dir : in->dir, files[i]);

		if (!target || !source)
			return err_sys(err, ENOMEM, "mounts");
		if (!overridden(in, target))
			r = add_source(in, mounts, target, source,
				       json_pack("[s, s, s]", "rbind", "rprivate", "rw"), err);
	}
	return r;
}

static int add_tmpfs(const Cleat__V1__Mount *m, json_t *mounts, struct err *err)
{
	json_t *options = option_list(m->tmpfs_options);

	json_array_append_new(options, json_string("nosuid"));
	json_array_append_new(options, json_string("nodev"));
	if (!strstr(m->tmpfs_options, "exec"))
		json_array_append_new(options, json_string("noexec"));
	if (m->tmpfs_size_bytes)
		json_array_append_new(
			options,
			json_sprintf("size=%llu", (unsigned long long)m->tmpfs_size_bytes));
	if (m->tmpfs_mode)
		json_array_append_new(options, json_sprintf("mode=%o", m->tmpfs_mode));
	if (m->read_only)
		json_array_append_new(options, json_string("ro"));
	return add(mounts, m->target, "tmpfs", "tmpfs", options, err);
}

static int add_bind(const struct spec_input *in, const Cleat__V1__Mount *m, const char *source,
		    json_t *mounts, struct err *err)
{
	json_t *options = json_pack("[s, s, s]", m->non_recursive ? "bind" : "rbind",
				    m->propagation[0] ? m->propagation : "rprivate",
				    m->read_only ? "ro" : "rw");

	if (m->subpath[0])
		options = with_option(options, json_sprintf(SPEC_SUBPATH "%s", m->subpath));
	return add_source(in, mounts, m->target, source, options, err);
}

/* One that is a file system of its own is mounted in the container alone. */
static int add_volume(const struct spec_input *in, const struct spec_mount *m, json_t *mounts,
		      struct err *err)
{
	json_t *options;

	if (!m->type)
		return add_bind(in, m->mount, m->source, mounts, err);
	if (m->mount->subpath[0])
		return err_set(err, ERR_UNIMPLEMENTED,
			       "volume-subpath of a volume of type %s is not supported yet",
			       m->type);
	if (in->ids.n && strcmp(m->type, "tmpfs") != 0 && strcmp(m->type, "bind") != 0)
		return err_set(
			err, ERR_UNIMPLEMENTED,
			"mount %.80s: a volume of type %.40s in a container with --userns auto "
			"is not supported yet",
			m->mount->target, m->type);
	options = option_list(str_or_empty(m->options));
	if (m->mount->read_only)
		json_array_append_new(options, json_string("ro"));
	if (in->ids.n && strcmp(m->type, "bind") == 0)
		json_array_append_new(options, json_string("ridmap"));
	return add(mounts, m->mount->target, m->type, m->source, options, err);
}

static int add_image(const struct spec_mount *m, json_t *mounts, struct err *err)
{
	json_t *options = json_pack("[s]", "ro");

	if (m->mount->subpath[0])
		options = with_option(options, json_sprintf(SPEC_SUBPATH "%s", m->mount->subpath));
	return add(mounts, m->mount->target, SPEC_LAYERS, m->source, options, err);
}

static int add_mount(const struct spec_input *in, const struct spec_mount *m, json_t *mounts,
		     struct err *err)
{
	if (strcmp(m->mount->type, "tmpfs") == 0)
		return add_tmpfs(m->mount, mounts, err);
	if (strcmp(m->mount->type, "bind") == 0)
		return add_bind(in, m->mount, m->mount->source, mounts, err);
	if (strcmp(m->mount->type, "image") == 0)
		return add_image(m, mounts, err);
	return add_volume(in, m, mounts, err);
}

static size_t depth(const char *path)
{
	size_t n = 0;

	for (; *path; path++)
		n += *path == '/';
	return n;
}

static int by_depth(const void *a, const void *b)
{
	const struct spec_mount *const *x = a, *const *y = b;
	size_t dx = depth((*x)->mount->target), dy = depth((*y)->mount->target);

	return dx < dy ? -1 : dx > dy;
}

int spec_mounts(const struct spec_input *in, json_t *mounts, struct err *err)
{
	size_t n = in->n_mounts;
	cleanup_free const struct spec_mount **sorted = calloc(n + 1, sizeof(*sorted));
	int r;

	if (!sorted)
		return err_sys(err, ENOMEM, "mounts");
	r = add_standard(in, mounts, err);
	if (r == 0)
		r = add_shared_memory(in, mounts, err);
	if (r == 0)
		r = add_files(in, mounts, err);
	for (size_t i = 0; i < n; i++)
		sorted[i] = &in->mounts[i];
	qsort(sorted, n, sizeof(*sorted), by_depth);
	for (size_t i = 0; i < n && r == 0; i++)
		r = add_mount(in, sorted[i], mounts, err);
	return r;
}
