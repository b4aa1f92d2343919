/* SPDX-License-Identifier: Apache-2.0 */
/* Values of a key are alternatives, keys add up; of labels every one must hold, as in Docker. A
 * pattern of reference= is matched against the familiar name with and without its tag, '*' within one
 * path component. */
#include "imagefilter.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "reference.h"
#include "str.h"

static bool has_label(const struct image *image, const char *value)
{
	const char *equals = strchr(value, '=');
	size_t n = equals ? (size_t)(equals - value) : strlen(value);
	const struct strings *l = &image->config.labels;

	for (size_t i = 0; i + 1 < l->n; i += 2)
		if (strlen(l->v[i]) == n && memcmp(l->v[i], value, n) == 0 &&
		    (!equals || strcmp(l->v[i + 1], equals + 1) == 0))
			return true;
	return false;
}

static bool match_label(const Cleat__V1__Filter *filter, const struct image *image)
{
	for (size_t i = 0; i < filter->n_values; i++)
		if (!has_label(image, filter->values[i]))
			return false;
	return true;
}

static bool match_no_label(const Cleat__V1__Filter *filter, const struct image *image)
{
	for (size_t i = 0; i < filter->n_values; i++)
		if (has_label(image, filter->values[i]))
			return false;
	return true;
}

static bool match_dangling(const Cleat__V1__Filter *filter, const struct image *image)
{
	return filter->n_values == 0 || str_query_bool(filter->values[0]) == (image->tags.n == 0);
}

/* before, since, until are in the filter's times; reference changes the image. */
static bool match_later(const Cleat__V1__Filter *filter, const struct image *image)
{
	(void)filter;
	(void)image;
	return true;
}

static const struct {
	const char *key;
	bool (*match)(const Cleat__V1__Filter *filter, const struct image *image);
} keys[] = {
	{ "dangling", match_dangling }, { "label", match_label }, { "label!", match_no_label },
	{ "before", match_later },      { "since", match_later }, { "until", match_later },
	{ "reference", match_later },
};

static size_t find_key(const char *key)
{
	size_t i = 0;

	while (i < ARRAY_LEN(keys) && strcmp(keys[i].key, key) != 0)
		i++;
	return i;
}

static const char *value_of(const struct image_filter *f, const char *key)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->filters[i]->key, key) == 0 && f->filters[i]->n_values)
			return f->filters[i]->values[0];
	return NULL;
}

static bool is_bool(const char *value)
{
	static const char *const words[] = { "0", "1", "true", "false", "True", "False", "t", "f" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(value, words[i]) == 0)
			return true;
	return false;
}

int image_filter_bool(const struct image_filter *f, const char *key, int otherwise)
{
	const char *value = value_of(f, key);

	return value ? str_query_bool(value) && strcmp(value, "f") != 0 : otherwise;
}

int image_filter_check(struct image_filter *f, int64_t now_ns, struct err *err)
{
	const char *dangling = value_of(f, "dangling"), *until = value_of(f, "until");

	for (size_t i = 0; i < f->n; i++)
		if (find_key(f->filters[i]->key) == ARRAY_LEN(keys))
			return err_set(err, ERR_INVALID, "invalid filter '%.80s'",
				       f->filters[i]->key);
	if (dangling && !is_bool(dangling))
		return err_set(err, ERR_INVALID, "invalid filter 'dangling=[%.80s]'", dangling);
	if (until && str_until_ns(until, now_ns, &f->until_ns) < 0)
		return err_set(err, ERR_INVALID, "invalid filter 'until=[%.80s]'", until);
	return 0;
}

static int time_of(struct engine *engine, const char *name, int64_t *ns, struct err *err)
{
	cleanup(image_deinit) struct image image = { 0 };
	int r = name ? image_find(engine, name, &image, err) : 0;

	*ns = image.created_ns;
	return r;
}

int image_filter_open(struct image_filter *f, struct engine *engine, int64_t now_ns,
		      struct err *err)
{
	int r = image_filter_check(f, now_ns, err);

	r = r ? r : time_of(engine, value_of(f, "before"), &f->before_ns, err);
	return r ? r : time_of(engine, value_of(f, "since"), &f->since_ns, err);
}

static bool name_matches(const char *pattern, const char *full)
{
	char name[REFERENCE_MAX];

	reference_familiar(full, name);
	if (fnmatch(pattern, name, FNM_PATHNAME) == 0)
		return true;
	char *colon = strrchr(name, ':');

	if (colon && !strchr(colon, '/'))
		*colon = '\0';
	return fnmatch(pattern, name, FNM_PATHNAME) == 0;
}

static bool match_reference(const Cleat__V1__Filter *filter, struct image *image)
{
	size_t kept = 0;

	for (size_t i = 0; i < image->tags.n; i++) {
		bool hit = false;

		for (size_t k = 0; k < filter->n_values; k++)
			hit |= name_matches(filter->values[k], image->tags.v[i]);
		if (hit)
			image->tags.v[kept++] = image->tags.v[i];
		else
			free(image->tags.v[i]);
	}
	image->tags.n = kept;
	return kept > 0;
}

bool image_filter_match(const struct image_filter *f, struct image *image)
{
	if ((f->before_ns && image->created_ns >= f->before_ns) ||
	    (f->since_ns && image->created_ns <= f->since_ns) ||
	    (f->until_ns && image->created_ns > f->until_ns))
		return false;
	for (size_t i = 0; i < f->n; i++) {
		size_t key = find_key(f->filters[i]->key);

		if (!(f->prune && keys[key].match == match_dangling) &&
		    !keys[key].match(f->filters[i], image))
			return false;
	}
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->filters[i]->key, "reference") == 0 && f->filters[i]->n_values &&
		    !match_reference(f->filters[i], image))
			return false;
	return true;
}
