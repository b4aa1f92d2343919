/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "baseimage.h"
#include "work.h"

static int open_context(const struct build *b, struct err *err)
{
	int fd = b->context_fd < 0 ? -1 : fcntl(b->context_fd, F_DUPFD_CLOEXEC, 0);

	if (b->context_fd < 0)
		return err_set(err, ERR_INVALID, "there is no build context to take files from");
	return fd < 0 ? err_sys(err, errno, "build") : fd;
}

static int open_image(struct work *w, const char *name, struct key *key, struct err *err)
{
	cleanup(stack_deinit) struct stack stack = { 0 };
	cleanup(imagedoc_deinit) struct imagedoc image = IMAGEDOC_NULL;
	int r = baseimage_open(w->build, name, NULL, &image, &stack, err);

	if (r < 0)
		return r;
	key_add_list(key, "from", stack.layers.v, stack.layers.n);
	return stack_root(&stack, err);
}

int origin_open(struct work *w, const char *from, struct key *key, struct err *err)
{
	struct build *b = w->build;
	int stage = from ? plan_find(&b->plan, from, w->number) : PLAN_NONE;

	if (!from)
		return open_context(b, err);
	if (stage == PLAN_NONE)
		return open_image(w, from, key, err);
	const struct stack *stack = &b->stages[stage].stack;

	if (!b->plan.v[w->number].needs[stage])
		return err_set(err, ERR_UNIMPLEMENTED,
			       "an ONBUILD trigger takes files from the stage \"%.60s\", which "
			       "nothing else here does",
			       from);

	key_add_list(key, "from", stack->layers.v, stack->layers.n);
	return stack_root(stack, err);
}
