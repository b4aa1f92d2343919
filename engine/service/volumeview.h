/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes as messages. What was made until an error is in the message, for its owner to free. */
#pragma once

#include "cleat/v1/volumes.pb-c.h"
#include "engine.h"
#include "err.h"
#include "mem.h"
#include "volume/volume.h"

/* Copies. */
int volumeview_details(const struct engine *engine, const struct volume *volume,
		       Cleat__V1__VolumeDetails *out, struct err *err) must_check;
/* The same, appended to a list that has room. */
int volumeview_add(const struct engine *engine, const struct volume *volume,
		   Cleat__V1__VolumeDetails ***list, size_t *n, struct err *err) must_check;
