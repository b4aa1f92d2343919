/* SPDX-License-Identifier: Apache-2.0 */
#include "namefiles.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "dnswishes.h"
#include "fd.h"
#include "hostsmerge.h"
#include "links.h"
#include "netnames.h"
#include "network.h"
#include "resolvconf.h"
#include "str.h"

enum { RESOLV_MAX_BYTES = 64 << 10, HOSTS_MAX_BYTES = 1 << 20 };

static int write_text(int dir_fd, const char *id, const char *name, struct buf *text,
		      struct err *err)
{
	int r = text->error;

	if (r == 0)
		r = fd_create_file(dir_fd, name, text->data ? text->data : "", text->len, 0644);
	return r < 0 ? err_sys(err, r, "write %s of container %.12s", name, id) : 0;
}

/* The host's; where its servers are for itself alone, systemd's resolver keeps the real ones elsewhere. */
static void read_host_resolv(enum resolvconf_kind kind, struct buf *text)
{
	cleanup(buf_deinit) struct buf real = BUF_NULL;
	int r = fd_read_file(AT_FDCWD, "/etc/resolv.conf", RESOLV_MAX_BYTES, text);

	if (kind != RESOLVCONF_OWN || (r == 0 && resolvconf_has_servers(text->data)) ||
	    fd_read_file(AT_FDCWD, "/run/systemd/resolve/resolv.conf", RESOLV_MAX_BYTES, &real) < 0)
		return;
	buf_deinit(text);
	*text = real;
	real = BUF_NULL;
}

static void make_resolv(const struct engine *engine, const Cleat__V1__ContainerConfig *config,
			enum resolvconf_kind kind, struct buf *out)
{
	struct dnswishes dns;
	cleanup(buf_deinit) struct buf host = BUF_NULL;

	dnswishes_of(&engine->config, config, &dns);
	read_host_resolv(kind, &host);
	resolvconf_write(host.data ? host.data : "", kind, &dns.wishes, out);
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

