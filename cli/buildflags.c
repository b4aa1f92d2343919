/* SPDX-License-Identifier: Apache-2.0 */
#include "buildflags.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "msg.h"
#include "platformmsg.h"
#include "runflags.h"
#include "runparse.h"
#include "str.h"

typedef Cleat__V1__BuildRequest__Options options;

static int no_memory(struct err *err)
{
	return err_sys(err, ENOMEM, "build");
}

/* NAME=value, or NAME alone: the client's own. */
static int add_arg(options *o, const struct buildflags_source *source, const char *word,
		   struct err *err)
{
	size_t n = strcspn(word, "=");
	cleanup_free char *name = strndup(word, n);
	const char *own = !word[n] && name && source->variable ? source->variable(name) : NULL;
	const char *value = word[n] ? word + n + 1 : own;
	Cleat__V1__BuildRequest__Options__BuildArgsEntry *e;

	if (!name)
		return no_memory(err);
	if (!value)
		return 0;
	e = msg_new(&cleat__v1__build_request__options__build_args_entry__descriptor);
	if (!e || !msg_push(&o->build_args, &o->n_build_args, e))
		return no_memory(err);
	e->key = steal(&name);
	e->value = msg_new(&cleat__v1__string_list__descriptor);
	return e->value && msg_add(&e->value->values, &e->value->n_values, value) ? 0
										  : no_memory(err);
}

static int add_label(options *o, const struct buildflags_source *source, const char *word,
		     struct err *err)
{
	size_t n = strcspn(word, "=");

	(void)source;
	return msg_map_set(&o->labels, &o->n_labels,
			   &cleat__v1__build_request__options__labels_entry__descriptor, word, n,
			   word[n] ? word + n + 1 : "")
		       ? 0
		       : no_memory(err);
}

static int add_tag(options *o, const struct buildflags_source *source, const char *word,
		   struct err *err)
{
	(void)source;
	return msg_add(&o->tags, &o->n_tags, word) ? 0 : no_memory(err);
}

static int add_cache_from(options *o, const struct buildflags_source *source, const char *word,
			  struct err *err)
{
	(void)source;
	return msg_add(&o->cache_from, &o->n_cache_from, word) ? 0 : no_memory(err);
}

static int add_host(options *o, const struct buildflags_source *source, const char *word,
		    struct err *err)
{
	cleanup_free char *copy = strdup(word);
	char *equals = copy ? strchr(copy, '=') : NULL;

	(void)source;
	if (equals && !memchr(copy, ':', (size_t)(equals - copy)))
		*equals = ':';
	if (copy && !strchr(copy, ':'))
		return err_set(err, ERR_INVALID, "bad format for add-host: \"%.80s\"", word);
	return copy && msg_add(&o->extra_hosts, &o->n_extra_hosts, copy) ? 0 : no_memory(err);
}

static int add_ulimit(options *o, const struct buildflags_source *source, const char *word,
		      struct err *err)
{
	(void)source;
	return runparse_ulimit(word, &o->ulimits, &o->n_ulimits, err);
}

/* ---- secrets */

struct secret {
	char *id, *file, *variable;
};

static void secret_deinit(struct secret *s)
{
	free(s->id);
	free(s->file);
	free(s->variable);
}

/* id=ID[,src=FILE][,env=NAME][,type=file|env] */
static int parse_secret(const char *word, struct secret *out, struct err *err)
{
	cleanup_free char *copy = strdup(word);
	char *rest = copy, *field;
	bool env = false;

	while ((field = strsep(&rest, ","))) {
		char *value = strchr(field, '=');

		if (!value)
			return err_set(err, ERR_INVALID,
				       "invalid field '%.40s' must be a key=value pair", field);
		*value++ = '\0';
		if (!strcmp(field, "id"))
			out->id = strdup(value);
		else if (!strcmp(field, "src") || !strcmp(field, "source"))
			out->file = strdup(value);
		else if (!strcmp(field, "env"))
			out->variable = strdup(value);
		else if (!strcmp(field, "type"))
			env = !strcmp(value, "env");
		else
			return err_set(err, ERR_INVALID, "unexpected key '%.40s' in '%.80s'", field,
				       word);
	}
	if (!out->id)
		return err_set(err, ERR_INVALID, "secret \"%.80s\" has no id", word);
	if (env && !out->variable)
		out->variable = out->file ? steal(&out->file) : strdup(out->id);
	return 0;
}

