/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "fd.h"
#include "str.h"

static const char *const dirs[] = { "base/etc",        "base/dev/pts", "base/dev/shm",
				    "base/dev/mqueue", "base/proc",    "base/sys" };
static const char *const files[] = { "base/etc/hostname", "base/etc/hosts",
				     "base/etc/resolv.conf" };

int base_make(const struct engine *engine, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(dirs); i++)
		r = fd_mkdir_all(engine->state_fd, dirs[i], 0755);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(files); i++) {
		cleanup_fd int fd =
			openat(engine->state_fd, files[i], O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

		r = fd < 0 ? -errno : 0;
	}
	return r < 0 ? err_sys(err, r, "make the base layer in %s", engine->state_dir) : 0;
}

char *base_path(const struct engine *engine)
{
	return str_path(engine->state_dir, "base");
}
