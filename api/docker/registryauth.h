/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's AuthConfig: base64 JSON in X-Registry-Auth, or a body. Pure. */
#pragma once

#include <jansson.h>

#include "cleat/v1/common.pb-c.h"
#include "err.h"
#include "mem.h"

/* *out is owned (cleat__v1__registry_auth__free_unpacked). "" and "e30=" are nobody. -EINVAL. */
int registryauth_header(const char *header, Cleat__V1__RegistryAuth **out,
			struct err *err) must_check;
int registryauth_json(json_t *body, Cleat__V1__RegistryAuth **out, struct err *err) must_check;
