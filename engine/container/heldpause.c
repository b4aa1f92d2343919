/* SPDX-License-Identifier: Apache-2.0 */
/* The lock is the kernel's and ends with the process; the file stays, and a new engine finds it without one. */
#include "heldpause.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fd.h"
#include "lifecycle.h"
#include "log.h"
#include "status.h"

enum { NAME_MAX_BYTES = 80 };

static void mark_of(const struct record *record, char out[NAME_MAX_BYTES])
{
	(void)snprintf(out, NAME_MAX_BYTES, "%.64s/held", record->id);
}

static void unmark(const struct engine *engine, const struct record *record, int held)
{
	char name[NAME_MAX_BYTES];

	mark_of(record, name);
	(void)unlinkat(engine->containers_fd, name, 0);
	close(held);
}

/* Who had the lock before has taken the file away. */
static int mark(const struct engine *engine, const struct record *record)
{
	char name[NAME_MAX_BYTES];
	struct stat st;
	int fd;

	mark_of(record, name);
	while ((fd = fd_lock_file(engine->containers_fd, name, true)) >= 0 && fstat(fd, &st) == 0 &&
	       st.st_nlink == 0)
		close(fd);
	return fd;
}

int heldpause_begin(struct engine *engine, const struct record *record, struct err *err)
{
	struct err own = ERR_NULL;
	struct status status;
	int held = mark(engine, record);

	if (held < 0)
		return err_sys(err, held, "pause container %.12s", record->id);
	status_read(engine, record, &status);
	int r = status.state == CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_RUNNING
			? lifecycle_pause(engine, record->id, "", true, &own)
			: -ENOENT;

	if (r == 0)
		return held;
	unmark(engine, record, held);
	/* paused by somebody else meanwhile, or ended */
	if (r == -ENOENT || own.code == ERR_PRECONDITION)
		return -ENOENT;
	if (err)
		*err = own;
	return r;
}

static void let_go(struct engine *engine, const struct record *record)
{
	struct err err = ERR_NULL;

	if (lifecycle_pause(engine, record->id, "", false, &err) < 0 &&
	    err.code != ERR_PRECONDITION)
		log_warn("not resumed id=%.12s: %s", record->id, err.message);
}

void heldpause_end(struct engine *engine, const struct record *record, int held)
{
	let_go(engine, record);
	unmark(engine, record, held);
}

void heldpause_sweep(struct engine *engine, const struct record *record)
{
	char name[NAME_MAX_BYTES];

	mark_of(record, name);
	int held = fd_lock_existing(engine->containers_fd, name, false);

	if (held >= 0)
		heldpause_end(engine, record, held);
}
