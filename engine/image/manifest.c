/* SPDX-License-Identifier: Apache-2.0 */
/* Strict where a wrong value could do harm (digests, paths, types), silent about fields that cleat does
 * not use, as the formats allow extensions. Formats: OCI image-spec 1.1, Docker image spec 1.3. */
#include "manifest.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "str.h"

static void json_freep(json_t **doc)
{
	json_decref(*doc);
}
#define cleanup_json cleanup(json_freep)

void strings_deinit(struct strings *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i]);
	free(s->v);
	*s = (struct strings){ 0 };
}

/* Room for one more of n: what others wrote may have very many, so it doubles. NULL = no memory. */
static void *make_room(void *v, size_t n, size_t size)
{
	return n & (n - 1) ? v : realloc(v, (n ? 2 * n : 1) * size);
}

int strings_append(struct strings *s, const char *text)
{
	char **grown = make_room(s->v, s->n, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	s->v = grown;
	s->v[s->n] = strdup(text);
	if (!s->v[s->n])
		return -ENOMEM;
	s->n++;
	return 0;
}

void manifests_deinit(struct manifests *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->v[i].config);
		strings_deinit(&m->v[i].layers);
		strings_deinit(&m->v[i].tags);
	}
	free(m->v);
	*m = (struct manifests){ 0 };
}

static struct manifest *manifests_add(struct manifests *m)
{
	struct manifest *grown = make_room(m->v, m->n, sizeof(*grown));

	if (!grown)
		return NULL;
	m->v = grown;
	m->v[m->n] = (struct manifest){ 0 };
	return &m->v[m->n++];
}

static json_t *load(const char *what, const char *text, size_t len, struct err *err)
{
	json_error_t e;
	json_t *doc = NULL;

	if (len <= MANIFEST_BYTES_MAX)
		doc = json_loadb(text, len, JSON_REJECT_DUPLICATES, &e);
	else
		snprintf(e.text, sizeof(e.text), "it is longer than 4 MiB");
	if (!doc)
		err_set(err, ERR_INVALID, "%s: %s", what, e.text);
	return doc;
}

