/* SPDX-License-Identifier: Apache-2.0 */
/* An event while it is put together, with Docker's attributes. Pure but for memory. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "cleat/v1/system.pb-c.h"
#include "mem.h"
#include "record.h"

struct eventmsg {
	Cleat__V1__Event event; /* strings of type and actor are borrowed */
	int error;              /* 0, or the first -ENOMEM */
	bool internal;          /* of a container that the engine made for itself: told to nobody */
};
#define EVENTMSG_NULL ((struct eventmsg){ .event = CLEAT__V1__EVENT__INIT })

/* For cleanup(). */
void eventmsg_deinit(struct eventmsg *msg);
/* Of any object; borrows the texts for the life of the message. */
void eventmsg_begin(struct eventmsg *msg, const char *type, const char *id, const char *action,
		    int64_t time_ns);
/* Of a container: its labels, image and name are attributes. Borrows record and action for the life of
 * the message. */
void eventmsg_container(struct eventmsg *msg, const struct record *record, const char *action,
			int64_t time_ns);
/* Of a volume of the driver local. Borrows. */
void eventmsg_volume(struct eventmsg *msg, const char *name, const char *action, int64_t time_ns);
/* Of a network; `container` is the one that enters or leaves it, "" = none. Borrows id and action. */
void eventmsg_network(struct eventmsg *msg, const char *id, const char *name, const char *type,
		      const char *container, const char *action, int64_t time_ns);
/* Copies; a key there is already is kept as it is. */
void eventmsg_add(struct eventmsg *msg, const char *key, const char *value);
/* Appends an exec's command to its action, as dockerd writes it: ": sh -c x", and ": true " without arguments. */
void eventmsg_command(struct buf *text, char *const *command, size_t n);
