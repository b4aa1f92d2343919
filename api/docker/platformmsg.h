/* SPDX-License-Identifier: Apache-2.0 */
/* A platform as people write it (platform.h) as the message of a request. Pure. */
#pragma once

#include "cleat/v1/common.pb-c.h"
#include "err.h"
#include "mem.h"
#include "platform.h"

struct platformmsg {
	struct platform parsed;
	Cleat__V1__Platform message; /* borrows from parsed */
};

/* *message is that of *out, or NULL when `text` is NULL or "". -EINVAL. */
int platformmsg_read(const char *text, struct platformmsg *out, Cleat__V1__Platform **message,
		     struct err *err) must_check;
/* The same, owned by who frees the message it is put into. */
int platformmsg_new(const char *text, Cleat__V1__Platform **message, struct err *err) must_check;
