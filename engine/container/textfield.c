/* SPDX-License-Identifier: Apache-2.0 */
#include "textfield.h"

#include <errno.h>
#include <protobuf-c/protobuf-c.h>
#include <stdlib.h>

int textfield_set(char **field, char *text)
{
	if (!text)
		return -ENOMEM;
	if (*field != protobuf_c_empty_string)
		free(*field);
	*field = text;
	return 0;
}
