/* SPDX-License-Identifier: Apache-2.0 */
#include "spec.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base_test.h"
#include "str.h"

struct fixture {
	Cleat__V1__ContainerConfig config;
	Cleat__V1__ImageConfig image;
	Cleat__V1__StringList entrypoint, command;
	const struct spec_mount *mounts;
	size_t n_mounts;
};

static char *image_entry[] = { (char *)"/entry" }, *image_command[] = { (char *)"default" };
static char *own_command[] = { (char *)"mine", (char *)"arg" };
static char *image_env[] = { (char *)"A=1", (char *)"PATH=/image" };
static char *own_env[] = { (char *)"A=2", (char *)"B=" };

static void fixture_init(struct fixture *f)
{
	cleat__v1__container_config__init(&f->config);
	cleat__v1__image_config__init(&f->image);
	cleat__v1__string_list__init(&f->entrypoint);
	cleat__v1__string_list__init(&f->command);
	f->image.entrypoint = image_entry;
	f->image.n_entrypoint = 1;
	f->image.command = image_command;
	f->image.n_command = 1;
	f->image.env = image_env;
	f->image.n_env = 2;
	f->mounts = NULL;
	f->n_mounts = 0;
}

static json_t *build(struct fixture *f)
{
	static const char *const lower[] = { "/top", "/bottom" };
	struct spec_input in = {
		.id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		.config = &f->config,
		.image = &f->image,
		.mounts = f->mounts,
		.n_mounts = f->n_mounts,
		.dir = "/state/c",
		.root = "/state/rootfs",
		.lower = lower,
		.n_lower = 2,
		.cgroup_path = "/cleat-x/c",
	};
	cleanup_free char *text = NULL;
	struct err err = ERR_NULL;

	if (spec_build(&in, &text, &err) < 0) {
		print_message("%s\n", err.message);
		return NULL;
	}
	return json_loads(text, 0, NULL);
}

static json_t *at(json_t *tree, const char *path)
{
	cleanup_free char *copy = strdup(path);
	char *save = NULL;

	for (char *key = strtok_r(copy, "/", &save); key; key = strtok_r(NULL, "/", &save))
		tree = json_object_get(tree, key);
	return tree;
}

static void arguments_combine_as_dockers(void **state)
{
	struct fixture f;
	struct err err = ERR_NULL;
	const char **arguments;

	(void)state;
	fixture_init(&f);
	assert_int_equal(spec_arguments(&f.config, &f.image, &arguments, &err), 0);
	assert_string_equal(arguments[0], "/entry");
	assert_string_equal(arguments[1], "default");
	free(arguments);
	f.command.values = own_command;
	f.command.n_values = 2;
	f.config.command = &f.command;
	assert_int_equal(spec_arguments(&f.config, &f.image, &arguments, &err), 0);
	assert_string_equal(arguments[1], "mine");
	assert_string_equal(arguments[2], "arg");
	assert_null(arguments[3]);
	free(arguments);
	f.config.command = NULL;
	f.config.entrypoint = &f.entrypoint;
	assert_int_equal(spec_arguments(&f.config, &f.image, &arguments, &err), -EINVAL);
	assert_string_equal(err.reason, "NO_COMMAND");
}

static bool env_has(json_t *spec, const char *entry)
{
	json_t *env = at(spec, "process/env");

	for (size_t i = 0; i < json_array_size(env); i++)
		if (strcmp(json_string_value(json_array_get(env, i)), entry) == 0)
			return true;
	return false;
}

static void defaults(void **state)
{
	struct fixture f;
	json_t *spec;

	(void)state;
	fixture_init(&f);
	f.config.env = own_env;
	f.config.n_env = 2;
	spec = build(&f);
	assert_non_null(spec);
	assert_true(env_has(spec, "A=2") && env_has(spec, "B=") && env_has(spec, "PATH=/image"));
	assert_false(env_has(spec, "A=1"));
	assert_string_equal(json_string_value(at(spec, "hostname")), "0123456789ab");
	assert_string_equal(json_string_value(json_object_get(at(spec, "annotations"),
							      "dev.cleat.overlay.lower")),
			    "/top\n/bottom");
	assert_int_equal(json_array_size(at(spec, "process/capabilities/bounding")), 14);
	assert_int_equal(json_array_size(at(spec, "linux/namespaces")), 6);
	assert_true(json_array_size(at(spec, "linux/maskedPaths")) > 8);
	assert_true(json_is_object(at(spec, "linux/seccomp")));
	json_decref(spec);
}

