/* SPDX-License-Identifier: Apache-2.0 */
#include "mountjson.h"

#include <stdio.h>
#include <string.h>

#include "str.h"

static json_t *text(const char *s)
{
	json_t *v = json_string(str_or_empty(s));

	return v ? v : json_string("");
}

bool mountjson_is_bind(const Cleat__V1__Mount *m)
{
	if (strcmp(m->type, "bind") == 0)
		return m->create_source && !m->non_recursive;
	return strcmp(m->type, "volume") == 0 && !m->subpath[0] && !m->n_driver_options &&
	       !m->n_labels && (m->source[0] || (!m->read_only && !m->no_copy));
}

bool mountjson_is_tmpfs(const Cleat__V1__Mount *m)
{
	return strcmp(m->type, "tmpfs") == 0 && !m->tmpfs_size_bytes && !m->tmpfs_mode &&
	       !m->read_only;
}

json_t *mountjson_bind(const Cleat__V1__Mount *m)
{
	char options[48];
	size_t n = 0;

	if (!m->source[0])
		return text(m->target);

	(void)snprintf(options, sizeof(options), "%s%s%s%.12s", m->read_only ? ",ro" : "",
		       m->no_copy ? ",nocopy" : "", m->propagation[0] ? "," : "", m->propagation);
	n = options[0] == ',';
	return json_sprintf("%s:%s%s%s", m->source, m->target, n ? ":" : "", options + n);
}

static json_t *bind_options(const Cleat__V1__Mount *m)
{
	json_t *o = json_object();

	if (m->propagation[0])
		json_object_set_new(o, "Propagation", text(m->propagation));
	if (m->non_recursive)
		json_object_set_new(o, "NonRecursive", json_true());
	if (m->create_source)
		json_object_set_new(o, "CreateMountpoint", json_true());
	return o;
}

static json_t *volume_options(const Cleat__V1__Mount *m)
{
	json_t *o = json_object(), *options = json_object(), *labels = json_object();

	for (size_t i = 0; i < m->n_driver_options; i++)
		json_object_set_new(options, m->driver_options[i]->key,
				    text(m->driver_options[i]->value));
	for (size_t i = 0; i < m->n_labels; i++)
		json_object_set_new(labels, m->labels[i]->key, text(m->labels[i]->value));
	if (m->no_copy)
		json_object_set_new(o, "NoCopy", json_true());
	if (m->subpath[0])
		json_object_set_new(o, "Subpath", text(m->subpath));
	json_object_set_new(o, "Labels", labels);
	json_object_set_new(o, "DriverConfig",
			    json_pack("{s:o, s:o}", "Name", text(m->driver), "Options", options));
	return o;
}

static json_t *tmpfs_options(const Cleat__V1__Mount *m)
{
	return json_pack("{s:I, s:I}", "SizeBytes", (json_int_t)m->tmpfs_size_bytes, "Mode",
			 (json_int_t)m->tmpfs_mode);
}

static json_t *mount(const Cleat__V1__Mount *m)
{
	json_t *o = json_object();

	json_object_set_new(o, "Type", text(m->type));
	if (m->source[0])
		json_object_set_new(o, "Source", text(m->source));
	json_object_set_new(o, "Target", text(m->target));
	if (m->read_only)
		json_object_set_new(o, "ReadOnly", json_true());
	if (strcmp(m->type, "bind") == 0)
		json_object_set_new(o, "BindOptions", bind_options(m));
	else if (strcmp(m->type, "volume") == 0)
		json_object_set_new(o, "VolumeOptions", volume_options(m));
	else if (strcmp(m->type, "tmpfs") == 0)
		json_object_set_new(o, "TmpfsOptions", tmpfs_options(m));
	else if (strcmp(m->type, "image") == 0 && m->subpath[0])
		json_object_set_new(o, "ImageOptions",
				    json_pack("{s:o}", "Subpath", text(m->subpath)));
	return o;
}

void mountjson_set_mounts(json_t *host, const Cleat__V1__ContainerConfig *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->n_mounts; i++)
		if (!mountjson_is_bind(c->mounts[i]) && !mountjson_is_tmpfs(c->mounts[i]))
			json_array_append_new(list, mount(c->mounts[i]));
	if (json_array_size(list) > 0)
		json_object_set(host, "Mounts", list);
	json_decref(list);
}
