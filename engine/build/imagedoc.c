/* SPDX-License-Identifier: Apache-2.0 */
#include "imagedoc.h"

#include <errno.h>
#include <string.h>

#include "manifest.h"
#include "str.h"

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* What speaks of how the base came to be, and not of the image. */
static const char *const foreign[] = {
	"container", "container_config",           "docker_version",        "id", "parent",
	"parent_id", "moby.buildkit.buildinfo.v1", "moby.buildkit.cache.v0"
};

static int done(int r)
{
	return r < 0 ? -ENOMEM : 0;
}

/* The member, made by `make` when it is missing or of another type; borrowed. */
static json_t *member(json_t *object, const char *key, json_t *(*make)(void), json_type type)
{
	json_t *value = json_object_get(object, key);

	if (value && json_typeof(value) == type)
		return value;
	value = make();
	return value && json_object_set_new(object, key, value) == 0 ? value : NULL;
}

int imagedoc_scratch(struct imagedoc *doc, const char *os, const char *architecture)
{
	doc->root = json_pack("{s:s, s:s, s:{s:[s]}, s:{s:s, s:[]}, s:[]}", "architecture",
			      architecture, "os", os, "config", "Env", DEFAULT_PATH, "rootfs",
			      "type", "layers", "diff_ids", "history");
	doc->config = json_object_get(doc->root, "config");
	return doc->root ? 0 : -ENOMEM;
}

static int prepare(struct imagedoc *doc)
{
	json_t *rootfs;

	for (size_t i = 0; i < ARRAY_LEN(foreign); i++)
		json_object_del(doc->root, foreign[i]);
	doc->config = member(doc->root, "config", json_object, JSON_OBJECT);
	rootfs = member(doc->root, "rootfs", json_object, JSON_OBJECT);
	if (!doc->config || !rootfs || !member(rootfs, "diff_ids", json_array, JSON_ARRAY) ||
	    !member(doc->root, "history", json_array, JSON_ARRAY))
		return -ENOMEM;
	json_object_del(doc->config, "Image");
	json_object_del(doc->config, "Hostname");
	return 0;
}

int imagedoc_base(struct imagedoc *doc, const char *text, size_t len)
{
	doc->root = json_loadb(text, len, 0, NULL);
	if (!json_is_object(doc->root)) {
		imagedoc_deinit(doc);
		return -EINVAL;
	}
	return prepare(doc);
}

int imagedoc_copy(struct imagedoc *doc, const struct imagedoc *from)
{
	doc->root = json_deep_copy(from->root);
	doc->config = json_object_get(doc->root, "config");
	return doc->config ? 0 : -ENOMEM;
}

void imagedoc_deinit(struct imagedoc *doc)
{
	json_decref(doc->root);
	*doc = IMAGEDOC_NULL;
}

/* ---- settings */

static size_t find_env(const json_t *env, const char *name)
{
	size_t n = strlen(name), i;

	for (i = 0; i < json_array_size(env); i++) {
		const char *word = json_string_value(json_array_get(env, i));

		if (word && strncmp(word, name, n) == 0 && word[n] == '=')
			break;
	}
	return i;
}

const char *imagedoc_env(const struct imagedoc *doc, const char *name)
{
	const json_t *env = json_object_get(doc->config, "Env");
	const char *word = json_string_value(json_array_get(env, find_env(env, name)));

	return word ? word + strlen(name) + 1 : NULL;
}

int imagedoc_set_env(struct imagedoc *doc, const char *name, const char *value)
{
	json_t *env = member(doc->config, "Env", json_array, JSON_ARRAY);
	json_t *word = json_sprintf("%s=%s", name, value);
	size_t at = env ? find_env(env, name) : 0;

	if (!env || !word) {
		json_decref(word);
		return -ENOMEM;
	}
	return done(at < json_array_size(env) ? json_array_set_new(env, at, word)
					      : json_array_append_new(env, word));
}

const char *imagedoc_text(const struct imagedoc *doc, const char *key)
{
	return str_or_empty(json_string_value(json_object_get(doc->config, key)));
}

