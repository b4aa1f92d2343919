/* SPDX-License-Identifier: Apache-2.0 */
/* What of /proc and /sys a container cannot see, or not change, unless it is told otherwise: lists ended by NULL. */
#pragma once

extern const char *const systempaths_masked[], *const systempaths_readonly[];
