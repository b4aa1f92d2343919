/* SPDX-License-Identifier: Apache-2.0 */
/* The default seccomp profile, with the facts of Docker's: an allow list, everything else EPERM (ENOSYS
 * for clone3 without CAP_SYS_ADMIN), and calls that come with a capability. */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "mem.h"

/* The OCI `linux.seccomp` object for a container with the capabilities in `caps` (bit n = capability
 * number n of capabilities(7)). Returns owned, NULL without memory. */
json_t *seccomp_default(uint64_t caps) must_check;
