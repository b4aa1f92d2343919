/* SPDX-License-Identifier: Apache-2.0 */
#include "viewparts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "str.h"

static int fill_mount(const Cleat__V1__Mount *m, Cleat__V1__MountPoint *out)
{
	out->type = strdup(m->type);
	out->source = strdup(m->source);
	out->destination = strdup(m->target);
	out->mode = strdup(m->read_only ? "ro" : "");
	out->propagation = strdup(m->propagation[0] ? m->propagation : "rprivate");
	out->read_write = !m->read_only;
	return out->type && out->source && out->destination && out->mode && out->propagation
		       ? 0
		       : -ENOMEM;
}

int viewparts_mounts(const Cleat__V1__ContainerConfig *config, Cleat__V1__MountPoint ***out,
		     size_t *n)
{
	*out = calloc(config->n_mounts + 1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	for (size_t i = 0; i < config->n_mounts; i++) {
		Cleat__V1__MountPoint *point;

		if (str_equal(config->mounts[i]->type, "tmpfs"))
			continue;
		point = malloc(sizeof(*point));
		if (!point)
			return -ENOMEM;
		cleat__v1__mount_point__init(point);
		(*out)[(*n)++] = point;
		if (fill_mount(config->mounts[i], point) < 0)
			return -ENOMEM;
	}
	return 0;
}

int viewparts_networks(const char *mode, Cleat__V1__EndpointStatus ***out, size_t *n)
{
	if (str_has_prefix(mode, "container:"))
		return 0;
	*out = calloc(1, sizeof(**out));
	if (!*out || !((*out)[0] = malloc(sizeof(***out))))
		return -ENOMEM;
	cleat__v1__endpoint_status__init((*out)[0]);
	*n = 1;
	(*out)[0]->network = strdup(mode);
	return (*out)[0]->network ? 0 : -ENOMEM;
}
