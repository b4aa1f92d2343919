/* SPDX-License-Identifier: Apache-2.0 */
/* What every program answers about itself. */
#pragma once

#include <stdbool.h>

#include "mem.h"

/* Whether the first argument was --help or --version, which is then answered on standard output: by the usage (lines
 * with their ends), or by the program's name and version. */
bool about(int argc, char **argv, const char *name, const char *usage) must_check;