static int read_secret(const struct secret *s, const struct buildflags_source *source, char **value,
		       size_t *n, struct err *err)
{
	const char *own = s->variable && source->variable ? source->variable(s->variable) : NULL;

	if (s->variable && !own)
		return err_set(err, ERR_INVALID, "secret %.60s: the variable %.60s is not set",
			       s->id, s->variable);
	*value = own            ? strdup(own)
		 : source->file ? source->file(s->file ? s->file : s->id, n, err)
				: NULL;
	if (own)
		*n = strlen(own);
	return *value ? 0 : err_wrap(err, -EINVAL, "secret %.60s", s->id);
}

static int add_secret(options *o, const struct buildflags_source *source, const char *word,
		      struct err *err)
{
	cleanup(secret_deinit) struct secret s = { NULL, NULL, NULL };
	cleanup_free char *value = NULL;
	Cleat__V1__BuildRequest__Secret *m;
	size_t n = 0;
	int r = parse_secret(word, &s, err);

	r = r ? r : read_secret(&s, source, &value, &n, err);
	if (r < 0)
		return r;
	m = msg_new(&cleat__v1__build_request__secret__descriptor);
	if (!m || !msg_push(&o->secrets, &o->n_secrets, m))
		return no_memory(err);
	m->id = steal(&s.id);
	m->value.data = (uint8_t *)steal(&value);
	m->value.len = n;
	return 0;
}

/* ---- numbers and words */

static int set_platform(options *o, const char *text, struct err *err)
{
	return platformmsg_new(text, &o->platform, err);
}

/* What Docker has and this release has not; the values that ask for nothing are taken. */
static int check_unsupported(const struct flags *flags, struct err *err)
{
	const char *isolation = flags_text(flags, "isolation");

	if (str_or_empty(flags_text(flags, "cgroup-parent"))[0])
		return err_set(err, ERR_UNIMPLEMENTED,
			       "--cgroup-parent: not supported by this release");
	if (flags_text(flags, "ssh"))
		return err_set(err, ERR_UNIMPLEMENTED,
			       "--ssh: this release lets no build use an agent of SSH");
	if (flags_text(flags, "security-opt"))
		return err_set(err, ERR_UNIMPLEMENTED,
			       "--security-opt: builds have the default profile in this release");
	if (isolation && isolation[0] && strcmp(isolation, "default") != 0)
		return err_set(err, ERR_INVALID, "invalid isolation (%.60s): Linux has \"default\"",
			       isolation);
	return 0;
}

static int set_shm(options *o, const char *text, struct err *err)
{
	return str_size_bytes(text, &o->shm_size_bytes) < 0
		       ? err_set(err, ERR_INVALID, "invalid argument \"%.60s\" for \"--shm-size\"",
				 text)
		       : 0;
}

static int set_timestamp(options *o, const char *text, struct err *err)
{
	int64_t seconds;

	if (str_int_in(text, 0, INT64_MAX / 1000000000, &seconds) < 0)
		return err_set(err, ERR_INVALID,
			       "invalid argument \"%.60s\" for \"--timestamp\": expected seconds "
			       "since 1970",
			       text);
	o->reproducible_case = CLEAT__V1__BUILD_REQUEST__OPTIONS__REPRODUCIBLE_TIMESTAMP_SECONDS;
	o->timestamp_seconds = seconds;
	return 0;
}

static int set_target(options *o, const char *text, struct err *err)
{
	return msg_set(&o->target, text) ? 0 : no_memory(err);
}

static int set_network(options *o, const char *text, struct err *err)
{
	return msg_set(&o->network_mode, text) ? 0 : no_memory(err);
}

/* ---- all of them */

static const struct {
	const char *flag;
	int (*add)(options *o, const struct buildflags_source *source, const char *word,
		   struct err *err);
} lists[] = {
	{ "add-host", add_host }, { "build-arg", add_arg }, { "cache-from", add_cache_from },
	{ "label", add_label },   { "secret", add_secret }, { "tag", add_tag },
	{ "ulimit", add_ulimit },
};

static const struct {
	const char *flag;
	int (*set)(options *o, const char *text, struct err *err);
} texts[] = {
	{ "network", set_network },     { "platform", set_platform }, { "shm-size", set_shm },
	{ "timestamp", set_timestamp }, { "target", set_target },
};

static int fill(options *o, const struct flags *flags, const struct buildflags_source *source,
		struct err *err)
{
	const char *word;
	int r = check_unsupported(flags, err);

