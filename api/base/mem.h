/* SPDX-License-Identifier: Apache-2.0 */
/* Scope-bound ownership: every owning local is declared with a cleanup attribute and handed over
 * with steal(). Everything here is inline; nothing allocates. */
#pragma once

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* The struct of type `type` whose member `member` is at `ptr`. */
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define cleanup(fn)  __attribute__((cleanup(fn)))
#define cleanup_free cleanup(freep)
#define cleanup_fd   cleanup(closep)

#define must_check             __attribute__((warn_unused_result))
#define printf_like(fmt, args) __attribute__((format(printf, fmt, args)))

/* The value of *pp; *pp becomes NULL. Hands an owning local over to the caller. */
#define steal(pp)                                       \
	__extension__({                                 \
		__typeof__(*(pp)) steal_value_ = *(pp); \
		*(pp) = NULL;                           \
		steal_value_;                           \
	})

/* The same for descriptors: *fdp becomes -1. */
static inline int steal_fd(int *fdp)
{
	int fd = *fdp;

	*fdp = -1;
	return fd;
}

static inline void freep(void *pp)
{
	free(*(void **)pp);
}

static inline void closep(const int *fdp)
{
	if (*fdp >= 0)
		close(*fdp);
}
