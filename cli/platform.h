/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cleat/v1/common.pb-c.h"

/* "os[/architecture[/variant]]" as a message, owned; what is left out is empty: any. NULL = no memory. Pure. */
Cleat__V1__Platform *platform_new(const char *text);
