/* SPDX-License-Identifier: Apache-2.0 */
#include "bindtext.h"

#include <string.h>

#include "msg.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t len);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	cleanup_free char *text = strndup((const char *)data, len);
	cleanup(msg_freep) Cleat__V1__Mount *m = msg_new(&cleat__v1__mount__descriptor);
	struct err err = ERR_NULL;

	if (text && m && bindtext_parse(text, m, &err) == 0 && m->target[0] != '/')
		abort();
	return 0;
}
