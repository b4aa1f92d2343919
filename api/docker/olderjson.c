/* SPDX-License-Identifier: Apache-2.0 */
#include "olderjson.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void olderjson_image_summary(json_t *image, unsigned minor)
{
	if (minor < 44)
		json_object_set(image, "VirtualSize", json_object_get(image, "Size"));
}

/* An image's config was a container's before 1.50. */
static void add_container_fields(json_t *config)
{
	json_object_update_missing_new(
		config, json_pack("{s:s, s:s, s:s, s:b, s:b, s:b, s:b, s:b, s:b}", "Hostname", "",
				  "Domainname", "", "Image", "", "AttachStdin", 0, "AttachStdout",
				  0, "AttachStderr", 0, "Tty", 0, "OpenStdin", 0, "StdinOnce", 0));
}

void olderjson_image(json_t *image, unsigned minor)
{
	json_t *config = json_object_get(image, "Config");

	olderjson_image_summary(image, minor);
	add_container_fields(config);
	json_object_set_new(image, "DockerVersion", json_string(""));
	/* Gone since 1.45, but docker-compose 1.29 looks for an image's volumes there, whatever the version that it has
	 * negotiated. */
	json_object_set(image, "ContainerConfig", config);
	if (minor < 45)
		json_object_set_new(image, "Container", json_string(""));
}

static void add_once(json_t *list, const char *text)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		if (strcmp(json_string_value(item), text) == 0)
			return;
	}
	json_array_append_new(list, json_string(text));
}

static bool is_builtin(const char *network)
{
	return !strcmp(network, "bridge") || !strcmp(network, "host") || !strcmp(network, "none");
}

/* Before 1.45 the names that each has in a network stood among the aliases. */
void olderjson_container(json_t *container, unsigned minor)
{
	const char *id = json_string_value(json_object_get(container, "Id"));
	json_t *settings = json_object_get(container, "NetworkSettings"), *endpoint;
	json_t *hostname = json_object_get(json_object_get(container, "Config"), "Hostname");
	const char *network;
	char short_id[13];

	if (minor >= 45 || !id)
		return;
	snprintf(short_id, sizeof(short_id), "%s", id);
	json_object_foreach(json_object_get(settings, "Networks"), network, endpoint)
	{
		if (is_builtin(network))
			continue;
		if (!json_is_array(json_object_get(endpoint, "Aliases")))
			json_object_set_new(endpoint, "Aliases", json_array());
		add_once(json_object_get(endpoint, "Aliases"), short_id);
		if (json_string_length(hostname))
			add_once(json_object_get(endpoint, "Aliases"), json_string_value(hostname));
	}
}
