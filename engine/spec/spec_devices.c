/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's rules for devices: none but a few that are in every container's /dev, the request's, and those that its
 * --device-cgroup-rule allow. Later rules win. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "spec_part.h"
#include "str.h"

static int add_rule(json_t *list, const char *type, int64_t major, int64_t minor,
		    const char *access)
{
	json_t *rule = json_pack("{s:b, s:s, s:s}", "allow", 1, "type", type, "access", access);

	if (major >= 0)
		json_object_set_new(rule, "major", json_integer(major));
	if (minor >= 0)
		json_object_set_new(rule, "minor", json_integer(minor));
	return json_array_append_new(list, rule);
}

static json_t *standard_rules(bool privileged)
{
	static const struct {
		const char *type;
		int major, minor;
		const char *access;
	} rules[] = {
		{ "c", -1, -1, "m" }, { "b", -1, -1, "m" },    { "c", 1, 3, "rwm" },
		{ "c", 1, 5, "rwm" }, { "c", 1, 7, "rwm" },    { "c", 5, 0, "rwm" },
		{ "c", 1, 8, "rwm" }, { "c", 1, 9, "rwm" },    { "c", 5, 1, "rwm" },
		{ "c", 5, 2, "rwm" }, { "c", 136, -1, "rwm" },
	};
	json_t *list = json_pack("[{s:b, s:s}]", "allow", privileged, "access", "rwm");

	for (size_t i = 0; list && !privileged && i < ARRAY_LEN(rules); i++)
		(void)add_rule(list, rules[i].type, rules[i].major, rules[i].minor,
			       rules[i].access);
	return list;
}

/* "*" or a number; -1 of the former. */
static int parse_number(const char *text, int64_t *number)
{
	*number = -1;
	return strcmp(text, "*") == 0 ? 0 : str_int_in(text, 0, UINT32_MAX, number);
}

/* "c 1:3 rwm", "a *:* m". */
static int parse_rule(const char *text, json_t *list)
{
	char type[2], first[12], second[12], access[4];
	int64_t major, minor;
	int end = -1;

	if (sscanf(text, "%1[abc] %11[0-9*]:%11[0-9*] %3[rwm]%n", type, first, second, access,
		   &end) != 4 ||
	    end < 0 || text[end] || parse_number(first, &major) < 0 ||
	    parse_number(second, &minor) < 0)
		return -EINVAL;
	return add_rule(list, type, major, minor, access);
}

static void add_node(json_t *nodes, const struct spec_device *d)
{
	json_array_append_new(nodes, json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "path",
					       d->path, "type", d->block ? "b" : "c", "major",
					       (json_int_t)d->major, "minor", (json_int_t)d->minor,
					       "fileMode", (json_int_t)d->mode, "uid",
					       (json_int_t)d->uid, "gid", (json_int_t)d->gid));
}

int spec_devices(const struct spec_input *in, json_t *linux_, json_t *resources, struct err *err)
{
	const Cleat__V1__ContainerConfig *c = in->config;
	json_t *rules = standard_rules(c->privileged), *nodes = json_array();
	int r = rules && nodes ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < in->n_devices; i++) {
		add_node(nodes, &in->devices[i]);
		r = add_rule(rules, in->devices[i].block ? "b" : "c", in->devices[i].major,
			     in->devices[i].minor, in->devices[i].access);
	}
	json_object_set_new(resources, "devices", rules);
	json_object_set_new(linux_, "devices", nodes);
	if (r < 0)
		return err_sys(err, ENOMEM, "devices");
	for (size_t i = 0; r == 0 && i < c->n_device_cgroup_rules; i++)
		if (parse_rule(c->device_cgroup_rules[i], rules) < 0)
			r = err_set(err, ERR_INVALID,
				    "invalid device cgroup rule format: '%.80s': expected TYPE "
				    "MAJOR:MINOR ACCESS",
				    c->device_cgroup_rules[i]);
	return r;
}
