/* SPDX-License-Identifier: Apache-2.0 */
#include "createmounts.h"

#include <errno.h>
#include <string.h>

#include "bindtext.h"
#include "buf.h"
#include "jsonfield.h"
#include "msg.h"
#include "str.h"

typedef Cleat__V1__ContainerConfig config;

static Cleat__V1__Mount *add_mount(config *c)
{
	Cleat__V1__Mount *mount = msg_new(&cleat__v1__mount__descriptor);

	if (mount && msg_push(&c->mounts, &c->n_mounts, mount))
		return mount;
	msg_free(mount);
	return NULL;
}

static int add_binds(json_t *list, config *c, struct err *err)
{
	json_t *item;
	size_t i;
	int r = 0;

	json_array_foreach(list, i, item)
	{
		Cleat__V1__Mount *mount = r == 0 ? add_mount(c) : NULL;

		if (!json_is_string(item))
			return jsonfield_wrong("Binds", "a list of strings", err);
		if (r == 0 && !mount)
			return jsonfield_no_memory(err);
		r = r ? r : bindtext_parse(json_string_value(item), mount, err);
	}
	return r;
}

static int take_text(json_t *object, const char *key, char **at, struct err *err)
{
	json_t *value = json_object_get(object, key);

	if (value && !json_is_null(value) && !json_is_string(value))
		return jsonfield_wrong(key, "a string", err);
	return jsonfield_text(at, str_or_empty(json_string_value(value)), err);
}

static int add_pairs(json_t *object, const char *what, const ProtobufCMessageDescriptor *type,
		     void *list, size_t *n, struct err *err)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		if (!json_is_string(value))
			return jsonfield_wrong(what, "strings as values", err);
		if (!msg_map_set(list, n, type, key, strlen(key), json_string_value(value)))
			return jsonfield_no_memory(err);
	}
	return 0;
}

static int set_volume(json_t *volume, Cleat__V1__Mount *m, struct err *err)
{
	json_t *driver = json_object_get(volume, "DriverConfig");
	int r = take_text(volume, "Subpath", &m->subpath, err);

	m->no_copy = json_is_true(json_object_get(volume, "NoCopy"));
	r = r ? r : take_text(driver, "Name", &m->driver, err);
	r = r ? r
	      : add_pairs(json_object_get(driver, "Options"), "DriverConfig.Options",
			  &cleat__v1__mount__driver_options_entry__descriptor, &m->driver_options,
			  &m->n_driver_options, err);
	return r ? r
		 : add_pairs(json_object_get(volume, "Labels"), "VolumeOptions.Labels",
			     &cleat__v1__mount__labels_entry__descriptor, &m->labels, &m->n_labels,
			     err);
}

/* Options are lists of a word and, maybe, its value. */
static int set_tmpfs(json_t *tmpfs, Cleat__V1__Mount *m, struct err *err)
{
	json_t *size = json_object_get(tmpfs, "SizeBytes"), *option;
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	size_t i;

	if (json_integer_value(size) < 0)
		return jsonfield_wrong("TmpfsOptions.SizeBytes", "a size", err);
	m->tmpfs_size_bytes = (uint64_t)json_integer_value(size);
	m->tmpfs_mode = (uint32_t)json_integer_value(json_object_get(tmpfs, "Mode"));
	json_array_foreach(json_object_get(tmpfs, "Options"), i, option)
	{
		const char *word = json_string_value(json_array_get(option, 0));
		const char *value = json_string_value(json_array_get(option, 1));

		if (!word)
			return jsonfield_wrong("TmpfsOptions.Options", "lists of strings", err);
		buf_printf(&text, "%s%s%s%s", i ? "," : "", word, value ? "=" : "",
			   str_or_empty(value));
	}
	if (text.error)
		return jsonfield_no_memory(err);
	return jsonfield_text(&m->tmpfs_options, text.data ? text.data : "", err);
}

static int set_bind(json_t *bind, Cleat__V1__Mount *m, struct err *err)
{
	m->create_source = json_is_true(json_object_get(bind, "CreateMountpoint"));
	m->non_recursive = json_is_true(json_object_get(bind, "NonRecursive"));
	return take_text(bind, "Propagation", &m->propagation, err);
}

