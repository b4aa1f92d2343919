/* SPDX-License-Identifier: Apache-2.0 */
/* What a container was created from, as its record has it. */
#pragma once

#include <stdbool.h>

#include "cleat/v1/containers.pb-c.h"
#include "err.h"
#include "mem.h"
#include "record.h"

typedef Cleat__V1__CreateContainerRequest create_request;

/* Owned, with a config; NULL with *err. */
create_request *request_of(const struct record *record, struct err *err) must_check;
/* Accepts a pointer to NULL. For cleanup(). */
void request_freep(create_request **request);

/* internal_is() of it. */
bool request_is_internal(const struct record *record);
