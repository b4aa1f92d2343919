/* SPDX-License-Identifier: Apache-2.0 */
#include "platformmsg.h"

#include <errno.h>

#include "msg.h"

int platformmsg_read(const char *text, struct platformmsg *out, Cleat__V1__Platform **message,
		     struct err *err)
{
	*message = NULL;
	if (!text || !text[0])
		return 0;
	int r = platform_parse(text, &out->parsed, err);

	if (r < 0)
		return r;
	cleat__v1__platform__init(&out->message);
	out->message.os = out->parsed.os;
	out->message.architecture = out->parsed.architecture;
	out->message.variant = out->parsed.variant;
	*message = &out->message;
	return 0;
}

int platformmsg_new(const char *text, Cleat__V1__Platform **message, struct err *err)
{
	struct platformmsg given;
	int r = platformmsg_read(text, &given, message, err);

	if (r < 0 || !*message)
		return r;
	cleanup(msg_freep) Cleat__V1__Platform *p = msg_new(&cleat__v1__platform__descriptor);

	*message = NULL;
	if (!p || !msg_set(&p->os, given.parsed.os) ||
	    !msg_set(&p->architecture, given.parsed.architecture) ||
	    !msg_set(&p->variant, given.parsed.variant))
		return err_sys(err, ENOMEM, "platform");
	*message = steal(&p);
	return 0;
}
