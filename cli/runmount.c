/* SPDX-License-Identifier: Apache-2.0 */
/* -v, --mount, --tmpfs and -p. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bindtext.h"
#include "cleanpath.h"
#include "msg.h"
#include "runparse.h"
#include "str.h"

static int no_memory(struct err *err)
{
	return err_sys(err, ENOMEM, "command line");
}

/* A relative path of the host, which begins with a dot, is one from here, as with Docker's client. */
static char *absolute(const char *text)
{
	cleanup_free char *here = text[0] == '.' ? getcwd(NULL, 0) : NULL;
	size_t n = strcspn(text, ":");
	cleanup_free char *joined =
		here ? str_printf("%s/%.*s", here, (int)n, text) : strndup(text, n);
	cleanup_free char *clean = joined && here ? cleanpath(joined) : steal(&joined);

	return clean ? str_printf("%s%s", clean, text + n) : NULL;
}

int runmount_volume(const char *text, Cleat__V1__ContainerConfig *c, struct err *err)
{
	cleanup(msg_freep) Cleat__V1__Mount *m = msg_new(&cleat__v1__mount__descriptor);
	cleanup_free char *whole = strchr(text, ':') ? absolute(text) : strdup(text);

	if (!m || !whole)
		return no_memory(err);
	if (bindtext_parse(whole, m, err) < 0)
		return -EINVAL;
	if (!m->source[0])
		return msg_add(&c->volumes, &c->n_volumes, m->target) ? 0 : no_memory(err);
	if (!msg_push(&c->mounts, &c->n_mounts, m))
		return no_memory(err);
	m = NULL;
	return 0;
}

/* ---- --mount */

static int set_bool(protobuf_c_boolean *on, const char *value)
{
	static const char *const yes[] = { "true", "1", "t", "T", "TRUE", "True" };
	static const char *const no[] = { "false", "0", "f", "F", "FALSE", "False" };

	*on = !value;
	for (size_t i = 0; value && i < ARRAY_LEN(yes); i++)
		*on = *on || strcmp(value, yes[i]) == 0;
	for (size_t i = 0; value && !*on; i++) {
		if (i == ARRAY_LEN(no))
			return -EINVAL;
		if (strcmp(value, no[i]) == 0)
			break;
	}
	return 0;
}

/* key=value into a map. */
static int set_pair(void *list, size_t *n, const ProtobufCMessageDescriptor *type,
		    const char *value)
{
	size_t key = strcspn(value, "=");

	if (key == 0)
		return -EINVAL;
	return msg_map_set(list, n, type, value, key, value[key] ? value + key + 1 : "") ? 0
											 : -ENOMEM;
}

static int set_recursive(Cleat__V1__Mount *m, const char *value)
{
	m->non_recursive = strcmp(value, "disabled") == 0;
	return m->non_recursive || strcmp(value, "enabled") == 0 || strcmp(value, "writable") == 0
		       ? 0
		       : -EINVAL;
}

static int set_tmpfs_mode(Cleat__V1__Mount *m, const char *value)
{
	char *end;
	unsigned long mode = strtoul(value, &end, 8);

	m->tmpfs_mode = (uint32_t)mode;
	return *end || end == value || mode > 07777 ? -EINVAL : 0;
}

/* Keys that take more than a field. 1 = none of them. */
static int other_option(Cleat__V1__Mount *m, const char *key, const char *value)
{
	if (!value)
		return 1;
	if (strcmp(key, "tmpfs-size") == 0)
		return str_size_bytes(value, &m->tmpfs_size_bytes);
	if (strcmp(key, "tmpfs-mode") == 0)
		return set_tmpfs_mode(m, value);
	if (strcmp(key, "bind-recursive") == 0)
		return set_recursive(m, value);
	if (strcmp(key, "volume-opt") == 0)
		return set_pair(&m->driver_options, &m->n_driver_options,
				&cleat__v1__mount__driver_options_entry__descriptor, value);
	if (strcmp(key, "volume-label") == 0)
		return set_pair(&m->labels, &m->n_labels,
				&cleat__v1__mount__labels_entry__descriptor, value);
	return 1;
}

