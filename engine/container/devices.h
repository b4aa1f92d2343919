/* SPDX-License-Identifier: Apache-2.0 */
/* The host's devices that a request names, as they are now. Blocks on the file system. */
#pragma once

#include "cleat/v1/config.pb-c.h"
#include "err.h"
#include "mem.h"
#include "spec.h"

enum { DEVICES_MAX = 4096 };

/* Paths and permissions are owned by `texts`. */
struct devices {
	struct spec_device *v;
	size_t n;
	char **texts;
	size_t n_texts;
};
/* A link leads to its device; of a directory all devices below it are meant. -EINVAL names what is no device,
 * permissions that are none, or more than DEVICES_MAX. */
int devices_find(struct devices *devices, const Cleat__V1__ContainerConfig *config,
		 struct err *err) must_check;
/* For cleanup(). */
void devices_deinit(struct devices *devices);
