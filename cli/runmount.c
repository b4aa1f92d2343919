/* SPDX-License-Identifier: Apache-2.0 */
/* -v, --mount, --tmpfs and -p. A source with a slash in front is a path of the host; a relative one
 * beginning with '.' is made absolute by the caller's shell or refused here: the engine has another
 * working directory. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "msg.h"
#include "runparse.h"
#include "str.h"

static int no_memory(struct err *err)
{
	return err_sys(err, ENOMEM, "command line");
}

static bool is_propagation(const char *word)
{
	static const char *const words[] = { "private", "rprivate", "shared",
					     "rshared", "slave",    "rslave" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

static int volume_options(const char *text, char *options, Cleat__V1__Mount *m, struct err *err)
{
	char *word;

	while ((word = strsep(&options, ","))) {
		if (strcmp(word, "ro") == 0)
			m->read_only = true;
		else if (strcmp(word, "nocopy") == 0)
			m->no_copy = true;
		else if (is_propagation(word)) {
			if (!msg_set(&m->propagation, word))
				return no_memory(err);
		} else if (strcmp(word, "rw") != 0 && strcmp(word, "z") != 0 &&
			   strcmp(word, "Z") != 0 && strcmp(word, "consistent") != 0 &&
			   strcmp(word, "cached") != 0 && strcmp(word, "delegated") != 0)
			return runparse_bad(err, "volume", text, "source:target[:options]");
	}
	return 0;
}

int runmount_volume(const char *text, Cleat__V1__ContainerConfig *c, struct err *err)
{
	cleanup(msg_freep) Cleat__V1__Mount *m = msg_new(&cleat__v1__mount__descriptor);
	cleanup_free char *copy = strdup(text);
	char *rest = copy, *source, *target;

	if (!m || !copy)
		return no_memory(err);
	source = strsep(&rest, ":");
	target = strsep(&rest, ":");
	if (!target) {
		if (source[0] != '/')
			return runparse_bad(err, "volume", text,
					    "an absolute path in the container");
		return msg_add(&c->volumes, &c->n_volumes, source) ? 0 : no_memory(err);
	}
	if (target[0] != '/' || source[0] == '\0' || source[0] == '.')
		return runparse_bad(err, "volume", text, "source:target with absolute paths");
	m->create_source = source[0] == '/';
	if (!msg_set(&m->type, source[0] == '/' ? "bind" : "volume") ||
	    !msg_set(&m->source, source) || !msg_set(&m->target, target))
		return no_memory(err);
	if (rest && volume_options(text, rest, m, err) < 0)
		return -EINVAL;
	if (!msg_push(&c->mounts, &c->n_mounts, m))
		return no_memory(err);
	m = NULL;
	return 0;
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
		*keys[i].on = !value || strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
		return 0;
	}
	if (strcmp(key, "tmpfs-size") == 0 && value)
		return str_size_bytes(value, &m->tmpfs_size_bytes);
	if (strcmp(key, "tmpfs-mode") == 0 && value) {
		char *end;
		unsigned long mode = strtoul(value, &end, 8);

		m->tmpfs_mode = (uint32_t)mode;
		return *end || end == value || mode > 07777 ? -EINVAL : 0;
	}
	return 1;
}

int runmount_mount(const char *text, Cleat__V1__ContainerConfig *c, struct err *err)
{
	cleanup(msg_freep) Cleat__V1__Mount *m = msg_new(&cleat__v1__mount__descriptor);
	cleanup_free char *copy = strdup(text);
	char *rest = copy, *word;

	if (!m || !copy || !msg_set(&m->type, "volume"))
		return no_memory(err);
	while ((word = strsep(&rest, ","))) {
		char *value = strchr(word, '=');
		int r;

		if (value)
			*value++ = '\0';
		r = mount_option(m, word, value);
		if (r == 1)
			return err_set(
				err, ERR_INVALID,
				"invalid argument \"%s\" for \"--mount\" flag: unexpected key '%s'",
				text, word);
		if (r < 0)
			return err_set(err, ERR_INVALID,
				       "invalid argument \"%s\" for \"--mount\" flag: invalid "
				       "value for %s",
				       text, word);
	}
	if (m->target[0] != '/')
		return runparse_bad(err, "mount", text, "an absolute target=");
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
