/* SPDX-License-Identifier: Apache-2.0 */
/* Who the user is for a registry, from where Docker keeps it: config.json in $DOCKER_CONFIG or ~/.docker, or one
 * of the programs docker-credential-NAME (docker/docker-credential-helpers). Blocks. */
#pragma once

#include "dockercfg.h"
#include "err.h"
#include "mem.h"

#include "cleat/v1/common.pb-c.h"

struct credentials {
	Cleat__V1__RegistryAuth message; /* borrows from the rest */
	struct dockercfg_entry entry;
	char host[DOCKERCFG_HOST_MAX];
};
void credentials_deinit(struct credentials *credentials);

/* For the registry of an image's name. Without any, the message has the server alone. */
int credentials_find(struct credentials *out, const char *image, struct err *err) must_check;
/* Those of the server itself; NULL users when there are none. */
int credentials_of(struct dockercfg_entry *out, const char *server, struct err *err) must_check;
/* Keeps (entry NULL: forgets) them. */
int credentials_keep(const char *server, const struct dockercfg_entry *entry,
		     struct err *err) must_check;
