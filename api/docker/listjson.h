/* SPDX-License-Identifier: Apache-2.0 */
/* Items of Docker's lists and streams. Pure. Each returns an owned object, NULL without memory. */
#pragma once

#include <jansson.h>

#include "cleat/v1/containers.pb-c.h"
#include "cleat/v1/exec.pb-c.h"
#include "cleat/v1/images.pb-c.h"
#include "cleat/v1/system.pb-c.h"
#include "cleat/v1/volumes.pb-c.h"

json_t *listjson_container(const Cleat__V1__ContainerSummary *container);
json_t *listjson_history(const Cleat__V1__ImageHistoryReply__Entry *entry);
json_t *listjson_image(const Cleat__V1__ImageSummary *image);
json_t *listjson_cache(const Cleat__V1__DiskUsageReply__CacheUsage *cache);
json_t *listjson_volume(const Cleat__V1__VolumeDetails *volume);
json_t *listjson_event(const Cleat__V1__Event *event);
json_t *listjson_exec(const Cleat__V1__ExecDetails *exec);
json_t *listjson_info(const Cleat__V1__InfoReply *info);
