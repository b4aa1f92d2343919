/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#define INTERNAL_LABEL "cleat.internal"

static bool add_label(Cleat__V1__ContainerConfig *config)
{
	Cleat__V1__ContainerConfig__LabelsEntry *label = malloc(sizeof(*label));
	void *grown = realloc(config->labels, (config->n_labels + 1) * sizeof(*config->labels));

	if (grown)
		config->labels = grown;
	if (!grown || !label) {
		free(label);
		return false;
	}
	cleat__v1__container_config__labels_entry__init(label);
	config->labels[config->n_labels++] = label;
	label->key = strdup(INTERNAL_LABEL);
	label->value = strdup("build");
	return label->key && label->value;
}

Cleat__V1__CreateContainerRequest *internal_copy(const Cleat__V1__CreateContainerRequest *request)
{
	size_t len = cleat__v1__create_container_request__get_packed_size(request);
	cleanup_free uint8_t *bytes = malloc(len + 1);
	Cleat__V1__CreateContainerRequest *copy;

	if (!bytes)
		return NULL;
	cleat__v1__create_container_request__pack(request, bytes);
	copy = cleat__v1__create_container_request__unpack(NULL, len, bytes);
	if (copy && copy->config && add_label(copy->config))
		return copy;
	if (copy)
		cleat__v1__create_container_request__free_unpacked(copy, NULL);
	return NULL;
}

bool internal_is(const Cleat__V1__ContainerConfig *config)
{
	for (size_t i = 0; config && i < config->n_labels; i++)
		if (strcmp(config->labels[i]->key, INTERNAL_LABEL) == 0)
			return true;
	return false;
}
