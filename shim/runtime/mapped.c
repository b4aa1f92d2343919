/* SPDX-License-Identifier: Apache-2.0 */
#include "mapped.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>

#include "fd.h"
#include "overlay.h"
#include "userns.h"

int mapped_tree(int tree, int userns, bool recursive, const char *what, struct err *err)
{
	int r = userns_map_mount(tree, userns, recursive);

	if (r == -EINVAL)
		return err_set(err, ERR_PRECONDITION,
			       "%s: the file system it is on, or one below it, takes no id-mapped "
			       "mounts",
			       what);
	return r ? err_sys(err, r, "map the ids of %s", what) : 0;
}

int mapped_copy(int at, const char *path, int userns, const char *what, struct err *err)
{
	cleanup_fd int tree =
		open_tree(at, path, (unsigned)AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	int r = tree < 0 ? err_sys(err, errno, "open %s", what)
			 : mapped_tree(tree, userns, false, what, err);

	return r ? r : steal_fd(&tree);
}

void mapped_layers_deinit(struct mapped_layers *l)
{
	for (size_t i = 0; l->fds && i < l->n; i++)
		closep(&l->fds[i]);
	free(l->fds);
	free(l->names);
	free(l->lower);
}

static int map_one(struct mapped_layers *l, const char *entry, int userns, struct err *err)
{
	int fd, r = overlay_layer_fd(entry, &fd, err), tree;

	if (r)
		return r;
	tree = mapped_copy(fd >= 0 ? fd : AT_FDCWD, fd >= 0 ? "" : entry, userns, entry, err);
	if (tree < 0)
		return tree;
	(void)snprintf(l->names[l->n], sizeof(l->names[l->n]), "fd:%d", tree);
	l->lower[l->n] = l->names[l->n];
	l->fds[l->n++] = tree;
	return 0;
}

int mapped_layers_open(struct mapped_layers *l, const struct plan_strings *lower, int userns,
		       struct err *err)
{
	int r = 0;

	l->fds = calloc(lower->n + 1, sizeof(*l->fds));
	l->names = calloc(lower->n + 1, sizeof(*l->names));
	l->lower = calloc(lower->n + 1, sizeof(*l->lower));
	if (!l->fds || !l->names || !l->lower)
		return err_sys(err, ENOMEM, "map the layers");
	while (!r && l->n < lower->n) {
		if (userns >= 0) {
			r = map_one(l, lower->item[l->n], userns, err);
			continue;
		}
		l->fds[l->n] = -1;
		l->lower[l->n] = lower->item[l->n];
		l->n++;
	}
	return r;
}
