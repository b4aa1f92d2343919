/* SPDX-License-Identifier: Apache-2.0 */
/* --filter of volume ls and volume prune. Values of a key are alternatives, keys add up; of labels every one must
 * hold, as in Docker. Pure. */
#pragma once

#include "cleat/v1/common.pb-c.h"
#include "err.h"
#include "mem.h"
#include "volume.h"

enum volumefilter_of { VOLUMEFILTER_LIST, VOLUMEFILTER_PRUNE };

/* -EINVAL for a key or value that is not there for this purpose. */
int volumefilter_check(Cleat__V1__Filter *const *filters, size_t n, enum volumefilter_of of,
		       struct err *err) must_check;
bool volumefilter_match(Cleat__V1__Filter *const *filters, size_t n, const struct volume *volume);
/* Of prune: whether the filter all= says so. */
bool volumefilter_all(Cleat__V1__Filter *const *filters, size_t n);