static int set_image(json_t *image, Cleat__V1__Mount *m, struct err *err)
{
	return take_text(image, "Subpath", &m->subpath, err);
}

/* Those of another type than the mount's are refused. */
static int set_options(json_t *o, Cleat__V1__Mount *m, struct err *err)
{
	static const struct {
		const char *type, *key;
		int (*set)(json_t *options, Cleat__V1__Mount *m, struct err *err);
	} kinds[] = {
		{ "bind", "BindOptions", set_bind },
		{ "volume", "VolumeOptions", set_volume },
		{ "tmpfs", "TmpfsOptions", set_tmpfs },
		{ "image", "ImageOptions", set_image },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(kinds); i++) {
		json_t *options = json_object_get(o, kinds[i].key);

		if (!options || json_is_null(options))
			continue;
		if (!json_is_object(options))
			return jsonfield_wrong(kinds[i].key, "an object", err);
		if (strcmp(m->type, kinds[i].type) != 0)
			return err_set(err, ERR_INVALID,
				       "%s must not be specified on mount type \"%.60s\"",
				       kinds[i].key, m->type);
		r = kinds[i].set(options, m, err);
	}
	return r;
}

static int add_json_mount(json_t *o, config *c, struct err *err)
{
	Cleat__V1__Mount *mount = json_is_object(o) ? add_mount(c) : NULL;
	int r;

	if (!mount)
		return jsonfield_wrong("Mounts", "a list of objects", err);
	mount->read_only = json_is_true(json_object_get(o, "ReadOnly"));
	r = take_text(o, "Type", &mount->type, err);
	r = r ? r : take_text(o, "Source", &mount->source, err);
	r = r ? r : take_text(o, "Target", &mount->target, err);
	return r ? r : set_options(o, mount, err);
}

/* Lists of paths in place of the usual ones; an empty one hides nothing. */
static int set_protected(json_t *host, Cleat__V1__ContainerConfig *c, struct err *err)
{
	json_t *masked = json_object_get(host, "MaskedPaths");
	json_t *readonly = json_object_get(host, "ReadonlyPaths");
	int r = 0;

	if (masked && !json_is_null(masked)) {
		c->masked_case = CLEAT__V1__CONTAINER_CONFIG__MASKED_MASKED_PATHS;
		r = jsonfield_words(masked, "MaskedPaths", &c->masked_paths, err);
	}
	if (r == 0 && readonly && !json_is_null(readonly)) {
		c->readonly_case = CLEAT__V1__CONTAINER_CONFIG__READONLY_READONLY_PATHS;
		r = jsonfield_words(readonly, "ReadonlyPaths", &c->readonly_paths, err);
	}
	return r;
}

int createmounts(json_t *host, config *c, struct err *err)
{
	json_t *tmpfs = json_object_get(host, "Tmpfs"), *item;
	const char *target;
	size_t i;
	int r = add_binds(json_object_get(host, "Binds"), c, err);

	json_array_foreach(json_object_get(host, "Mounts"), i, item) r =
		r ? r : add_json_mount(item, c, err);
	json_object_foreach(tmpfs, target, item)
	{
		Cleat__V1__Mount *mount = r == 0 ? add_mount(c) : NULL;

		if (!mount)
			return r ? r : jsonfield_no_memory(err);
		if (!msg_set(&mount->type, "tmpfs") || !msg_set(&mount->target, target) ||
		    !msg_set(&mount->tmpfs_options, str_or_empty(json_string_value(item))))
			return jsonfield_no_memory(err);
	}
	return r ? r : set_protected(host, c, err);
}

void createmounts_drop_volumes(Cleat__V1__ContainerConfig *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->n_volumes; i++) {
		bool mounted = false;

		for (size_t k = 0; k < c->n_mounts && !mounted; k++)
			mounted = strcmp(c->mounts[k]->target, c->volumes[i]) == 0;
		if (mounted)
			free(c->volumes[i]);
		else
			c->volumes[kept++] = c->volumes[i];
	}
	c->n_volumes = kept;
}
