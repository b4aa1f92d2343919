/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for a process that lives for milliseconds: many small objects out of a few large pieces, given
 * back by the end of the process. Not for threads. The two functions have the types of malloc and free. */
#pragma once

#include <stddef.h>

/* n bytes aligned for any object; NULL when there is no memory. */
void *arena_take(size_t n);

/* Does nothing. */
void arena_keep(void *p);
