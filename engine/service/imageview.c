/* SPDX-License-Identifier: Apache-2.0 */
#include "imageview.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "reference.h"
#include "str.h"

/* Puts a copy into a field that is still empty. */
static int set(char **field, const char *text)
{
	char *copy = strdup(str_or_empty(text));

	if (!copy)
		return -ENOMEM;
	*field = copy;
	return 0;
}

static int copy_strings(const struct strings *from, char ***out, size_t *n)
{
	*out = calloc(from->n + 1, sizeof(**out));
	for (size_t i = 0; *out && i < from->n; i++) {
		(*out)[i] = strdup(from->v[i]);
		if (!(*out)[i])
			return -ENOMEM;
		(*n)++;
	}
	return *out ? 0 : -ENOMEM;
}

int imageview_tags(const struct strings *tags, char ***out, size_t *n)
{
	cleanup(strings_deinit) struct strings shown = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < tags->n; i++) {
		char name[REFERENCE_MAX], full[REFERENCE_MAX];
		struct reference ref;

		snprintf(full, sizeof(full), "%s", tags->v[i]);
		if (reference_parse(full, &ref, NULL) == 0)
			reference_full(&ref, full);
		reference_familiar(full, name);
		r = strings_append(&shown, name);
	}
	return r ? r : copy_strings(&shown, out, n);
}

static int show_digests(const struct strings *digests, char ***out, size_t *n)
{
	cleanup(strings_deinit) struct strings shown = { 0 };
	char name[REFERENCE_MAX];
	int r = 0;

	for (size_t i = 0; r == 0 && i < digests->n; i++) {
		reference_familiar(digests->v[i], name);
		r = strings_append(&shown, name);
	}
	return r ? r : copy_strings(&shown, out, n);
}

/* Entries of a map<string, string> all have one shape. */
static int copy_labels(const struct strings *pairs, const ProtobufCMessageDescriptor *type,
		       void *list, size_t *n)
{
	Cleat__V1__ImageConfig__LabelsEntry **entries = calloc(pairs->n / 2 + 1, sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	*(void **)list = entries;
	for (size_t i = 0; i + 1 < pairs->n; i += 2) {
		Cleat__V1__ImageConfig__LabelsEntry *e = malloc(type->sizeof_message);

		if (!e)
			return -ENOMEM;
		protobuf_c_message_init(type, e);
		entries[(*n)++] = e;
		if (set(&e->key, pairs->v[i]) < 0 || set(&e->value, pairs->v[i + 1]) < 0)
			return -ENOMEM;
	}
	return 0;
}

int imageview_summary(const struct image *image, Cleat__V1__ImageSummary *out)
{
	int r = set(&out->id, image->id);

	out->created_ns = image->created_ns;
	out->size_bytes = image->size_bytes;
	r = r ? r : imageview_tags(&image->tags, &out->tags, &out->n_tags);
	r = r ? r : show_digests(&image->digests, &out->digests, &out->n_digests);
	return r ? r
		 : copy_labels(&image->config.labels,
			       &cleat__v1__image_summary__labels_entry__descriptor, &out->labels,
			       &out->n_labels);
}

static int fill_health(const struct image_health *h, Cleat__V1__ImageConfig *out)
{
	Cleat__V1__HealthCheck *check;

	if (h->test.n == 0)
		return 0;
	check = out->health_check = malloc(sizeof(*check));
	if (!check)
		return -ENOMEM;
	cleat__v1__health_check__init(check);
	check->interval_ns = h->interval_ns;
	check->timeout_ns = h->timeout_ns;
	check->start_period_ns = h->start_period_ns;
	check->start_interval_ns = h->start_interval_ns;
	check->retries = h->retries;
	check->test = malloc(sizeof(*check->test));
	if (!check->test)
		return -ENOMEM;
	cleat__v1__string_list__init(check->test);
	return copy_strings(&h->test, &check->test->values, &check->test->n_values);
}

static int fill_config(const struct image_config *c, Cleat__V1__ImageConfig *out)
{
	const struct {
		const struct strings *from;
		char ***to;
		size_t *n;
	} lists[] = {
		{ &c->env, &out->env, &out->n_env },
		{ &c->entrypoint, &out->entrypoint, &out->n_entrypoint },
		{ &c->command, &out->command, &out->n_command },
		{ &c->exposed_ports, &out->exposed_ports, &out->n_exposed_ports },
		{ &c->volumes, &out->volumes, &out->n_volumes },
		{ &c->shell, &out->shell, &out->n_shell },
		{ &c->on_build, &out->on_build, &out->n_on_build },
	};
	int r = set(&out->working_dir, c->working_dir);

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(lists); i++)
		r = copy_strings(lists[i].from, lists[i].to, lists[i].n);
	r = r ? r : set(&out->user, c->user);
	r = r ? r : set(&out->stop_signal, c->stop_signal);
	r = r ? r : fill_health(&c->health, out);
	return r ? r
		 : copy_labels(&c->labels, &cleat__v1__image_config__labels_entry__descriptor,
			       &out->labels, &out->n_labels);
}

