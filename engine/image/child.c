/* SPDX-License-Identifier: Apache-2.0 */
/* Fields that described how the parent itself was made would be wrong in the child and go. */
#include "child.h"

#include <errno.h>
#include <string.h>

#include "manifest.h"
#include "str.h"

static void json_freep(json_t **doc)
{
	json_decref(*doc);
}
#define cleanup_json cleanup(json_freep)

const char *child_architecture(void)
{
#if defined(__x86_64__)
	return "amd64";
#elif defined(__aarch64__)
	return "arm64";
#else
#error "what does Docker call this architecture?"
#endif
}

static json_t *load_parent(const char *text, size_t len)
{
	json_t *doc = text ? json_loadb(text, len, 0, NULL) : json_object();

	if (doc && !json_is_object(doc)) {
		json_decref(doc);
		doc = NULL;
	}
	return doc;
}

json_t *child_inherited(const char *parent, size_t len)
{
	cleanup_json json_t *doc = load_parent(parent, len);
	json_t *config = json_object_get(doc, "config");

	return json_is_object(config) ? json_incref(config) : json_object();
}

/* 0 or -1, as jansson has it. */
static int set(json_t *doc, const char *key, const char *text)
{
	return json_object_set_new(doc, key, json_string(text));
}

static int set_unless_empty(json_t *doc, const char *key, const char *text)
{
	return str_or_empty(text)[0] ? set(doc, key, text) : 0;
}

static int set_platform(json_t *doc, const struct child *c)
{
	const char *os = json_string_value(json_object_get(doc, "os"));
	const char *arch = json_string_value(json_object_get(doc, "architecture"));

	if (c->architecture)
		json_object_del(doc, "variant");
	return set(doc, "os",
		   c->os ? c->os
		   : os  ? os
			 : "linux") ||
	       set(doc, "architecture",
		   c->architecture ? c->architecture
		   : arch          ? arch
				   : child_architecture()) ||
	       set_unless_empty(doc, "variant", c->variant);
}

/* The array of the document, made if it is not there. Borrowed. */
static json_t *array_of(json_t *doc, const char *key)
{
	json_t *array = json_object_get(doc, key);

	if (json_is_array(array))
		return array;
	array = json_array();
	return json_object_set_new(doc, key, array) == 0 ? array : NULL;
}

static int add_layer(json_t *doc, const char *diff_id)
{
	json_t *rootfs = json_object_get(doc, "rootfs");

	if (!json_is_object(rootfs)) {
		rootfs = json_object();
		if (json_object_set_new(doc, "rootfs", rootfs) < 0)
			return -1;
	}
	json_t *ids = array_of(rootfs, "diff_ids");

	if (set(rootfs, "type", "layers") < 0 || !ids)
		return -1;
	return diff_id ? json_array_append_new(ids, json_string(diff_id)) : 0;
}

static int add_history(json_t *doc, const struct child *c, const char *created)
{
	json_t *entry = json_object(), *history = array_of(doc, "history");
	int r = set(entry, "created", created) ||
		set_unless_empty(entry, "created_by", c->created_by) ||
		set_unless_empty(entry, "author", c->author) ||
		set_unless_empty(entry, "comment", c->comment);

	if (r == 0 && !c->diff_id)
		r = json_object_set_new(entry, "empty_layer", json_true());
	if (r == 0)
		return json_array_append_new(history, entry);
	json_decref(entry);
	return r;
}

static int fill(json_t *doc, const struct child *c)
{
	static const char *const of_parent[] = { "container", "container_config", "id",
						 "parent",    "docker_version",   "comment" };
	char created[STR_TIME_MAX];

	image_format_time(c->created_ns, created);
	for (size_t i = 0; i < ARRAY_LEN(of_parent); i++)
		json_object_del(doc, of_parent[i]);
	if (c->config && json_object_set_new(doc, "config", json_deep_copy(c->config)) < 0)
		return -1;
	return set(doc, "created", created) || set_unless_empty(doc, "author", c->author) ||
	       set_unless_empty(doc, "comment", c->comment) || set_platform(doc, c) ||
	       add_layer(doc, c->diff_id) || add_history(doc, c, created);
}

int child_config(const struct child *child, struct buf *out, struct err *err)
{
	cleanup_json json_t *doc = load_parent(child->parent, child->parent_len);
	cleanup_free char *text = NULL;

	if (!doc || fill(doc, child) != 0)
		return err_set(err, ERR_INVALID,
			       doc ? "the new image's config: a text is not valid UTF-8"
				   : "the parent image's config cannot be read");
	text = json_dumps(doc, JSON_COMPACT | JSON_SORT_KEYS);
	if (text)
		buf_puts(out, text);
	return text && !out->error ? 0 : err_sys(err, ENOMEM, "write the image's config");
}