static void privileged_and_host_network(void **state)
{
	struct fixture f;
	json_t *spec;

	(void)state;
	fixture_init(&f);
	f.config.privileged = true;
	f.config.network_mode = (char *)"host";
	spec = build(&f);
	assert_non_null(spec);
	assert_int_equal(json_array_size(at(spec, "linux/namespaces")), 5);
	assert_null(at(spec, "linux/seccomp"));
	assert_null(at(spec, "linux/maskedPaths"));
	assert_true(json_array_size(at(spec, "process/capabilities/bounding")) > 38);
	json_decref(spec);
}

static void bad_requests_name_the_field(void **state)
{
	struct fixture f;
	char *caps[] = { (char *)"FLY" };

	(void)state;
	fixture_init(&f);
	f.config.working_dir = (char *)"relative";
	assert_null(build(&f));
	fixture_init(&f);
	f.config.cap_add = caps;
	f.config.n_cap_add = 1;
	assert_null(build(&f));
	fixture_init(&f);
	f.config.pid_mode = (char *)"elsewhere";
	assert_null(build(&f));
}

static void limits_at_the_end_of_numbers(void **state)
{
	Cleat__V1__Resources limits = CLEAT__V1__RESOURCES__INIT;
	struct fixture f;
	json_t *spec;

	(void)state;
	fixture_init(&f);
	f.config.resources = &limits;
	limits.memory_bytes = INT64_MAX / 2 + 1;
	limits.pids_limit = 4194304;
	spec = build(&f);
	assert_non_null(spec);
	assert_true(json_integer_value(at(spec, "linux/resources/memory/swap")) == INT64_MAX);
	json_decref(spec);
	limits.pids_limit++;
	assert_null(build(&f));
}

static json_t *find_mount(json_t *spec, const char *target)
{
	json_t *m;
	size_t i;

	json_array_foreach(json_object_get(spec, "mounts"), i, m)
	{
		if (strcmp(json_string_value(json_object_get(m, "destination")), target) == 0)
			return m;
	}
	return NULL;
}

static bool has_option(json_t *mount, const char *word)
{
	json_t *option;
	size_t i;

	json_array_foreach(json_object_get(mount, "options"), i, option)
	{
		if (strcmp(json_string_value(option), word) == 0)
			return true;
	}
	return false;
}

static void volumes_are_what_they_are_on_the_host(void **state)
{
	Cleat__V1__Mount dir = CLEAT__V1__MOUNT__INIT, fs = CLEAT__V1__MOUNT__INIT;
	const struct spec_mount mounts[] = {
		{ .mount = &dir, .source = "/volumes/a/_data" },
		{ .mount = &fs, .source = "tmpfs", .type = "tmpfs", .options = "size=1m,uid=7" },
	};
	struct fixture f;
	json_t *spec, *m;

	(void)state;
	fixture_init(&f);
	f.mounts = mounts;
	f.n_mounts = 2;
	dir.type = fs.type = (char *)"volume";
	dir.target = (char *)"/a";
	dir.subpath = (char *)"x/y";
	fs.target = (char *)"/dev/shm"; /* instead of the standard one */
	fs.read_only = true;
	spec = build(&f);
	m = find_mount(spec, "/a");
	assert_string_equal(json_string_value(json_object_get(m, "source")), "/volumes/a/_data");
	assert_true(has_option(m, "rbind") && has_option(m, "x-cleat.subpath=x/y"));
	m = find_mount(spec, "/dev/shm");
	assert_true(has_option(m, "size=1m") && has_option(m, "uid=7") && has_option(m, "ro"));
	json_decref(spec);
	fs.subpath = (char *)"x";
	assert_null(build(&f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments_combine_as_dockers),
		cmocka_unit_test(defaults),
		cmocka_unit_test(privileged_and_host_network),
		cmocka_unit_test(bad_requests_name_the_field),
		cmocka_unit_test(limits_at_the_end_of_numbers),
		cmocka_unit_test(volumes_are_what_they_are_on_the_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
