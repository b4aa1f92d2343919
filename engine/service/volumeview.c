/* SPDX-License-Identifier: Apache-2.0 */
#include "volumeview.h"

#include <errno.h>
#include <string.h>

static int copy_options(const Cleat__V1__CreateVolumeRequest *from, Cleat__V1__VolumeDetails *to)
{
	to->options = calloc(from->n_options + 1, sizeof(*to->options));
	if (!to->options)
		return -ENOMEM;
	for (size_t i = 0; i < from->n_options; i++) {
		Cleat__V1__VolumeDetails__OptionsEntry *e = malloc(sizeof(*e));

		if (!e)
			return -ENOMEM;
		cleat__v1__volume_details__options_entry__init(e);
		to->options[to->n_options++] = e;
		e->key = strdup(from->options[i]->key);
		e->value = strdup(from->options[i]->value);
		if (!e->key || !e->value)
			return -ENOMEM;
	}
	return 0;
}

static int copy_labels(const Cleat__V1__CreateVolumeRequest *from, Cleat__V1__VolumeDetails *to)
{
	to->labels = calloc(from->n_labels + 1, sizeof(*to->labels));
	if (!to->labels)
		return -ENOMEM;
	for (size_t i = 0; i < from->n_labels; i++) {
		Cleat__V1__VolumeDetails__LabelsEntry *e = malloc(sizeof(*e));

		if (!e)
			return -ENOMEM;
		cleat__v1__volume_details__labels_entry__init(e);
		to->labels[to->n_labels++] = e;
		e->key = strdup(from->labels[i]->key);
		e->value = strdup(from->labels[i]->value);
		if (!e->key || !e->value)
			return -ENOMEM;
	}
	return 0;
}

int volumeview_details(const struct engine *engine, const struct volume *volume,
		       Cleat__V1__VolumeDetails *out, struct err *err)
{
	out->name = strdup(volume->name);
	out->driver = strdup("local");
	out->scope = strdup("local");
	out->mount_point = volume_path(engine, volume->name);
	out->created_ns = volume->created_ns;
	out->anonymous = volume->anonymous;
	out->references = volume->references;
	if (!out->name || !out->driver || !out->scope || !out->mount_point ||
	    copy_options(volume->config, out) < 0 || copy_labels(volume->config, out) < 0)
		return err_sys(err, ENOMEM, "describe a volume");
	return 0;
}

int volumeview_add(const struct engine *engine, const struct volume *volume,
		   Cleat__V1__VolumeDetails ***list, size_t *n, struct err *err)
{
	Cleat__V1__VolumeDetails *details = malloc(sizeof(*details));

	if (!details)
		return err_sys(err, ENOMEM, "describe a volume");
	cleat__v1__volume_details__init(details);
	(*list)[(*n)++] = details;
	return volumeview_details(engine, volume, details, err);
}
