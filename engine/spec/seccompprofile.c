/* SPDX-License-Identifier: Apache-2.0 */
#include "seccompprofile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "spec_part.h"
#include "str.h"

#if defined(__x86_64__)
#define ARCH        "amd64"
#define NATIVE_ARCH "SCMP_ARCH_X86_64"
#elif defined(__aarch64__)
#define ARCH        "arm64"
#define NATIVE_ARCH "SCMP_ARCH_AARCH64"
#else
#define ARCH        ""
#define NATIVE_ARCH ""
#endif

static int wrong(struct err *err, const char *what)
{
	return err_set(err, ERR_INVALID, "seccomp profile: %s", what);
}

static bool has_text(json_t *list, const char *text)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		if (json_is_string(item) && strcmp(json_string_value(item), text) == 0)
			return true;
	}
	return false;
}

/* How many of the capabilities the container has. */
static size_t count_caps(json_t *list, uint64_t caps)
{
	json_t *item;
	size_t i, n = 0;

	json_array_foreach(list, i, item)
	{
		int number = json_is_string(item) ? spec_cap_number(json_string_value(item)) : -1;

		n += number >= 0 && caps >> number & 1;
	}
	return n;
}

static bool is_newer(const struct seccomp_host *host, const char *version)
{
	unsigned kernel = 0, minor = 0;

	if (sscanf(version, "%u.%u", &kernel, &minor) < 1)
		return false;
	return host->kernel > kernel || (host->kernel == kernel && host->minor >= minor);
}

/* A rule is for this container when it has all that is included and nothing that is excluded. */
static bool is_meant(json_t *rule, const struct seccomp_host *host)
{
	json_t *in = json_object_get(rule, "includes"), *out = json_object_get(rule, "excludes");
	json_t *caps = json_object_get(in, "caps"), *arches = json_object_get(in, "arches");
	const char *least = json_string_value(json_object_get(in, "minKernel"));
	const char *below = json_string_value(json_object_get(out, "minKernel"));

	return (!json_array_size(arches) || has_text(arches, ARCH)) &&
	       count_caps(caps, host->caps) == json_array_size(caps) &&
	       (!str_or_empty(least)[0] || is_newer(host, least)) &&
	       !has_text(json_object_get(out, "arches"), ARCH) &&
	       !count_caps(json_object_get(out, "caps"), host->caps) &&
	       !(str_or_empty(below)[0] && is_newer(host, below));
}

static void copy(json_t *to, json_t *from, const char *key)
{
	json_t *value = json_object_get(from, key);

	if (value && !json_is_null(value))
		json_object_set(to, key, value);
}

/* "name" is how old profiles have it. */
static json_t *names_of(json_t *rule)
{
	const char *name = json_string_value(json_object_get(rule, "name"));
	json_t *names = json_object_get(rule, "names");

	if (json_array_size(names))
		return json_incref(names);
	return name ? json_pack("[s]", name) : NULL;
}

static int add_rule(json_t *rules, json_t *rule, const struct seccomp_host *host, struct err *err)
{
	json_t *made, *names;

	if (!json_is_object(rule) || !json_is_string(json_object_get(rule, "action")))
		return wrong(err, "each of syscalls is an object with names and an action");
	if (!is_meant(rule, host))
		return 0;
	names = names_of(rule);
	if (!names)
		return wrong(err, "each of syscalls is an object with names and an action");
	made = json_object();
	json_object_set_new(made, "names", names);
	copy(made, rule, "action");
	copy(made, rule, "errnoRet");
	if (json_array_size(json_object_get(rule, "args")))
		copy(made, rule, "args");
	json_array_append_new(rules, made);
	return 0;
}

static json_t *architectures(json_t *profile)
{
	json_t *map = json_object_get(profile, "archMap"), *entry, *list, *sub;
	size_t i, k;

	if (!json_array_size(map))
		return json_incref(json_object_get(profile, "architectures"));
	list = json_array();
	json_array_foreach(map, i, entry)
	{
		json_t *name = json_object_get(entry, "architecture");

		if (!json_is_string(name) || strcmp(json_string_value(name), NATIVE_ARCH) != 0)
			continue;
		json_array_append(list, name);
		json_array_foreach(json_object_get(entry, "subArchitectures"), k, sub)
			json_array_append(list, sub);
	}
	return list;
}

static int convert(json_t *profile, const struct seccomp_host *host, json_t *out, struct err *err)
{
	json_t *rules = json_array(), *list = json_object_get(profile, "syscalls"), *rule, *arches;
	size_t i;
	int r = 0;

	json_object_set_new(out, "syscalls", rules);
	if (!json_is_string(json_object_get(profile, "defaultAction")))
		return wrong(err, "defaultAction is missing");
	if (list && !json_is_array(list) && !json_is_null(list))
		return wrong(err, "syscalls is no list");
	copy(out, profile, "defaultAction");
	copy(out, profile, "defaultErrnoRet");
	copy(out, profile, "flags");
	arches = architectures(profile);
	if (json_array_size(arches))
		json_object_set(out, "architectures", arches);
	json_decref(arches);
	json_array_foreach(list, i, rule)
	{
		if (r == 0)
			r = add_rule(rules, rule, host, err);
	}
	return r;
}

int seccomp_profile(const char *text, const struct seccomp_host *host, json_t **out,
		    struct err *err)
{
	json_error_t where;
	json_t *profile = json_loads(text, JSON_REJECT_DUPLICATES, &where), *made;
	int r;

	if (!profile)
		return err_set(err, ERR_INVALID, "seccomp profile, line %d: %s", where.line,
			       where.text);
	made = json_object();
	r = json_is_object(profile) ? convert(profile, host, made, err)
				    : wrong(err, "it is no object");
	json_decref(profile);
	if (r < 0)
		json_decref(made);
	else
		*out = made;
	return r;
}