	/* who is in the host's network knows what the host knows */
	if (strcmp(config->network_mode, "host") != 0 ||
	    fd_read_file(AT_FDCWD, "/etc/hosts", HOSTS_MAX_BYTES, hosts) < 0)
		buf_puts(hosts,
			 "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
	if (hosts->len && hosts->data[hosts->len - 1] != '\n')
		buf_putc(hosts, '\n');
	for (size_t i = 0; r == 0 && i < config->n_extra_hosts; i++)
		r = add_extra(engine, config->extra_hosts[i], hosts, err);
	if (r == 0 && config->n_links)
		r = links_add_hosts(engine, id, hosts, err);
	if (endpoints)
		add_own(endpoints, id, config, hosts);
	return r ? r : hosts->error ? err_sys(err, hosts->error, "hosts") : 0;
}

/* As long as nothing is shorter than before, readers never see a file that is cut. */
static int rewrite(int fd, const struct buf *text)
{
	ssize_t n;

	if (text->error)
		return text->error;
	n = pwrite(fd, text->data, text->len, 0);
	if (n < 0 || (size_t)n != text->len || ftruncate(fd, n) < 0)
		return n < 0 ? -errno : -EIO;
	return 0;
}

static int open_file(struct engine *engine, const char *id, const char *name)
{
	char path[96];
	int fd;

	(void)snprintf(path, sizeof(path), "%.64s/%s", id, name);
	fd = openat(engine->containers_fd, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

/* A file that has this time is as it was written here. */
static struct timespec stamp_of(const struct record *record)
{
	return (struct timespec){ .tv_sec = record->created_ns / 1000000000,
				  .tv_nsec = record->created_ns % 1000000000 };
}

static int write_stamped(int fd, const struct record *record, const struct buf *text)
{
	const struct timespec times[] = { { .tv_nsec = UTIME_OMIT }, stamp_of(record) };
	int r = rewrite(fd, text);

	return r < 0 ? r : futimens(fd, times) < 0 ? -errno : 0;
}

static bool is_ours(int fd, const struct record *record)
{
	const struct timespec stamp = stamp_of(record);
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_mtim.tv_sec == stamp.tv_sec &&
	       st.st_mtim.tv_nsec == stamp.tv_nsec;
}

/* All of it, or (into one that was changed) what has changed. */
static int write_hosts(int fd, const struct record *record, const struct buf *fresh, bool anyway)
{
	cleanup(buf_deinit) struct buf old = BUF_NULL, merged = BUF_NULL;
	char path[40];
	int r;

	if (anyway || is_ours(fd, record))
		return write_stamped(fd, record, fresh);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = fd_read_file(AT_FDCWD, path, HOSTS_MAX_BYTES, &old);
	/* a container that fills it does not thereby stay out of networks, or in them */
	if (r < 0)
		return r == -EFBIG ? 0 : r;
	hostsmerge(old.data ? old.data : "", fresh->data, &merged);
	return rewrite(fd, &merged);
}

static int make_hosts(struct engine *engine, const struct record *record,
		      const Cleat__V1__ContainerConfig *config, const struct endpoints *endpoints,
		      bool anyway, struct err *err)
{
	cleanup(buf_deinit) struct buf hosts = BUF_NULL;
	/* others write it too when their addresses change */
	cleanup_fd int lock = config->n_links ? netnames_lock(engine, err) : -1;
	cleanup_fd int fd = -1;
	int r = config->n_links && lock < 0 ? lock : 0;

	r = r ? r : hosts_text(engine, record->id, config, endpoints, &hosts, err);
	if (r < 0)
		return r;
	fd = open_file(engine, record->id, "hosts");
	r = fd < 0 ? fd : write_hosts(fd, record, &hosts, anyway);
	return r < 0 ? err_sys(err, r, "write hosts of container %.12s", record->id) : 0;
}

int namefiles_write_hosts(struct engine *engine, const struct record *record,
			  const Cleat__V1__ContainerConfig *config,
			  const struct endpoints *endpoints, struct err *err)
{
	return make_hosts(engine, record, config, endpoints, true, err);
}

int namefiles_change_hosts(struct engine *engine, const struct record *record,
			   const Cleat__V1__ContainerConfig *config,
			   const struct endpoints *endpoints, struct err *err)
{
	return make_hosts(engine, record, config, endpoints, false, err);
}

static int write_resolv(struct engine *engine, const struct record *record,
			const Cleat__V1__ContainerConfig *config, enum resolvconf_kind kind,
			bool anyway, struct err *err)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	cleanup_fd int fd = open_file(engine, record->id, "resolv.conf");
	int r = fd < 0 ? fd : 0;

	if (r == 0 && (anyway || is_ours(fd, record))) {
		make_resolv(engine, config, kind, &text);
		r = write_stamped(fd, record, &text);
	}
	return r < 0 ? err_sys(err, r, "write resolv.conf of container %.12s", record->id) : 0;
}

int namefiles_write_resolv(struct engine *engine, const struct record *record,
			   const Cleat__V1__ContainerConfig *config, bool names, struct err *err)
{
	return write_resolv(engine, record, config, names ? RESOLVCONF_NAMES : RESOLVCONF_OWN, true,
			    err);
}

int namefiles_change_resolv(struct engine *engine, const struct record *record,
			    const Cleat__V1__ContainerConfig *config, struct err *err)
{
	return write_resolv(engine, record, config, RESOLVCONF_NAMES, false, err);
}

int namefiles_make(struct engine *engine, int dir_fd, const char *id,
		   const Cleat__V1__ContainerConfig *config, struct err *err)
{
	cleanup(buf_deinit) struct buf hostname = BUF_NULL, hosts = BUF_NULL, resolv = BUF_NULL;
	const char *name = str_or_empty(config->hostname);
	int r = hosts_text(engine, id, config, NULL, &hosts, err);

	buf_printf(&hostname, "%.*s\n", name[0] ? 253 : 12, name[0] ? name : id);
	make_resolv(engine, config,
		    network_mode_is_own(config->network_mode) ? RESOLVCONF_OWN : RESOLVCONF_HOST,
		    &resolv);
	r = r ? r : write_text(dir_fd, id, "hostname", &hostname, err);
	r = r ? r : write_text(dir_fd, id, "hosts", &hosts, err);
	return r ? r : write_text(dir_fd, id, "resolv.conf", &resolv, err);
}
