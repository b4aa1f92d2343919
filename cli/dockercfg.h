/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's ~/.docker/config.json as text: who somebody is for which registry. Pure. Whatever else is in the file
 * is kept. */
#pragma once

#include <stddef.h>

#include "err.h"
#include "mem.h"

/* All owned, NULL = not there. */
struct dockercfg_entry {
	char *helper; /* docker-credential-HELPER knows it */
	char *username, *password, *identity_token;
};
void dockercfg_entry_deinit(struct dockercfg_entry *entry);

/* The key registries are stored under: host[:port], Docker's own for its hub ("", docker.io). Returns a string in
 * `server` or a literal. */
const char *dockercfg_key(const char *server);

/* The host[:port] an image's name begins with, in out; "docker.io" when it names none. */
enum { DOCKERCFG_HOST_MAX = 256 };
void dockercfg_host(const char *image, char out[DOCKERCFG_HOST_MAX]);

/* What the file says about `server`; all NULL when it says nothing. Text of length 0 is an empty file. -EINVAL. */
int dockercfg_find(const char *text, size_t len, const char *server, struct dockercfg_entry *out,
		   struct err *err) must_check;
/* The file with the entry stored, or with NULL for it removed; owned in *out. With an entry that has a helper
 * only the key is noted. */
int dockercfg_store(const char *text, size_t len, const char *server,
		    const struct dockercfg_entry *entry, char **out, struct err *err) must_check;
