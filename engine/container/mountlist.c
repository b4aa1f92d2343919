/* SPDX-License-Identifier: Apache-2.0 */
/* A container made before there were volumes has in its request all that it mounts. */
#include "mountlist.h"

#include <string.h>

#include "cleat/v1/containers.pb-c.h"
#include "str.h"
#include "volume.h"

static Cleat__V1__ContainerConfig *of_request(const struct record *record)
{
	Cleat__V1__CreateContainerRequest *request = cleat__v1__create_container_request__unpack(
		NULL, record->config_len, record->config);
	Cleat__V1__ContainerConfig *config = request ? request->config : NULL;

	if (request) {
		request->config = NULL;
		cleat__v1__create_container_request__free_unpacked(request, NULL);
	}
	return config;
}

Cleat__V1__ContainerConfig *mountlist_read(const struct record *record)
{
	return record->mounts_len ? cleat__v1__container_config__unpack(NULL, record->mounts_len,
									record->mounts)
				  : of_request(record);
}

void mountlist_freep(Cleat__V1__ContainerConfig **list)
{
	if (*list)
		cleat__v1__container_config__free_unpacked(*list, NULL);
}

bool mountlist_is_volume(const Cleat__V1__Mount *mount)
{
	return strcmp(mount->type, "volume") == 0;
}

bool mountlist_is_image(const Cleat__V1__Mount *mount)
{
	return strcmp(mount->type, "image") == 0;
}

char *mountlist_source(const struct engine *engine, const Cleat__V1__Mount *mount)
{
	if (mountlist_is_image(mount))
		return strdup(mount->image_id);
	return mountlist_is_volume(mount) ? volume_path(engine, mount->source)
					  : strdup(mount->source);
}
