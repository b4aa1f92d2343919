/* SPDX-License-Identifier: Apache-2.0 */
/* Protection of the runtime's own binary from containers. */
#pragma once

/* Executes this program again from a read-only detached mount of itself, unless it runs from a
 * read-only mount already. Returns when that is so or cannot be had. */
void seal_self(char **argv);