/* One key=value of --mount. 1 = unknown key. */
static int mount_option(Cleat__V1__Mount *m, const char *key, const char *value)
{
	const struct {
		const char *key;
		char **text;
		protobuf_c_boolean *on;
	} keys[] = {
		{ "type", &m->type, NULL },
		{ "source", &m->source, NULL },
		{ "src", &m->source, NULL },
		{ "target", &m->target, NULL },
		{ "dst", &m->target, NULL },
		{ "destination", &m->target, NULL },
		{ "consistency", &m->consistency, NULL },
		{ "bind-propagation", &m->propagation, NULL },
		{ "volume-driver", &m->driver, NULL },
		{ "volume-subpath", &m->subpath, NULL },
		{ "image-subpath", &m->subpath, NULL },
		{ "readonly", NULL, &m->read_only },
		{ "ro", NULL, &m->read_only },
		{ "volume-nocopy", NULL, &m->no_copy },
		{ "bind-nonrecursive", NULL, &m->non_recursive },
		{ "bind-create-src", NULL, &m->create_source },
	};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (strcmp(keys[i].key, key) != 0)
			continue;
		if (keys[i].text)
			return value && msg_set(keys[i].text, value) ? 0 : -EINVAL;
		return set_bool(keys[i].on, value);
	}
	return other_option(m, key, value);
}

/* The next field of a line of comma-separated values, in place: one in quotes may have commas, and two quotes for
 * one. NULL at the end, and with *rest kept where quotes do not end. */
static char *next_field(char **rest)
{
	char *field = *rest, *to = field, *from;

	if (!field || field[0] != '"')
		return strsep(rest, ",");
	for (from = field + 1; *from; from++) {
		if (*from == '"' && from[1] != '"')
			break;
		from += *from == '"';
		*to++ = *from;
	}
	if (!*from || (from[1] && from[1] != ','))
		return NULL;
	*rest = from[1] ? from + 2 : NULL;
	*to = '\0';
	return field;
}

/* Options of one type are none of another's. */
static int check_type(const char *text, const char *key, const Cleat__V1__Mount *m, struct err *err)
{
	static const char *const types[] = { "bind", "volume", "tmpfs", "image" };

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		size_t n = strlen(types[i]);

		if (strncmp(key, types[i], n) == 0 && key[n] == '-' &&
		    strcmp(m->type, types[i]) != 0)
			return err_set(err, ERR_INVALID,
				       "invalid argument \"%.120s\" for \"--mount\" flag: cannot "
				       "mix '%s-*' options with mount type '%.20s'",
				       text, types[i], m->type);
	}
	return 0;
}

static int one_option(const char *text, char *field, Cleat__V1__Mount *m, struct err *err)
{
	char *value = strchr(field, '=');
	int r;

	if (value)
		*value++ = '\0';
	r = mount_option(m, field, value);
	if (r == 1)
		return err_set(err, ERR_INVALID,
			       "invalid argument \"%s\" for \"--mount\" flag: unexpected key '%s'",
			       text, field);
	if (r < 0)
		return err_set(err, ERR_INVALID,
			       "invalid argument \"%s\" for \"--mount\" flag: invalid value for "
			       "%s",
			       text, field);
	return 0;
}

/* Once over the fields to set them, and then, when the type is known, over their keys. */
static int each_field(const char *text, Cleat__V1__Mount *m, bool set, struct err *err)
{
	cleanup_free char *copy = strdup(text);
	char *rest = copy, *field;
	int r = copy ? 0 : no_memory(err);

	while (r == 0 && (field = next_field(&rest)))
		r = set ? one_option(text, field, m, err) : check_type(text, field, m, err);
	if (r == 0 && rest)
		return runparse_bad(err, "mount", text, "quotes around a whole field");
	return r;
}

int runmount_mount(const char *text, Cleat__V1__ContainerConfig *c, struct err *err)
{
	cleanup(msg_freep) Cleat__V1__Mount *m = msg_new(&cleat__v1__mount__descriptor);
	int r = m && msg_set(&m->type, "volume") ? each_field(text, m, true, err) : no_memory(err);

	r = r ? r : each_field(text, m, false, err);
	if (r < 0)
		return r;
	if (m->target[0] != '/')
		return runparse_bad(err, "mount", text, "an absolute target=");
	if (strcmp(m->type, "image") == 0 && !m->source[0])
		return runparse_bad(err, "mount", text, "a source= that names an image");
	if (strcmp(m->type, "bind") == 0 && m->source[0] != '/')
		return runparse_bad(err, "mount", text, "an absolute source= for a bind");
	if (!msg_push(&c->mounts, &c->n_mounts, m))
		return no_memory(err);
	m = NULL;
	return 0;
}

