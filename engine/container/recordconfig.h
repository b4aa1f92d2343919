/* SPDX-License-Identifier: Apache-2.0 */
/* What a container was asked to be, out of its record. Pure. */
#pragma once

#include <stdbool.h>

#include "cleat/v1/containers.pb-c.h"
#include "mem.h"
#include "record.h"

/* Owned, with its config; NULL = it cannot be read, or no memory. */
Cleat__V1__CreateContainerRequest *recordconfig_read(const struct record *record) must_check;
/* Accepts a pointer to NULL. For cleanup(). */
void recordconfig_freep(Cleat__V1__CreateContainerRequest **request);

/* internal_is() of it. */
bool recordconfig_is_internal(const struct record *record);