int imagedoc_set_text(struct imagedoc *doc, const char *key, const char *value)
{
	return done(json_object_set_new(doc->config, key, json_string(value)));
}

int imagedoc_set_list(struct imagedoc *doc, const char *key, char *const *words, size_t n)
{
	int r = done(json_object_set_new(doc->config, key, json_array()));

	for (size_t i = 0; r == 0 && i < n; i++)
		r = imagedoc_add_word(doc, key, words[i]);
	return r;
}

int imagedoc_add_word(struct imagedoc *doc, const char *key, const char *word)
{
	json_t *list = member(doc->config, key, json_array, JSON_ARRAY);

	return done(json_array_append_new(list, json_string(word)));
}

static int append_texts(const json_t *list, struct strings *out)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
		r = strings_append(out, str_or_empty(json_string_value(json_array_get(list, i))));
	return r;
}

int imagedoc_list(const struct imagedoc *doc, const char *key, struct strings *out)
{
	return append_texts(json_object_get(doc->config, key), out);
}

void imagedoc_drop(struct imagedoc *doc, const char *key)
{
	json_object_del(doc->config, key);
}

int imagedoc_set_entry(struct imagedoc *doc, const char *key, const char *name, const char *value)
{
	json_t *map = member(doc->config, key, json_object, JSON_OBJECT);

	return done(json_object_set_new(map, name, value ? json_string(value) : json_object()));
}

int imagedoc_set_json(struct imagedoc *doc, const char *key, json_t *value)
{
	return done(json_object_set_new(doc->config, key, value));
}

/* ---- the rest of the document */

static int set_time(json_t *object, int64_t created_ns)
{
	char text[STR_TIME_MAX];

	image_format_time(created_ns, text);
	return done(json_object_set_new(object, "created", json_string(text)));
}

int imagedoc_set_author(struct imagedoc *doc, const char *author)
{
	return done(json_object_set_new(doc->root, "author", json_string(author)));
}

int imagedoc_add_history(struct imagedoc *doc, const char *created_by, int64_t created_ns,
			 const char *diff_id, const char *key)
{
	json_t *diff_ids = json_object_get(json_object_get(doc->root, "rootfs"), "diff_ids");
	json_t *entry = json_pack("{s:s}", "created_by", created_by);
	int r = !entry ? -ENOMEM : created_ns ? set_time(entry, created_ns) : 0;

	if (r == 0 && key)
		r = json_object_set_new(entry, "comment",
					json_sprintf(IMAGE_STEP_COMMENT "sha256:%s", key));
	if (r == 0 && diff_id)
		r = json_array_append_new(diff_ids, json_string(diff_id));
	else if (r == 0)
		r = json_object_set_new(entry, "empty_layer", json_true());
	if (r < 0) {
		json_decref(entry);
		return -ENOMEM;
	}
	return done(json_array_append_new(json_object_get(doc->root, "history"), entry));
}

int imagedoc_layers(const struct imagedoc *doc, struct strings *out)
{
	return append_texts(json_object_get(json_object_get(doc->root, "rootfs"), "diff_ids"), out);
}

static int write_text(const struct imagedoc *doc, struct buf *out)
{
	cleanup_free char *text = json_dumps(doc->root, JSON_COMPACT | JSON_SORT_KEYS);

	if (!text)
		return -ENOMEM;
	buf_puts(out, text);
	return out->error;
}

int imagedoc_write_undated(struct imagedoc *doc, struct buf *out)
{
	json_object_del(doc->root, "created");
	return write_text(doc, out);
}

int imagedoc_write(struct imagedoc *doc, int64_t created_ns, bool everywhere, struct buf *out)
{
	json_t *history = json_object_get(doc->root, "history");
	int r = set_time(doc->root, created_ns);

	for (size_t i = 0; r == 0 && i < json_array_size(history); i++) {
		json_t *entry = json_array_get(history, i);

		if (everywhere || !json_object_get(entry, "created"))
			r = set_time(entry, created_ns);
	}
	return r ? r : write_text(doc, out);
}
