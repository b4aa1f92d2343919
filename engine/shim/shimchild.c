/* SPDX-License-Identifier: Apache-2.0 */
#include "shimchild.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"

struct child {
	struct list link;
	struct source source; /* its pidfd */
	struct loop *loop;    /* NULL = not watched yet */
	pid_t pid;
};

static void child_free(struct child *child)
{
	(void)waitpid(child->pid, NULL, WNOHANG);
	if (child->loop)
		loop_remove(child->loop, &child->source);
	list_remove(&child->link);
	close(child->source.fd);
	free(child);
}

static void child_ended(struct source *source, uint32_t events)
{
	(void)events;
	child_free(container_of(source, struct child, source));
}

void shimchildren_init(struct shimchildren *children)
{
	list_init(&children->fresh);
	list_init(&children->watched);
}

void shimchildren_deinit(struct shimchildren *children)
{
	struct child *child, *next;

	list_each_safe (child, next, &children->fresh, link)
		child_free(child);
	list_each_safe (child, next, &children->watched, link)
		child_free(child);
}

int shimchildren_add(struct shimchildren *children, pid_t pid)
{
	struct child *child = calloc(1, sizeof(*child));
	int fd = child ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;

	if (fd < 0) {
		free(child);
		return -ENOMEM;
	}
	child->source = (struct source){ .fd = fd, .ready = child_ended };
	child->pid = pid;
	list_init(&child->link);
	list_append(&children->fresh, &child->link);
	return 0;
}

void shimchildren_watch(struct shimchildren *children, struct loop *loop)
{
	struct child *child, *next;

	list_each_safe (child, next, &children->fresh, link) {
		list_remove(&child->link);
		list_append(&children->watched, &child->link);
		child->loop = loop;
		if (loop_add(loop, &child->source, EPOLLIN) < 0)
			log_error("cannot watch a shim pid=%d", child->pid);
	}
}
