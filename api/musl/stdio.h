/* SPDX-License-Identifier: Apache-2.0 */
/* musl's stdin, stdout and stderr are macros too, which forbids fields of these names. */
#pragma once

#include_next <stdio.h>

#undef stdin
#undef stdout
#undef stderr