/* All strings of the array `key` (absent or null: none) appended to *out. */
static int read_strings(const json_t *object, const char *key, struct strings *out, struct err *err)
{
	const json_t *array = json_object_get(object, key), *item;
	size_t i;

	if (!array || json_is_null(array))
		return 0;
	if (!json_is_array(array))
		return err_set(err, ERR_INVALID, "%s: expected an array of strings", key);
	json_array_foreach(array, i, item)
	{
		if (!json_is_string(item))
			return err_set(err, ERR_INVALID, "%s[%zu]: expected a string", key, i);
		if (strings_append(out, json_string_value(item)) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Owned copy of a string field, "" when absent. */
static int read_string(const json_t *object, const char *key, char **out, struct err *err)
{
	const json_t *value = json_object_get(object, key);

	if (value && !json_is_null(value) && !json_is_string(value))
		return err_set(err, ERR_INVALID, "%s: expected a string", key);
	*out = strdup(str_or_empty(json_string_value(value)));
	return *out ? 0 : -ENOMEM;
}

int manifest_parse_save(const char *text, size_t len, struct manifests *out, struct err *err)
{
	cleanup_json json_t *doc = load("manifest.json", text, len, err);
	const json_t *item;
	size_t i;

	if (!doc)
		return -EINVAL;
	if (!json_is_array(doc) || json_array_size(doc) == 0)
		return err_set(err, ERR_INVALID, "manifest.json: expected an array of images");
	json_array_foreach(doc, i, item)
	{
		struct manifest *m = manifests_add(out);
		int r = m ? read_string(item, "Config", &m->config, err) : -ENOMEM;

		r = r ? r : read_strings(item, "Layers", &m->layers, err);
		r = r ? r : read_strings(item, "RepoTags", &m->tags, err);
		if (r < 0)
			return err_wrap(err, r, "manifest.json, image %zu", i);
		if (!m->config[0])
			return err_set(err, ERR_INVALID, "manifest.json, image %zu: no Config", i);
		if (m->layers.n > MANIFEST_LAYERS_MAX)
			return err_set(err, ERR_INVALID,
				       "manifest.json, image %zu: %zu layers, "
				       "at most %d are possible",
				       i, m->layers.n, MANIFEST_LAYERS_MAX);
	}
	return 0;
}

/* blobs/sha256/HEX of a descriptor. */
static int blob_path(const json_t *descriptor, const char *what, char out[96], struct err *err)
{
	const char *digest = json_string_value(json_object_get(descriptor, "digest"));

	if (!digest || !str_is_digest(digest))
		return err_set(err, ERR_INVALID,
			       "manifest, %s: digest \"%.80s\", expected sha256:...", what,
			       str_or_empty(digest));
	snprintf(out, 96, "blobs/sha256/%s", digest + strlen("sha256:"));
	return 0;
}

int manifest_parse_image(const char *text, size_t len, const char *tag, struct manifests *out,
			 struct err *err)
{
	cleanup_json json_t *doc = load("manifest", text, len, err);
	struct manifest *m = doc ? manifests_add(out) : NULL;
	const json_t *layers = json_object_get(doc, "layers"), *item;
	char path[96];
	size_t i;

	if (!doc)
		return -EINVAL;
	if (!m)
		return -ENOMEM;
	if (!json_is_array(layers) || json_array_size(layers) > MANIFEST_LAYERS_MAX)
		return err_set(err, ERR_INVALID,
			       "manifest, layers: expected an array of at most %d",
			       MANIFEST_LAYERS_MAX);
	int r = blob_path(json_object_get(doc, "config"), "config", path, err);

	if (r < 0)
		return r;
	m->config = strdup(path);
	if (!m->config || (tag[0] && strings_append(&m->tags, tag) < 0))
		return -ENOMEM;
	json_array_foreach(layers, i, item)
	{
		r = blob_path(item, "layers", path, err);
		r = r ? r : strings_append(&m->layers, path);
		if (r < 0)
			return r;
	}
	return 0;
}

bool manifest_is_index(const char *text, size_t len)
{
	cleanup_json json_t *doc = load("manifest", text, len, NULL);

	return json_is_array(json_object_get(doc, "manifests"));
}

static void copy_field(const json_t *object, const char *key, char *out, size_t size)
{
	snprintf(out, size, "%s", str_or_empty(json_string_value(json_object_get(object, key))));
}

int manifest_parse_index(const char *text, size_t len, struct manifest_entry **out, size_t *n,
			 struct err *err)
{
	cleanup_json json_t *doc = load("index.json", text, len, err);
	const json_t *list = json_object_get(doc, "manifests"), *item;
	size_t i;

	if (!doc)
		return -EINVAL;
	if (!json_is_array(list) || json_array_size(list) > 1000)
		return err_set(err, ERR_INVALID, "index.json, manifests: expected an array");
	cleanup_free struct manifest_entry *v = calloc(json_array_size(list) + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	json_array_foreach(list, i, item)
	{
		const json_t *notes = json_object_get(item, "annotations");
		const json_t *platform = json_object_get(item, "platform");
		const char *digest = json_string_value(json_object_get(item, "digest"));

		if (!digest || !str_is_digest(digest))
			return err_set(err, ERR_INVALID, "index.json, manifests[%zu]: bad digest",
				       i);
		snprintf(v[i].digest, sizeof(v[i].digest), "%s", digest);
		copy_field(notes, "io.containerd.image.name", v[i].name, sizeof(v[i].name));
		if (!v[i].name[0])
			copy_field(notes, "org.opencontainers.image.ref.name", v[i].name,
				   sizeof(v[i].name));
		copy_field(platform, "os", v[i].os, sizeof(v[i].os));
		copy_field(platform, "architecture", v[i].architecture, sizeof(v[i].architecture));
	}
	*n = json_array_size(list);
	*out = steal(&v);
	return 0;
}

static int64_t read_time(const json_t *object)
{
	const char *text = json_string_value(json_object_get(object, "created"));
	int64_t ns = 0;

	return text && str_time_ns(text, 0, &ns) == 0 ? ns : 0;
}

/* Keys of an object used as a set; with `values`, each followed by its string. */
static int read_keys(const json_t *object, const char *field, bool values, struct strings *out,
		     struct err *err)
{
	json_t *set = json_object_get(object, field), *value;
	const char *key;

	if (!set || json_is_null(set))
		return 0;
	if (!json_is_object(set))
		return err_set(err, ERR_INVALID, "%s: expected an object", field);
	json_object_foreach(set, key, value)
	{
		if (values && !json_is_string(value))
			return err_set(err, ERR_INVALID, "%s.%.60s: expected a string", field, key);
		if (strings_append(out, key) < 0 ||
		    (values && strings_append(out, json_string_value(value)) < 0))
			return -ENOMEM;
	}
	return 0;
}

/* The comment of a step that was built here is its key: the one member that tools which write a configuration
 * anew keep. */
static void take_step(struct image_history *h)
{
	if (!h->comment || !str_has_prefix(h->comment, IMAGE_STEP_COMMENT))
		return;
	h->step = steal(&h->comment);
	memmove(h->step, h->step + strlen(IMAGE_STEP_COMMENT),
		strlen(h->step + strlen(IMAGE_STEP_COMMENT)) + 1);
}

static int read_history(const json_t *doc, struct image_config *out, struct err *err)
{
	const json_t *list = json_object_get(doc, "history"), *item;
	size_t i;

	if (!json_is_array(list))
		return 0;
	out->history = calloc(json_array_size(list) + 1, sizeof(*out->history));
	if (!out->history)
		return -ENOMEM;
	json_array_foreach(list, i, item)
	{
		struct image_history *h = &out->history[out->n_history++];
		int r = read_string(item, "created_by", &h->created_by, err);

		r = r ? r : read_string(item, "comment", &h->comment, err);
		if (r < 0)
			return err_wrap(err, r, "history[%zu]", i);
		take_step(h);
		h->created_ns = read_time(item);
		h->empty_layer = json_is_true(json_object_get(item, "empty_layer"));
	}
	return 0;
}

/* Negative ones count as not given. */
static int read_number(const json_t *object, const char *key, int64_t max, int64_t *out,
		       struct err *err)
{
	const json_t *value = json_object_get(object, key);

	if (value && !json_is_null(value) && !json_is_integer(value))
		return err_set(err, ERR_INVALID, "%s: expected a number", key);
	*out = json_integer_value(value);
	*out = *out < 0 ? 0 : *out > max ? max : *out;
	return 0;
}

static int read_health(const json_t *health, struct image_health *out, struct err *err)
{
	int64_t retries = 0;
	int r;

	if (!health || json_is_null(health))
		return 0;
	if (!json_is_object(health))
		return err_set(err, ERR_INVALID, "Healthcheck: expected an object");
	r = read_strings(health, "Test", &out->test, err);
	r = r ? r : read_number(health, "Interval", INT64_MAX, &out->interval_ns, err);
	r = r ? r : read_number(health, "Timeout", INT64_MAX, &out->timeout_ns, err);
	r = r ? r : read_number(health, "StartPeriod", INT64_MAX, &out->start_period_ns, err);
	r = r ? r : read_number(health, "StartInterval", INT64_MAX, &out->start_interval_ns, err);
	r = r ? r : read_number(health, "Retries", INT32_MAX, &retries, err);
	out->retries = (uint32_t)retries;
	return r < 0 ? err_wrap(err, r, "Healthcheck") : 0;
}

static int read_process(const json_t *config, struct image_config *out, struct err *err)
{
	int r = read_strings(config, "Env", &out->env, err);

	r = r ? r : read_strings(config, "Entrypoint", &out->entrypoint, err);
	r = r ? r : read_strings(config, "Cmd", &out->command, err);
	r = r ? r : read_strings(config, "Shell", &out->shell, err);
	r = r ? r : read_strings(config, "OnBuild", &out->on_build, err);
	r = r ? r : read_keys(config, "ExposedPorts", false, &out->exposed_ports, err);
	r = r ? r : read_keys(config, "Volumes", false, &out->volumes, err);
	r = r ? r : read_keys(config, "Labels", true, &out->labels, err);
	r = r ? r : read_string(config, "User", &out->user, err);
	r = r ? r : read_string(config, "WorkingDir", &out->working_dir, err);
	r = r ? r : read_health(json_object_get(config, "Healthcheck"), &out->health, err);
	return r ? r : read_string(config, "StopSignal", &out->stop_signal, err);
}

static int read_config(const json_t *doc, struct image_config *out, struct err *err)
{
	const json_t *rootfs = json_object_get(doc, "rootfs");
	int r = read_strings(rootfs, "diff_ids", &out->diff_ids, err);

	for (size_t i = 0; r == 0 && i < out->diff_ids.n; i++)
		if (!str_is_digest(out->diff_ids.v[i]))
			r = err_set(err, ERR_INVALID,
				    "rootfs.diff_ids[%zu]: \"%.80s\", expected sha256:...", i,
				    out->diff_ids.v[i]);
	if (r == 0 && !json_is_object(rootfs))
		r = err_set(err, ERR_INVALID, "rootfs: expected an object");
	r = r ? r : read_process(json_object_get(doc, "config"), out, err);
	r = r ? r : read_string(doc, "author", &out->author, err);
	r = r ? r : read_string(doc, "comment", &out->comment, err);
	r = r ? r : read_string(doc, "os", &out->os, err);
	r = r ? r : read_string(doc, "architecture", &out->architecture, err);
	r = r ? r : read_string(doc, "variant", &out->variant, err);
	r = r ? r : read_history(doc, out, err);
	out->created_ns = read_time(doc);
	return r;
}

int image_config_parse(const char *text, size_t len, struct image_config *out, struct err *err)
{
	cleanup_json json_t *doc = load("image config", text, len, err);

	*out = (struct image_config){ 0 };
	if (!doc)
		return -EINVAL;
	int r = read_config(doc, out, err);

	if (r < 0) {
		image_config_deinit(out);
		return err_wrap(err, r, "image config");
	}
	return 0;
}

void image_config_deinit(struct image_config *c)
{
	struct strings *lists[] = { &c->diff_ids, &c->env,           &c->entrypoint, &c->command,
				    &c->shell,    &c->exposed_ports, &c->volumes,    &c->on_build,
				    &c->labels,   &c->health.test };
	char *texts[] = { c->user,    c->working_dir, c->stop_signal,  c->author,
			  c->comment, c->os,          c->architecture, c->variant };

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		strings_deinit(lists[i]);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(texts[i]);
	for (size_t i = 0; i < c->n_history; i++) {
		free(c->history[i].created_by);
		free(c->history[i].comment);
		free(c->history[i].step);
	}
	free(c->history);
	*c = (struct image_config){ 0 };
}

void image_format_time(int64_t ns, char out[STR_TIME_MAX])
{
	size_t n;

	str_format_time(ns ? ns : 1, out); /* which has a sense of its own for 0 */
	n = strlen(out) - 1;
	if (ns == 0)
		out[n - 1] = '0';
	while (out[n - 1] == '0')
		n--;
	n -= out[n - 1] == '.';
	memcpy(out + n, "Z", 2);
}
