/* SPDX-License-Identifier: Apache-2.0 */
#include "relayfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "cleat/shim/v1/shim.pb-c.h"
#include "fd.h"
#include "store/store.h"

typedef Cleat__Shim__V1__RelaySpec relay_spec;
typedef Cleat__Shim__V1__RelaySpec__Port relay_port;

enum { PATH_MAX_BYTES = 80 };

static const char *path_of(const char *id, char out[PATH_MAX_BYTES])
{
	(void)snprintf(out, PATH_MAX_BYTES, "%.64s/ports", id);
	return out;
}

static void spec_freep(relay_spec **spec)
{
	if (*spec)
		cleat__shim__v1__relay_spec__free_unpacked(*spec, NULL);
}

/* protocol, host_port, host_address, container_port, target, relayed */
static int add_port(const struct store_row *row, void *ctx)
{
	relay_spec *spec = ctx;
	relay_port **grown = realloc(spec->ports, (spec->n_ports + 1) * sizeof(*grown)), *port;

	if (!grown)
		return -ENOMEM;
	spec->ports = grown;
	port = malloc(sizeof(*port));
	if (!port)
		return -ENOMEM;
	cleat__shim__v1__relay_spec__port__init(port);
	spec->ports[spec->n_ports++] = port;
	port->protocol = strdup(store_text(row, 0));
	port->host_port = (uint32_t)store_int(row, 1);
	port->host_address = strdup(store_int(row, 5) ? store_text(row, 2) : "::1");
	port->target_port = (uint32_t)store_int(row, 3);
	port->target = strdup(store_text(row, 4));
	return port->protocol && port->host_address && port->target ? 0 : -ENOMEM;
}

/* Owned in *out; one without ports is not wanted. */
static int make_spec(struct engine *engine, const char *id, relay_spec **out, struct err *err)
{
	cleanup(spec_freep) relay_spec *spec = malloc(sizeof(*spec));
	int r;

	if (!spec)
		return err_sys(err, ENOMEM, "relayed ports");
	cleat__shim__v1__relay_spec__init(spec);
	r = store_query(engine->store, err, add_port, spec,
			"SELECT protocol, host_port, host_address, container_port, target, relayed "
			"FROM ports WHERE container_id = ? AND "
			"(relayed OR (host_address = '::' AND protocol <> 'sctp'))",
			"s", id);
	if (r < 0)
		return r == -ENOMEM ? err_sys(err, r, "relayed ports") : r;
	*out = steal(&spec);
	return 0;
}

static int write_spec(struct engine *engine, const char *path, const relay_spec *spec)
{
	cleanup(buf_deinit) struct buf bytes = BUF_NULL;

	if (buf_reserve(&bytes, cleat__shim__v1__relay_spec__get_packed_size(spec)) < 0)
		return -ENOMEM;
	bytes.len = cleat__shim__v1__relay_spec__pack(spec, (uint8_t *)bytes.data);
	return fd_replace_file(engine->containers_fd, path, bytes.data, bytes.len, 0600, false);
}

int relayfile_write(struct engine *engine, const char *container_id, struct err *err)
{
	cleanup(spec_freep) relay_spec *spec = NULL;
	char path[PATH_MAX_BYTES];
	int r = make_spec(engine, container_id, &spec, err);

	if (r < 0)
		return r;
	if (spec->n_ports)
		r = write_spec(engine, path_of(container_id, path), spec);
	else if (unlinkat(engine->containers_fd, path_of(container_id, path), 0) < 0)
		r = errno == ENOENT ? 0 : -errno;
	return r < 0 ? err_sys(err, r, "write ports of container %.12s", container_id) : 0;
}

bool relayfile_exists(const struct engine *engine, const char *container_id)
{
	char path[PATH_MAX_BYTES];

	return faccessat(engine->containers_fd, path_of(container_id, path), F_OK, 0) == 0;
}