int runmount_tmpfs(const char *text, Cleat__V1__ContainerConfig *c, struct err *err)
{
	cleanup(msg_freep) Cleat__V1__Mount *m = msg_new(&cleat__v1__mount__descriptor);
	cleanup_free char *copy = strdup(text);
	char *options = copy ? strchr(copy, ':') : NULL;

	if (!m || !copy)
		return no_memory(err);
	if (options)
		*options++ = '\0';
	if (copy[0] != '/')
		return runparse_bad(err, "tmpfs", text, "an absolute path[:options]");
	if (!msg_set(&m->type, "tmpfs") || !msg_set(&m->target, copy) ||
	    !msg_set(&m->tmpfs_options, str_or_empty(options)) ||
	    !msg_push(&c->mounts, &c->n_mounts, m))
		return no_memory(err);
	m = NULL;
	return 0;
}

/* ---- ports */

struct range {
	uint32_t first, last; /* 0 = none */
};

static int parse_range(const char *text, struct range *range)
{
	cleanup_free char *copy = strdup(text);
	char *dash = copy ? strchr(copy, '-') : NULL;
	int64_t first, last;

	if (!copy)
		return -ENOMEM;
	if (dash)
		*dash++ = '\0';
	if (str_int_in(copy, dash ? 1 : 0, 65535, &first) < 0)
		return -EINVAL;
	last = first;
	if (dash && (str_int_in(dash, 1, 65535, &last) < 0 || last < first))
		return -EINVAL;
	*range = (struct range){ (uint32_t)first, (uint32_t)last };
	return 0;
}

static int add_binding(Cleat__V1__ContainerConfig *c, uint32_t container, const char *protocol,
		       const char *ip, struct range host, struct err *err)
{
	Cleat__V1__PortBinding *p = msg_new(&cleat__v1__port_binding__descriptor);

	if (!p)
		return no_memory(err);
	p->container_port = container;
	p->host_port = host.first;
	p->host_port_end = host.last != host.first ? host.last : 0;
	if (!msg_set(&p->protocol, protocol) || !msg_set(&p->host_ip, ip) ||
	    !msg_push(&c->ports, &c->n_ports, p)) {
		msg_free(p);
		return no_memory(err);
	}
	return 0;
}

int runport_publish(const char *text, Cleat__V1__ContainerConfig *c, struct err *err)
{
	static const char wanted[] = "[ip:][host[-end]:]container[-end][/tcp|udp|sctp]";
	cleanup_free char *copy = strdup(text);
	char *container = copy, *host = NULL, *ip = NULL, *slash, *colon;
	const char *protocol = "tcp";
	struct range in, out = { 0, 0 };
	int r = 0;

	if (!copy)
		return no_memory(err);
	slash = strrchr(copy, '/');
	if (slash) {
		*slash = '\0';
		protocol = slash + 1;
	}
	colon = strrchr(copy, ':');
	if (colon) {
		*colon = '\0';
		container = colon + 1;
		host = copy;
		colon = strrchr(copy, ':');
		if (colon) {
			*colon = '\0';
			host = colon + 1;
			ip = copy;
		}
	}
	if (ip && ip[0] == '[' && str_has_suffix(ip, "]")) {
		ip[strlen(ip) - 1] = '\0';
		ip++;
	}
	if ((strcmp(protocol, "tcp") != 0 && strcmp(protocol, "udp") != 0 &&
	     strcmp(protocol, "sctp") != 0) ||
	    parse_range(container, &in) < 0 || in.first == 0 ||
	    (host && host[0] && parse_range(host, &out) < 0))
		return runparse_bad(err, "publish", text, wanted);
	if (in.first == in.last)
		return add_binding(c, in.first, protocol, str_or_empty(ip), out, err);
	if (out.first && out.last - out.first != in.last - in.first)
		return runparse_bad(err, "publish", text, "ranges of one length");
	for (uint32_t p = in.first; r == 0 && p <= in.last; p++) {
		uint32_t h = out.first ? out.first + (p - in.first) : 0;

		r = add_binding(c, p, protocol, str_or_empty(ip), (struct range){ h, h }, err);
	}
	return r;
}
