/* SPDX-License-Identifier: Apache-2.0 */
#include "eventmsg.h"

#include <errno.h>
#include <string.h>

#include "cleat/v1/containers.pb-c.h"
#include "internal.h"

static void free_entry(Cleat__V1__Event__AttributesEntry *entry)
{
	free(entry->key);
	free(entry->value);
	free(entry);
}

void eventmsg_deinit(struct eventmsg *msg)
{
	for (size_t i = 0; i < msg->event.n_attributes; i++)
		free_entry(msg->event.attributes[i]);
	free(msg->event.attributes);
}

void eventmsg_add(struct eventmsg *msg, const char *key, const char *value)
{
	Cleat__V1__Event *event = &msg->event;
	size_t n = event->n_attributes;
	Cleat__V1__Event__AttributesEntry *entry, **grown;

	for (size_t i = 0; i < n; i++)
		if (strcmp(event->attributes[i]->key, key) == 0)
			return;
	grown = realloc(event->attributes, (n + 1) * sizeof(*grown));
	if (grown)
		event->attributes = grown;
	entry = grown ? malloc(sizeof(*entry)) : NULL;
	if (!entry) {
		msg->error = -ENOMEM;
		return;
	}
	cleat__v1__event__attributes_entry__init(entry);
	entry->key = strdup(key);
	entry->value = strdup(value);
	if (!entry->key || !entry->value) {
		free_entry(entry);
		msg->error = -ENOMEM;
		return;
	}
	event->attributes[event->n_attributes++] = entry;
}

void eventmsg_begin(struct eventmsg *msg, const char *type, const char *id, const char *action,
		    int64_t time_ns)
{
	msg->event.type = (char *)(uintptr_t)type;
	msg->event.actor_id = (char *)(uintptr_t)id;
	msg->event.action = (char *)(uintptr_t)action;
	msg->event.time_ns = time_ns;
}

void eventmsg_container(struct eventmsg *msg, const struct record *record, const char *action,
			int64_t time_ns)
{
	Cleat__V1__CreateContainerRequest *request = cleat__v1__create_container_request__unpack(
		NULL, record->config_len, record->config);

	eventmsg_begin(msg, "container", record->id, action, time_ns);
	eventmsg_add(msg, "image", record->image_ref);
	eventmsg_add(msg, "name", record->name);
	for (size_t i = 0; request && request->config && i < request->config->n_labels; i++)
		eventmsg_add(msg, request->config->labels[i]->key,
			     request->config->labels[i]->value);
	msg->internal = request && internal_is(request->config);
	if (request)
		cleat__v1__create_container_request__free_unpacked(request, NULL);
}

void eventmsg_command(struct buf *text, char *const *command, size_t n)
{
	buf_printf(text, ": %s ", n ? command[0] : "");
	for (size_t i = 1; i < n; i++)
		buf_printf(text, "%s%s", i > 1 ? " " : "", command[i]);
}

void eventmsg_volume(struct eventmsg *msg, const char *name, const char *action, int64_t time_ns)
{
	eventmsg_begin(msg, "volume", name, action, time_ns);
	eventmsg_add(msg, "driver", "local");
}

void eventmsg_network(struct eventmsg *msg, const char *id, const char *name, const char *type,
		      const char *container, const char *action, int64_t time_ns)
{
	eventmsg_begin(msg, "network", id, action, time_ns);
	if (container[0])
		eventmsg_add(msg, "container", container);
	eventmsg_add(msg, "name", name);
	eventmsg_add(msg, "type", type);
}
