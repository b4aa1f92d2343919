/* SPDX-License-Identifier: Apache-2.0 */
/* Containers as lists, inspect and top show them: store rows and status files only, no lock, no call
 * to a shim. Replies are filled with owned memory, as the runtime frees them. */
#pragma once

#include "cleat/v1/containers.pb-c.h"
#include "engine.h"
#include "err.h"
#include "mem.h"

int view_list(struct engine *engine, const Cleat__V1__ListContainersRequest *request,
	      Cleat__V1__ListContainersReply *reply, struct err *err) must_check;
int view_inspect(struct engine *engine, const char *reference,
		 Cleat__V1__InspectContainerReply *reply, struct err *err) must_check;
int view_top(struct engine *engine, const Cleat__V1__TopContainerRequest *request,
	     Cleat__V1__TopContainerReply *reply, struct err *err) must_check;

struct view_counts {
	uint32_t all, running, paused;
};
int view_count(struct engine *engine, struct view_counts *counts, struct err *err) must_check;