static int fill_parts(const struct image_config *c, Cleat__V1__ImageDetails *out)
{
	out->platform = malloc(sizeof(*out->platform));
	if (!out->platform)
		return -ENOMEM;
	cleat__v1__platform__init(out->platform);
	int r = set(&out->platform->os, c->os);

	r = r ? r : set(&out->platform->architecture, c->architecture);
	r = r ? r : set(&out->platform->variant, c->variant);
	out->config = r ? NULL : malloc(sizeof(*out->config));
	if (!out->config)
		return -ENOMEM;
	cleat__v1__image_config__init(out->config);
	return fill_config(c, out->config);
}

int imageview_details(const struct image *image, const char *driver, Cleat__V1__ImageDetails *out)
{
	int r = set(&out->id, image->id);

	out->created_ns = image->created_ns;
	out->size_bytes = image->size_bytes;
	r = r ? r : set(&out->author, image->config.author);
	r = r ? r : set(&out->comment, image->config.comment);
	r = r ? r : set(&out->layer_driver, driver);
	r = r ? r : copy_strings(&image->config.diff_ids, &out->layers, &out->n_layers);
	r = r ? r : imageview_tags(&image->tags, &out->tags, &out->n_tags);
	r = r ? r : show_digests(&image->digests, &out->digests, &out->n_digests);
	r = r ? r : fill_parts(&image->config, out);
	out->config_json.data = r ? NULL : malloc(image->config_len + 1);
	if (!out->config_json.data)
		return -ENOMEM;
	memcpy(out->config_json.data, image->config_json, image->config_len);
	out->config_json.len = image->config_len;
	return 0;
}

static int fill_entry(const struct image_history *h, uint64_t size,
		      Cleat__V1__ImageHistoryReply__Entry *out)
{
	int r = set(&out->created_by, h->created_by);

	out->created_ns = h->created_ns;
	out->empty_layer = h->empty_layer;
	out->size_bytes = size;
	return r ? r : set(&out->comment, h->comment);
}

int imageview_history(const struct image *image, const uint64_t *sizes,
		      Cleat__V1__ImageHistoryReply *out)
{
	const struct image_config *c = &image->config;
	size_t layer = 0, n = c->n_history;
	int r = 0;

	out->entries = calloc(n + 1, sizeof(*out->entries));
	if (!out->entries)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		out->entries[i] = malloc(sizeof(*out->entries[i]));
		if (!out->entries[i])
			return -ENOMEM;
		cleat__v1__image_history_reply__entry__init(out->entries[i]);
		out->n_entries++;
	}
	for (size_t i = 0; r == 0 && i < n; i++) {
		bool has = !c->history[i].empty_layer && layer < c->diff_ids.n;

		r = fill_entry(&c->history[i], has ? sizes[layer] : 0, out->entries[n - 1 - i]);
		layer += has;
	}
	if (r < 0 || n == 0)
		return r;
	r = set(&out->entries[0]->id, image->id);
	return r ? r
		 : imageview_tags(&image->tags, &out->entries[0]->tags, &out->entries[0]->n_tags);
}

int imageview_changes(const struct strings *changes, Cleat__V1__RemoveImageReply__Change ***out,
		      size_t *n)
{
	*out = calloc(changes->n + 1, sizeof(**out));
	for (size_t i = 0; *out && i < changes->n; i++) {
		Cleat__V1__RemoveImageReply__Change *c = malloc(sizeof(*c));
		bool untagged = str_has_prefix(changes->v[i], "untagged ");

		if (!c)
			return -ENOMEM;
		cleat__v1__remove_image_reply__change__init(c);
		(*out)[(*n)++] = c;
		if (set(untagged ? &c->untagged : &c->deleted,
			changes->v[i] + strlen(untagged ? "untagged " : "deleted ")) < 0)
			return -ENOMEM;
	}
	return *out ? 0 : -ENOMEM;
}
