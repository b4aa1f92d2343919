/* SPDX-License-Identifier: Apache-2.0 */
#include "defaults.h"

#include <string.h>

#include "base_test.h"

static const char image_json[] =
	"{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{\"Env\":[\"A=1\",\"B=2\",\"C=3\"]"
	","
	"\"Entrypoint\":[\"/entry\"],\"Cmd\":[\"default\"],\"User\":\"web\",\"WorkingDir\":\"/"
	"srv\","
	"\"StopSignal\":\"SIGUSR1\",\"Labels\":{\"a\":\"image\",\"b\":\"image\"},"
	"\"ExposedPorts\":{\"80/tcp\":{}}},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}";

struct fixture {
	struct image_config image;
	Cleat__V1__ContainerConfig *config;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->config = malloc(sizeof(*f->config));
	cleat__v1__container_config__init(f->config);
	*state = f;
	return image_config_parse(image_json, sizeof(image_json) - 1, &f->image, NULL);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	cleat__v1__container_config__free_unpacked(f->config, NULL);
	image_config_deinit(&f->image);
	free(f);
	return 0;
}

static void set_list(Cleat__V1__StringList **list, const char *word)
{
	*list = malloc(sizeof(**list));
	cleat__v1__string_list__init(*list);
	(*list)->values = malloc(sizeof(char *));
	(*list)->values[0] = strdup(word);
	(*list)->n_values = 1;
}

static void silence_takes_the_images(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(defaults_apply(f->config, &f->image, NULL), 0);
	assert_string_equal(f->config->entrypoint->values[0], "/entry");
	assert_string_equal(f->config->command->values[0], "default");
	assert_string_equal(f->config->user, "web");
	assert_string_equal(f->config->working_dir, "/srv");
	assert_string_equal(f->config->stop_signal, "SIGUSR1");
	assert_int_equal(f->config->n_env, 3);
	assert_int_equal(f->config->n_labels, 2);
	assert_string_equal(f->config->exposed_ports[0], "80/tcp");
}

static void own_entrypoint_drops_the_images_command(void **state)
{
	struct fixture *f = *state;

	set_list(&f->config->entrypoint, "/mine");
	assert_int_equal(defaults_apply(f->config, &f->image, NULL), 0);
	assert_string_equal(f->config->entrypoint->values[0], "/mine");
	assert_null(f->config->command);
}

static void own_command_keeps_the_images_entrypoint(void **state)
{
	struct fixture *f = *state;

	set_list(&f->config->command, "mine");
	assert_int_equal(defaults_apply(f->config, &f->image, NULL), 0);
	assert_string_equal(f->config->entrypoint->values[0], "/entry");
	assert_int_equal(f->config->command->n_values, 1);
	assert_string_equal(f->config->command->values[0], "mine");
}

static void environment_is_merged_by_key(void **state)
{
	static const char *const own[] = { "B=own", "C", "D=4" };
	struct fixture *f = *state;

	f->config->env = calloc(3, sizeof(char *));
	for (size_t i = 0; i < 3; i++)
		f->config->env[f->config->n_env++] = strdup(own[i]);
	assert_int_equal(defaults_apply(f->config, &f->image, NULL), 0);
	assert_int_equal(f->config->n_env, 3);
	assert_string_equal(f->config->env[0], "A=1");
	assert_string_equal(f->config->env[1], "B=own");
	assert_string_equal(f->config->env[2], "D=4");
}

static void own_label_wins(void **state)
{
	struct fixture *f = *state;
	Cleat__V1__ContainerConfig__LabelsEntry *entry = malloc(sizeof(*entry));

	cleat__v1__container_config__labels_entry__init(entry);
	entry->key = strdup("a");
	entry->value = strdup("own");
	f->config->labels = malloc(sizeof(*f->config->labels));
	f->config->labels[0] = entry;
	f->config->n_labels = 1;
	assert_int_equal(defaults_apply(f->config, &f->image, NULL), 0);
	assert_int_equal(f->config->n_labels, 2);
	assert_string_equal(f->config->labels[0]->value, "own");
	assert_string_equal(f->config->labels[1]->key, "b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(silence_takes_the_images, setup, teardown),
		cmocka_unit_test_setup_teardown(own_entrypoint_drops_the_images_command, setup,
						teardown),
		cmocka_unit_test_setup_teardown(own_command_keeps_the_images_entrypoint, setup,
						teardown),
		cmocka_unit_test_setup_teardown(environment_is_merged_by_key, setup, teardown),
		cmocka_unit_test_setup_teardown(own_label_wins, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
