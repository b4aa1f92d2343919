/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a volume can be made as a request wants it. Pure. */
#pragma once

#include "cleat/v1/volumes.pb-c.h"
#include "err.h"
#include "mem.h"

/* NULL when the request has no such option. Borrowed. */
const char *volumecheck_option(const Cleat__V1__CreateVolumeRequest *request, const char *key);

/* The option size, 0 when there is none. */
int volumecheck_size(const Cleat__V1__CreateVolumeRequest *request, uint64_t *bytes) must_check;

/* -EINVAL names what is wrong, -ENOENT a driver that is not there.
 * An empty name is fine. */
int volumecheck(const Cleat__V1__CreateVolumeRequest *request, struct err *err) must_check;

/* Whether the word is among the options o=, which are divided by commas. */
bool volumecheck_has(const Cleat__V1__CreateVolumeRequest *request, const char *word);
/* Its files are elsewhere and mounted (volumecheck_bind(), or a file system of its own). */
bool volumecheck_is_mounted(const Cleat__V1__CreateVolumeRequest *request);
/* The directory of the host that the volume is, when it is one; else NULL. Borrowed. */
const char *volumecheck_bind(const Cleat__V1__CreateVolumeRequest *request);

/* Whether the request, made again, means the volume that is there: one without options means any. */
bool volumecheck_same(const Cleat__V1__CreateVolumeRequest *there,
		      const Cleat__V1__CreateVolumeRequest *again);
