/* SPDX-License-Identifier: Apache-2.0 */
/* An event while it is put together, with Docker's attributes. Pure but for memory. */
#pragma once

#include <stdint.h>

#include "cleat/v1/system.pb-c.h"
#include "mem.h"
#include "record.h"

struct eventmsg {
	Cleat__V1__Event event; /* strings of type and actor are borrowed */
	int error;              /* 0, or the first -ENOMEM */
};
#define EVENTMSG_NULL ((struct eventmsg){ .event = CLEAT__V1__EVENT__INIT })

/* For cleanup(). */
void eventmsg_deinit(struct eventmsg *msg);
/* Of a container: its labels, image and name are attributes. Borrows record and action for the life of
 * the message. */
void eventmsg_container(struct eventmsg *msg, const struct record *record, const char *action,
			int64_t time_ns);
/* Of an image; `name` as users write it, "" = none. Borrows. */
void eventmsg_image(struct eventmsg *msg, const char *id, const char *name, const char *action,
		    int64_t time_ns);
/* Copies; a key there is already is kept as it is. */
void eventmsg_add(struct eventmsg *msg, const char *key, const char *value);
