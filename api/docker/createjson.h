/* SPDX-License-Identifier: Apache-2.0 */
/* The body of Docker's POST /containers/create as a request of ours. Pure. */
#pragma once

#include <jansson.h>

#include "cleat/v1/containers.pb-c.h"
#include "cleat/v1/exec.pb-c.h"
#include "err.h"
#include "mem.h"

/* The runtime's name where a container was given none. */
#define CREATEJSON_DEFAULT_RUNTIME "cleat-oci"

/* `body` is borrowed; *out is owned (cleat__v1__create_container_request__free_unpacked). null, "" and
 * absent mean "the image's" or "the default". -EINVAL names the field; fields that ask for what cleat has
 * no word for are refused the same way. */
int createjson_parse(json_t *body, const char *name, Cleat__V1__CreateContainerRequest **out,
		     struct err *err) must_check;
/* [{"Name": "nofile", "Soft": 1, "Hard": 2}] into an empty list; what is there after an error is owned too. */
int createjson_ulimits(json_t *list, Cleat__V1__Ulimit ***out, size_t *n,
		       struct err *err) must_check;
/* The body of POST /containers/ID/update. */
int createjson_parse_update(json_t *body, const char *container,
			    Cleat__V1__UpdateContainerRequest **out, struct err *err) must_check;
/* The body of POST /containers/ID/exec. */
int createjson_parse_exec(json_t *body, const char *container, Cleat__V1__CreateExecRequest **out,
			  struct err *err) must_check;