	o->resources = msg_new(&cleat__v1__resources__descriptor);
	if (!o->resources)
		return no_memory(err);
	r = r ? r : runflags_limits(flags, o->resources, err);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		for (size_t k = 0; r == 0 && (word = flags_nth(flags, lists[i].flag, k)); k++)
			r = lists[i].add(o, source, word, err);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(texts); i++)
		if ((word = flags_text(flags, texts[i].flag)))
			r = texts[i].set(o, word, err);
	o->no_cache = flags_switch(flags, "no-cache");
	o->pull = flags_switch(flags, "pull");
	o->quiet = flags_switch(flags, "quiet");
	o->squash = flags_switch(flags, "squash");
	return r;
}

int buildflags_options(const struct flags *flags, const struct buildflags_source *source,
		       Cleat__V1__BuildRequest__Options **out, struct err *err)
{
	cleanup(msg_freep) options *o = msg_new(&cleat__v1__build_request__options__descriptor);
	int r = o ? fill(o, flags, source, err) : no_memory(err);

	if (r == 0)
		*out = steal(&o);
	return r;
}

const struct flag buildflags_table[] = {
	{ "add-host", 0, FLAG_LIST, "list", "Add a custom host-to-IP mapping (host:ip)" },
	{ "build-arg", 0, FLAG_LIST, "list", "Set build-time variables" },
	{ "cache-from", 0, FLAG_LIST, "strings", "Images to consider as cache sources" },
	{ "cgroup-parent", 0, FLAG_TEXT, "string", NULL },
	{ "compress", 0, FLAG_SWITCH, NULL, NULL }, /* the way to the engine needs none */
	{ "cpu-period", 0, FLAG_TEXT, "int", "Limit the CPU CFS period" },
	{ "cpu-quota", 0, FLAG_TEXT, "int", "Limit the CPU CFS quota" },
	{ "cpu-shares", 'c', FLAG_TEXT, "int", "CPU shares (relative weight)" },
	{ "cpuset-cpus", 0, FLAG_TEXT, "string", "CPUs in which to allow execution (0-3, 0,1)" },
	{ "cpuset-mems", 0, FLAG_TEXT, "string", "MEMs in which to allow execution (0-3, 0,1)" },
	{ "disable-content-trust", 0, FLAG_SWITCH, NULL, NULL },
	{ "file", 'f', FLAG_TEXT, "string", "Name of the Dockerfile (Default is PATH/Dockerfile)" },
	{ "force-rm", 0, FLAG_SWITCH, NULL, NULL },
	{ "iidfile", 0, FLAG_TEXT, "string", "Write the image ID to the file" },
	{ "isolation", 0, FLAG_TEXT, "string", NULL },
	{ "label", 0, FLAG_LIST, "list", "Set metadata for an image" },
	{ "memory", 'm', FLAG_TEXT, "bytes", "Memory limit" },
	{ "memory-swap", 0, FLAG_TEXT, "bytes",
	  "Limit of memory plus swap: -1 for unlimited swap" },
	{ "network", 0, FLAG_TEXT, "string", "Networking mode for the RUN instructions" },
	{ "no-cache", 0, FLAG_SWITCH, NULL, "Do not use cache when building the image" },
	{ "platform", 0, FLAG_TEXT, "string", "Set platform" },
	{ "progress", 0, FLAG_TEXT, "string", "Type of progress output (auto, plain, tty, quiet)" },
	{ "pull", 0, FLAG_SWITCH, NULL, "Always attempt to pull a newer version of the image" },
	{ "quiet", 'q', FLAG_SWITCH, NULL,
	  "Suppress the build output and print image ID on success" },
	{ "rm", 0, FLAG_SWITCH, NULL, NULL },
	{ "secret", 0, FLAG_LIST, "list",
	  "Secret to expose to the build (id=ID[,src=FILE|,env=NAME])" },
	{ "security-opt", 0, FLAG_LIST, "strings", NULL },
	{ "shm-size", 0, FLAG_TEXT, "bytes", "Size of /dev/shm" },
	{ "squash", 0, FLAG_SWITCH, NULL, NULL },
	{ "ssh", 0, FLAG_LIST, "strings", NULL },
	{ "tag", 't', FLAG_LIST, "list", "Name and optionally a tag in the name:tag format" },
	{ "target", 0, FLAG_TEXT, "string", "Set the target build stage to build" },
	{ "timestamp", 0, FLAG_TEXT, "seconds",
	  "Time of the image and of all that is new in it, for reproducible builds" },
	{ "ulimit", 0, FLAG_LIST, "ulimit", "Ulimit options" },
	{ 0 },
};
