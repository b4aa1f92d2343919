/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's rules: an entrypoint of the request drops the image's command; environment is merged key by
 * key with the request's last, and "KEY" alone drops the image's; labels likewise; the rest is taken
 * over where the request has nothing. */
#include "defaults.h"

#include <errno.h>
#include <string.h>

#include "str.h"
#include "textfield.h"

/* Room for `more` further elements in a repeated field. */
static int grow(void *list, size_t n, size_t more)
{
	void **array = list;
	void *grown = realloc(*array, (n + more + 1) * sizeof(void *));

	if (!grown)
		return -ENOMEM;
	*array = grown;
	return 0;
}

static int add_copy(char ***list, size_t *n, const char *text)
{
	char *copy = strdup(text);

	if (!copy || grow(list, *n, 1) < 0) {
		free(copy);
		return -ENOMEM;
	}
	(*list)[(*n)++] = copy;
	return 0;
}

static int add_all(char ***list, size_t *n, const struct strings *from)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < from->n; i++)
		r = add_copy(list, n, from->v[i]);
	return r;
}

static int set_list(Cleat__V1__StringList **list, const struct strings *from)
{
	Cleat__V1__StringList *made = malloc(sizeof(*made));

	if (!made)
		return -ENOMEM;
	cleat__v1__string_list__init(made);
	*list = made;
	return add_all(&made->values, &made->n_values, from);
}

static int apply_arguments(Cleat__V1__ContainerConfig *config, const struct image_config *image)
{
	bool own_entry = config->entrypoint;
	bool own_command = config->command && config->command->n_values > 0;
	int r = 0;

	if (!own_command && config->command) {
		cleat__v1__string_list__free_unpacked(config->command, NULL);
		config->command = NULL;
	}
	if (!own_command && !own_entry)
		r = set_list(&config->command, &image->command);
	if (r == 0 && !own_entry)
		r = set_list(&config->entrypoint, &image->entrypoint);
	return r;
}

static bool same_key(const char *a, const char *b)
{
	size_t n = strcspn(a, "=");

	return strcspn(b, "=") == n && strncmp(a, b, n) == 0;
}

static bool has_key(char *const *list, size_t n, const char *entry)
{
	for (size_t i = 0; i < n; i++)
		if (same_key(list[i], entry))
			return true;
	return false;
}

/* The image's entries first, then the request's, as Docker lists them; a bare KEY did its work. */
static int apply_env(Cleat__V1__ContainerConfig *config, const struct image_config *image)
{
	size_t n_own = config->n_env, n = 0;
	char **own = config->env, **all = calloc(n_own + image->env.n + 1, sizeof(*all));
	int r = all ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < image->env.n; i++)
		if (!has_key(own, n_own, image->env.v[i]))
			r = (all[n] = strdup(image->env.v[i])) ? (n++, 0) : -ENOMEM;
	if (r < 0) {
		for (size_t i = 0; all && i < n; i++)
			free(all[i]);
		free(all);
		return r;
	}
	for (size_t i = 0; i < n_own; i++) {
		if (strchr(own[i], '='))
			all[n++] = own[i];
		else
			free(own[i]);
	}
	free(own);
	config->env = all;
	config->n_env = n;
	return 0;
}

static int add_label(Cleat__V1__ContainerConfig *config, const char *key, const char *value)
{
	Cleat__V1__ContainerConfig__LabelsEntry *entry = malloc(sizeof(*entry));

	if (!entry || grow(&config->labels, config->n_labels, 1) < 0) {
		free(entry);
		return -ENOMEM;
	}
	cleat__v1__container_config__labels_entry__init(entry);
	config->labels[config->n_labels++] = entry;
	entry->key = strdup(key);
	entry->value = strdup(value);
	return entry->key && entry->value ? 0 : -ENOMEM;
}

static int apply_labels(Cleat__V1__ContainerConfig *config, const struct image_config *image)
{
	size_t n_own = config->n_labels;
	int r = 0;

	for (size_t i = 0; r == 0 && i + 1 < image->labels.n; i += 2) {
		bool own = false;

		for (size_t k = 0; k < n_own; k++)
			own |= strcmp(config->labels[k]->key, image->labels.v[i]) == 0;
		if (!own)
			r = add_label(config, image->labels.v[i], image->labels.v[i + 1]);
	}
	return r;
}

static bool listed(char *const *list, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], text) == 0)
			return true;
	return false;
}

static int apply_set(char ***list, size_t *n, const struct strings *from)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < from->n; i++)
		if (!listed(*list, *n, from->v[i]))
			r = add_copy(list, n, from->v[i]);
	return r;
}

static int apply_text(char **field, const char *value)
{
	char *copy;

	if (str_or_empty(*field)[0] || !str_or_empty(value)[0])
		return 0;
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	*field = copy; /* an empty string of protobuf-c is static */
	return 0;
}

int defaults_apply(Cleat__V1__ContainerConfig *config, const struct image_config *image,
		   struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < config->n_env; i++)
		if (strcspn(config->env[i], "=") == 0)
			return err_set(err, ERR_INVALID, "invalid environment variable: %.200s",
				       config->env[i]);
	r = apply_arguments(config, image);
	if (r == 0)
		r = apply_env(config, image);
	if (r == 0)
		r = apply_labels(config, image);
	if (r == 0)
		r = apply_set(&config->exposed_ports, &config->n_exposed_ports,
			      &image->exposed_ports);
	if (r == 0)
		r = apply_set(&config->volumes, &config->n_volumes, &image->volumes);
	if (r == 0)
		r = apply_text(&config->working_dir, image->working_dir);
	if (r == 0)
		r = apply_text(&config->user, image->user);
	if (r == 0)
		r = apply_text(&config->stop_signal, image->stop_signal);
	return r < 0 ? err_sys(err, r, "fill in the image's defaults") : 0;
}

int defaults_log_driver(Cleat__V1__ContainerConfig *config, const char *configured)
{
	Cleat__V1__LogConfig *log = config->log;
	const char *name = configured;

	if (!log) {
		log = malloc(sizeof(*log));
		if (!log)
			return -ENOMEM;
		cleat__v1__log_config__init(log);
		config->log = log;
	}
	if (log->driver[0])
		return 0;
	if (!name[0])
		name = log->unconfigured[0] ? log->unconfigured : "local";
	return textfield_set(&log->driver, strdup(name));
}
