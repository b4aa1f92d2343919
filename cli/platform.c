/* SPDX-License-Identifier: Apache-2.0 */
#include "platform.h"

#include "mem.h"
#include "msg.h"
#include "str.h"

Cleat__V1__Platform *platform_new(const char *text)
{
	cleanup(msg_freep) Cleat__V1__Platform *p = msg_new(&cleat__v1__platform__descriptor);
	cleanup_free char *copy = strdup(text);
	char *rest = copy, *os = strsep(&rest, "/"), *architecture = strsep(&rest, "/");

	if (!p || !copy || !msg_set(&p->os, os) ||
	    !msg_set(&p->architecture, str_or_empty(architecture)) ||
	    !msg_set(&p->variant, str_or_empty(rest)))
		return NULL;
	return steal(&p);
}
