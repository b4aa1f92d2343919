/* SPDX-License-Identifier: Apache-2.0 */
#include "viewparts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mountlist.h"
#include "netjoin.h"
#include "str.h"

static int fill_mount(const struct engine *engine, const Cleat__V1__Mount *m,
		      Cleat__V1__MountPoint *out)
{
	bool volume = mountlist_is_volume(m), image = mountlist_is_image(m);

	out->type = strdup(m->type);
	out->name = strdup(volume || image ? m->source : "");
	out->source = mountlist_source(engine, m);
	out->destination = strdup(m->target);
	out->driver = strdup(volume ? "local" : "");
	out->mode = strdup(m->read_only ? "ro" : "");
	out->propagation = strdup(volume || image     ? ""
				  : m->propagation[0] ? m->propagation
						      : "rprivate");
	out->read_write = !m->read_only;
	return out->type && out->name && out->source && out->destination && out->driver &&
			       out->mode && out->propagation
		       ? 0
		       : -ENOMEM;
}

int viewparts_mounts(const struct engine *engine, const struct record *record,
		     const Cleat__V1__ContainerConfig *config, Cleat__V1__MountPoint ***out,
		     size_t *n)
{
	cleanup(mountlist_freep) Cleat__V1__ContainerConfig *own =
		record->mounts_len ? mountlist_read(record) : NULL;
	const Cleat__V1__ContainerConfig *list = record->mounts_len ? own : config;

	*out = list ? calloc(list->n_mounts + 1, sizeof(**out)) : NULL;
	if (!*out)
		return -ENOMEM;
	for (size_t i = 0; i < list->n_mounts; i++) {
		Cleat__V1__MountPoint *point;

		if (str_equal(list->mounts[i]->type, "tmpfs"))
			continue;
		point = malloc(sizeof(*point));
		if (!point)
			return -ENOMEM;
		cleat__v1__mount_point__init(point);
		(*out)[(*n)++] = point;
		if (fill_mount(engine, list->mounts[i], point) < 0)
			return -ENOMEM;
	}
	return 0;
}

int viewparts_networks(const struct netview *view, const char *id, const char *mode,
		       Cleat__V1__EndpointStatus ***out, size_t *n)
{
	if (str_has_prefix(mode, "container:"))
		return 0;
	if (netjoin_is_ours(mode))
		return netview_endpoints(view, id, out, n);
	*out = calloc(1, sizeof(**out));
	if (!*out || !((*out)[0] = malloc(sizeof(***out))))
		return -ENOMEM;
	cleat__v1__endpoint_status__init((*out)[0]);
	*n = 1;
	(*out)[0]->network = strdup(mode);
	return (*out)[0]->network ? 0 : -ENOMEM;
}
