/* SPDX-License-Identifier: Apache-2.0 */
/* A container's resolv.conf(5), from the host's and what its user wants. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "mem.h"

enum resolvconf_kind {
	RESOLVCONF_HOST, /* in the host's network: its servers */
	RESOLVCONF_OWN, /* in one of its own: without those at loopback addresses, which are the host's alone */
	RESOLVCONF_NAMES, /* with a name server of its own, which asks the others */
};
#define RESOLVCONF_SERVER "127.0.0.11"

struct resolvconf_list {
	char *const *v;
	size_t n;
};

/* What is given replaces the host's of its kind; a search for "." is one for nothing. Borrowed. */
struct resolvconf_wishes {
	struct resolvconf_list servers, search, options;
};

/* Whether the text (NUL-terminated) has a server that others than the host reach. */
bool resolvconf_has_servers(const char *host);

/* Appends the container's to *out. `host` is NUL-terminated text. */
void resolvconf_write(const char *host, enum resolvconf_kind kind,
		      const struct resolvconf_wishes *wishes, struct buf *out);
