/* SPDX-License-Identifier: Apache-2.0 */
/* strerrordesc_np(3) for musl, whose strerror(3) is as it wants to be: thread-safe, untranslated. */
#pragma once

#include_next <string.h>

#define strerrordesc_np(errnum) strerror(errnum)
