/* SPDX-License-Identifier: Apache-2.0 */
/* Intrusive doubly linked list. A head and a detached node both point to themselves, so that
 * list_remove() of a node that is in no list is a no-op. Never allocates, never fails. */
#pragma once

#include <stdbool.h>

#include "mem.h"

struct list {
	struct list *prev, *next;
};

#define LIST_INIT(name)          \
	{                        \
		&(name), &(name) \
	}

static inline void list_init(struct list *l)
{
	l->prev = l->next = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

/* Puts `node` (detached) before `at`; with the head as `at` that is the end of the list. */
static inline void list_insert(struct list *at, struct list *node)
{
	node->prev = at->prev;
	node->next = at;
	at->prev->next = node;
	at->prev = node;
}

static inline void list_append(struct list *head, struct list *node)
{
	list_insert(head, node);
}

/* Detaches `node`; fine when it is detached already. */
static inline void list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

#define list_first(head, type, member) \
	(list_empty(head) ? NULL : container_of((head)->next, type, member))

#define list_each(it, head, member)                                                           \
	for (it = container_of((head)->next, __typeof__(*it), member); &it->member != (head); \
	     it = container_of(it->member.next, __typeof__(*it), member))

/* As list_each, but `it` may be removed and freed in the body; `tmp` is of the same type. */
#define list_each_safe(it, tmp, head, member)                             \
	for (it = container_of((head)->next, __typeof__(*it), member),    \
	    tmp = container_of(it->member.next, __typeof__(*it), member); \
	     &it->member != (head);                                       \
	     it = tmp, tmp = container_of(tmp->member.next, __typeof__(*tmp), member))
