/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of spec.c, each in a file of its own. Private to the spec. All return 0 or -errno with *err
 * set and add to the JSON tree given. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "spec.h"

/* process: args, env, cwd, user, capabilities, rlimits. spec_process.c */
int spec_process(const struct spec_input *in, json_t *process, struct err *err) must_check;
/* The container's capabilities as bits. */
int spec_caps(const Cleat__V1__ContainerConfig *config, uint64_t *caps, struct err *err) must_check;
/* Number of a capability by its name, with or without CAP_; -1. */
int spec_cap_number(const char *name);
/* The option of a bind that says which directory or file below its source is meant; the runtime looks for it at each
 * start without letting a link lead out of the source. */
#define SPEC_SUBPATH "x-cleat.subpath="
/* The option of a bind that says which mount namespace its source is of. */
#define SPEC_MOUNT_NS "x-cleat.mntns="
/* The type of a mount whose source names layers; it may have the option of a subpath. */
#define SPEC_LAYERS "dev.cleat.layers"

/* mounts: the default ones, then the request's. spec_mounts.c */
int spec_mounts(const struct spec_input *in, json_t *mounts, struct err *err) must_check;
/* devices of the linux section, and the rules for them in its resources. spec_devices.c */
int spec_devices(const struct spec_input *in, json_t *linux_, json_t *resources,
		 struct err *err) must_check;
/* resources: memory, cpu, pids, blockIO. spec_resources.c */
int spec_resources(const struct spec_input *in, json_t *resources, struct err *err) must_check;

/* What --security-opt says. spec_security.c */
struct spec_security {
	bool no_new_privileges, seccomp_unconfined;
	const char *seccomp;   /* the text of a profile, borrowed; NULL = the default one */
	bool paths_unconfined; /* neither masked nor read-only paths */
	const char *apparmor;  /* a profile, borrowed; NULL = none */
};
int spec_security(const Cleat__V1__ContainerConfig *config, struct spec_security *out,
		  struct err *err) must_check;
