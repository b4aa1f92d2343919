/* SPDX-License-Identifier: Apache-2.0 */
/* A seccomp profile as people write it for Docker. Pure. */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "err.h"
#include "mem.h"

/* What decides which rules of a profile are for this container. */
struct seccomp_host {
	uint64_t caps;          /* the container's, as seccomp_default() has them */
	unsigned kernel, minor; /* Linux 6.1 is 6, 1 */
};

/* Makes of a profile in Docker's format, or in the OCI's, the OCI `linux.seccomp` object: rules that are for other
 * capabilities, architectures or kernels are left out. Owned in *out. -EINVAL names what is wrong. */
int seccomp_profile(const char *text, const struct seccomp_host *host, json_t **out,
		    struct err *err) must_check;
