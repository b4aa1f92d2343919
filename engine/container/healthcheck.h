/* SPDX-License-Identifier: Apache-2.0 */
/* A container's health check: what a request and the image say together, and what the shim found. */
#pragma once

#include <stdbool.h>

#include "cleat/shim/v1/shim.pb-c.h"
#include "cleat/v1/config.pb-c.h"
#include "cleat/v1/containers.pb-c.h"
#include "engine.h"
#include "err.h"
#include "manifest.h"
#include "mem.h"
#include "spec.h"

/* Refuses what Docker refuses, and tests of another kind than NONE, CMD and CMD-SHELL: -EINVAL. Pure. */
int healthcheck_check(const Cleat__V1__HealthCheck *check, struct err *err) must_check;

/* Where the request is silent the image speaks. Containers of the engine itself have none. Pure. */
int healthcheck_apply(Cleat__V1__ContainerConfig *config, const struct image_health *image,
		      struct err *err) must_check;

/* What is run, as an owned array of borrowed strings; 0 words and NULL when there is no health check. */
int healthcheck_command(const Cleat__V1__ContainerConfig *config, char ***words,
			size_t *n) must_check;

/* The process object the shim runs, owned, for the user of the container; NULL without a health check. Pure. */
int healthcheck_process(const char *id, const Cleat__V1__ContainerConfig *config,
			const struct spec_user *user, char **json, struct err *err) must_check;

/* For ShimSpec. */
void healthcheck_spec(const Cleat__V1__ContainerConfig *config, Cleat__Shim__V1__HealthCheck *out);

/* The last results the shim has written, into a message; none when there is no file. */
int healthcheck_results(const struct engine *engine, const char *id,
			Cleat__V1__ContainerRuntimeState *out) must_check;
