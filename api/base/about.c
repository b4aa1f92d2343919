/* SPDX-License-Identifier: Apache-2.0 */
#include "about.h"

#include <stdio.h>
#include <string.h>

bool about(int argc, char **argv, const char *name, const char *usage)
{
	if (argc < 2)
		return false;
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		(void)fputs(usage, stdout);
		return true;
	}
	if (strcmp(argv[1], "--version") == 0) {
		(void)printf("%s %s\n", name, CLEAT_VERSION);
		return true;
	}
	return false;
}
