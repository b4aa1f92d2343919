/* SPDX-License-Identifier: Apache-2.0 */
/* Filling protobuf-c messages whose parts are all from malloc, so that
 * protobuf_c_message_free_unpacked() frees them whole. Without memory they return false. Pure. */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Every map<string, string> entry has this shape. */
struct msg_entry {
	ProtobufCMessage base;
	char *key, *value;
};

static inline void msg_free(void *message)
{
	if (message)
		protobuf_c_message_free_unpacked(message, NULL);
}

/* For cleanup() on a pointer to any message. */
static inline void msg_freep(void *pp)
{
	msg_free(*(void **)pp);
}

/* A new message with all defaults. */
static inline void *msg_new(const ProtobufCMessageDescriptor *type)
{
	ProtobufCMessage *m = malloc(type->sizeof_message);

	if (m)
		protobuf_c_message_init(type, m);
	return m;
}

/* Replaces a string field. */
static inline bool msg_set(char **field, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return false;
	if (*field && *field != protobuf_c_empty_string)
		free(*field);
	*field = copy;
	return true;
}

/* Appends `item` (consumed) to a repeated field of messages or strings: list is its address. A list that
 * msg_push() fills it fills alone: its room is the next power of two. */
static inline bool msg_push(void *list, size_t *n, void *item)
{
	void **items = *(void ***)list;

	if (item && (*n & (*n - 1)) == 0)
		items = realloc(items, (*n ? 2 * *n : 1) * sizeof(*items));
	if (!item || !items)
		return false;
	items[(*n)++] = item;
	*(void ***)list = items;
	return true;
}

static inline bool msg_add(char ***list, size_t *n, const char *text)
{
	return msg_push(list, n, strdup(text));
}

/* Sets key to value in a map field of entries of `type`; the last one counts. */
static inline bool msg_map_set(void *list, size_t *n, const ProtobufCMessageDescriptor *type,
			       const char *key, size_t key_len, const char *value)
{
	struct msg_entry **entries = *(struct msg_entry ***)list, *e;

	for (size_t i = 0; i < *n; i++)
		if (strncmp(entries[i]->key, key, key_len) == 0 && entries[i]->key[key_len] == '\0')
			return msg_set(&entries[i]->value, value);
	e = msg_new(type);
	if (!e)
		return false;
	e->key = strndup(key, key_len);
	e->value = strdup(value);
	return e->key && e->value && msg_push(list, n, e);
}
