/* SPDX-License-Identifier: Apache-2.0 */
/* One table holds all words. Each carries both of the kernel's spellings: the MS_ flags of mount(2),
 * which mounts a file system in one call, and the MOUNT_ATTR_ flags of mount_setattr(2), which
 * changes a detached bind mount before anybody can see it. Words of access time exclude each other,
 * so each of them first clears the whole group. */
#include "mountopt.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>

enum action { SET, CLEAR, PROPAGATION, BIND, COPY_UP, IDMAP, IGNORE, REFUSE };

struct word {
	const char *name;
	enum action action;
	unsigned long flag;
	uint64_t attr;
};

#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif
#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif

static const struct word words[] = {
	{ "ro", SET, MS_RDONLY, MOUNT_ATTR_RDONLY },
	{ "rw", CLEAR, MS_RDONLY, MOUNT_ATTR_RDONLY },
	{ "nosuid", SET, MS_NOSUID, MOUNT_ATTR_NOSUID },
	{ "suid", CLEAR, MS_NOSUID, MOUNT_ATTR_NOSUID },
	{ "nodev", SET, MS_NODEV, MOUNT_ATTR_NODEV },
	{ "dev", CLEAR, MS_NODEV, MOUNT_ATTR_NODEV },
	{ "noexec", SET, MS_NOEXEC, MOUNT_ATTR_NOEXEC },
	{ "exec", CLEAR, MS_NOEXEC, MOUNT_ATTR_NOEXEC },
	{ "nosymfollow", SET, MS_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW },
	{ "symfollow", CLEAR, MS_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW },
	{ "noatime", SET, MS_NOATIME, MOUNT_ATTR_NOATIME },
	{ "atime", CLEAR, MS_NOATIME, MOUNT_ATTR_NOATIME },
	{ "strictatime", SET, MS_STRICTATIME, MOUNT_ATTR_STRICTATIME },
	{ "nostrictatime", CLEAR, MS_STRICTATIME, MOUNT_ATTR_STRICTATIME },
	{ "relatime", SET, MS_RELATIME, MOUNT_ATTR_RELATIME },
	{ "norelatime", CLEAR, MS_RELATIME, 0 },
	{ "nodiratime", SET, MS_NODIRATIME, MOUNT_ATTR_NODIRATIME },
	{ "diratime", CLEAR, MS_NODIRATIME, MOUNT_ATTR_NODIRATIME },
	{ "sync", SET, MS_SYNCHRONOUS, 0 },
	{ "async", CLEAR, MS_SYNCHRONOUS, 0 },
	{ "dirsync", SET, MS_DIRSYNC, 0 },
	{ "iversion", SET, MS_I_VERSION, 0 },
	{ "noiversion", CLEAR, MS_I_VERSION, 0 },
	{ "silent", SET, MS_SILENT, 0 },
	{ "loud", CLEAR, MS_SILENT, 0 },
	{ "mand", IGNORE, 0, 0 },
	{ "nomand", IGNORE, 0, 0 },
	{ "defaults", IGNORE, 0, 0 },
	{ "remount", REFUSE, 0, 0 },
	{ "idmap", IDMAP, 0, 0 },
	{ "ridmap", IDMAP, MS_REC, 0 },
	{ "bind", BIND, 0, 0 },
	{ "rbind", BIND, MS_REC, 0 },
	{ "copyup", COPY_UP, 0, 0 },
	{ "tmpcopyup", COPY_UP, 0, 0 },
	{ "private", PROPAGATION, MS_PRIVATE, 0 },
	{ "rprivate", PROPAGATION, MS_PRIVATE | MS_REC, 0 },
	{ "shared", PROPAGATION, MS_SHARED, 0 },
	{ "rshared", PROPAGATION, MS_SHARED | MS_REC, 0 },
	{ "slave", PROPAGATION, MS_SLAVE, 0 },
	{ "rslave", PROPAGATION, MS_SLAVE | MS_REC, 0 },
	{ "unbindable", PROPAGATION, MS_UNBINDABLE, 0 },
	{ "runbindable", PROPAGATION, MS_UNBINDABLE | MS_REC, 0 },
};

static const uint64_t atime_attrs = MOUNT_ATTR_NOATIME | MOUNT_ATTR_STRICTATIME;

static bool is_atime(const struct word *w)
{
	return w->flag == MS_NOATIME || w->flag == MS_STRICTATIME || w->flag == MS_RELATIME;
}

static void attr_apply(const struct word *w, uint64_t *set, uint64_t *clr)
{
	if (is_atime(w)) {
		*set &= ~atime_attrs;
		*clr |= MOUNT_ATTR__ATIME;
	}
	if (w->action == SET) {
		*set |= w->attr;
		if (!is_atime(w))
			*clr &= ~w->attr;
		return;
	}
	*set &= ~w->attr;
	if (!is_atime(w))
		*clr |= w->attr;
}

static int apply(struct mountopt *o, const struct word *w)
{
	switch (w->action) {
	case SET:
		if (is_atime(w))
			o->flags &= ~(unsigned long)(MS_NOATIME | MS_STRICTATIME | MS_RELATIME);
		o->flags |= w->flag;
		attr_apply(w, &o->attr_set, &o->attr_clr);
		return 0;
	case CLEAR:
		o->flags &= ~w->flag;
		attr_apply(w, &o->attr_set, &o->attr_clr);
		return 0;
	case PROPAGATION:
		o->propagation = w->flag;
		return 0;
	case BIND:
		o->bind = true;
		o->recursive = w->flag & MS_REC;
		return 0;
	case COPY_UP:
		o->copy_up = true;
		return 0;
	case IDMAP:
		o->idmap = true;
		o->recursive_idmap = w->flag & MS_REC;
		return 0;
	case IGNORE:
		return 0;
	case REFUSE:
		return -EOPNOTSUPP;
	}
	return -EINVAL;
}

static const struct word *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!strcmp(words[i].name, name))
			return &words[i];
	return NULL;
}

int mountopt_add(struct mountopt *o, const char *word, struct buf *data)
{
	const struct word *w = find(word);

	if (w)
		return apply(o, w);
	w = word[0] == 'r' ? find(word + 1) : NULL;
	if (w && w->action <= CLEAR && (w->attr || is_atime(w))) {
		attr_apply(w, &o->rec_set, &o->rec_clr);
		return 0;
	}
	if (!*word)
		return 0;
	if (data->len)
		buf_putc(data, ',');
	buf_puts(data, word);
	return data->error;
}
