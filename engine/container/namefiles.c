/* SPDX-License-Identifier: Apache-2.0 */
#include "namefiles.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "fd.h"
#include "network.h"
#include "str.h"

enum { RESOLV_MAX_BYTES = 64 << 10 };

static int write_text(int dir_fd, const char *id, const char *name, struct buf *text,
		      struct err *err)
{
	int r = text->error;

	if (r == 0)
		r = fd_create_file(dir_fd, name, text->data ? text->data : "", text->len, 0644);
	return r < 0 ? err_sys(err, r, "write %s of container %.12s", name, id) : 0;
}

static void add_words(struct buf *text, const char *key, char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(text, "%s %s%s", i ? "" : key, words[i], i + 1 == n ? "\n" : "");
}

/* A server at a loopback address is the host's, and not to be had from a namespace of its own. */
static bool is_local_server(const char *line)
{
	char word[64];
	struct addr addr;

	return sscanf(line, " nameserver %63s", word) == 1 && addr_parse(word, &addr) == 0 &&
	       addr_is_loopback(&addr);
}

static bool has_servers(const char *text)
{
	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		char word[64];

		line += *line == '\n';
		if (sscanf(line, " nameserver %63s", word) == 1 && !is_local_server(line))
			return true;
	}
	return false;
}

/* The host's, but for servers that only the host reaches; systemd's resolver keeps the real ones elsewhere. */
static void copy_host_resolv(bool own_network, struct buf *out)
{
	static const char *const paths[] = { "/etc/resolv.conf",
					     "/run/systemd/resolve/resolv.conf" };
	cleanup(buf_deinit) struct buf text = BUF_NULL;

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		buf_deinit(&text);
		if (fd_read_file(AT_FDCWD, paths[i], RESOLV_MAX_BYTES, &text) == 0 &&
		    (!own_network || has_servers(text.data)))
			break;
	}
	for (const char *line = text.data; line && *line;) {
		size_t n = strcspn(line, "\n");

		n += line[n] == '\n';
		if (!own_network || !is_local_server(line))
			buf_append(out, line, n);
		line += n;
	}
}

/* What is given replaces the host's, as in resolv.conf(5). */
static void write_resolv(const Cleat__V1__ContainerConfig *config, struct buf *text)
{
	for (size_t i = 0; i < config->n_dns; i++)
		buf_printf(text, "nameserver %s\n", config->dns[i]);
	if (!config->n_dns)
		copy_host_resolv(network_mode_is_own(config->network_mode), text);
	add_words(text, "search", config->dns_search, config->n_dns_search);
	add_words(text, "options", config->dns_options, config->n_dns_options);
}

/* Docker's host-gateway: the host, as the default network sees it. */
static int host_gateway(struct engine *engine, char out[ADDR_TEXT_MAX], struct err *err)
{
	struct network network;
	int r = network_find(engine, "bridge", &network, err);

	if (r < 0)
		return err_wrap(err, r, "host-gateway");
	addr_format(&network.pools[0].gateway, out);
	network_deinit(&network);
	return 0;
}

static int add_extra(struct engine *engine, const char *text, struct buf *hosts, struct err *err)
{
	char gateway[ADDR_TEXT_MAX];
	const char *colon = strchr(text, ':'), *address = colon ? colon + 1 : "";
	struct addr addr;
	int r;

	if (!colon)
		return err_set(err, ERR_INVALID, "bad format for add-host: \"%s\"", text);
	if (strcmp(address, "host-gateway") == 0) {
		r = host_gateway(engine, gateway, err);
		if (r < 0)
			return r;
		address = gateway;
	}
	if (addr_parse(address, &addr) < 0)
		return err_set(err, ERR_INVALID, "invalid IP address in add-host: \"%s\"", address);
	buf_printf(hosts, "%s\t%.*s\n", address, (int)(colon - text), text);
	return 0;
}

static void add_own(const struct endpoints *endpoints, const char *id,
		    const Cleat__V1__ContainerConfig *config, struct buf *hosts)
{
	const char *name = config->hostname;

	for (size_t i = 0; i < endpoints->n; i++)
		for (size_t f = 0; f < NETWORK_FAMILIES; f++) {
			char address[ADDR_TEXT_MAX];

			if (!endpoints->v[i].addr[f].len)
				continue;
			addr_format(&endpoints->v[i].addr[f], address);
			buf_printf(hosts, "%s\t%.*s", address, name[0] ? 253 : 12,
				   name[0] ? name : id);
			if (config->domain_name[0])
				buf_printf(hosts, ".%s %.*s", config->domain_name,
					   name[0] ? 253 : 12, name[0] ? name : id);
			buf_putc(hosts, '\n');
		}
}

static int hosts_text(struct engine *engine, const char *id,
		      const Cleat__V1__ContainerConfig *config, const struct endpoints *endpoints,
		      struct buf *hosts, struct err *err)
{
	int r = 0;

	buf_puts(hosts, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
	for (size_t i = 0; r == 0 && i < config->n_extra_hosts; i++)
		r = add_extra(engine, config->extra_hosts[i], hosts, err);
	if (endpoints)
		add_own(endpoints, id, config, hosts);
	return r ? r : hosts->error ? err_sys(err, hosts->error, "hosts") : 0;
}

int namefiles_write_hosts(struct engine *engine, const char *id,
			  const Cleat__V1__ContainerConfig *config,
			  const struct endpoints *endpoints, struct err *err)
{
	cleanup(buf_deinit) struct buf hosts = BUF_NULL;
	cleanup_fd int fd = -1;
	char path[80];
	int r = hosts_text(engine, id, config, endpoints, &hosts, err);

	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "%.64s/hosts", id);
	fd = openat(engine->containers_fd, path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW);
	r = fd < 0 ? -errno : fd_write_all(fd, hosts.data, hosts.len);
	return r < 0 ? err_sys(err, r, "write hosts of container %.12s", id) : 0;
}

int namefiles_make(struct engine *engine, int dir_fd, const char *id,
		   const Cleat__V1__ContainerConfig *config, struct err *err)
{
	cleanup(buf_deinit) struct buf hostname = BUF_NULL, hosts = BUF_NULL, resolv = BUF_NULL;
	const char *name = str_or_empty(config->hostname);
	int r = hosts_text(engine, id, config, NULL, &hosts, err);

	buf_printf(&hostname, "%.*s\n", name[0] ? 253 : 12, name[0] ? name : id);
	write_resolv(config, &resolv);
	r = r ? r : write_text(dir_fd, id, "hostname", &hostname, err);
	r = r ? r : write_text(dir_fd, id, "hosts", &hosts, err);
	return r ? r : write_text(dir_fd, id, "resolv.conf", &resolv, err);
}
