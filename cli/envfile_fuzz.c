/* SPDX-License-Identifier: Apache-2.0 */
#include "envfile.h"

#include <stdint.h>

#include "mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int ignore(void *arg, const char *line, struct err *err)
{
	(void)err;
	*(char *)arg = line[0];
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char last;

	(void)!envfile_parse("file", (const char *)data, size, ignore, &last, NULL);
	return 0;
}
