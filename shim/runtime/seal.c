/* SPDX-License-Identifier: Apache-2.0 */
/* A process that enters a container can be tricked into executing /proc/self/exe, that is, the
 * host's runtime binary; from then on the container reaches that file through /proc/PID/exe and may
 * write to it once it no longer runs (CVE-2019-5736). Run from a mount that is read-only and in
 * nobody's namespace, there is no way to write. A caller that starts the runtime from such a mount
 * spares it the second execve. */
#include "seal.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "fd.h"
#include "mem.h"

void seal_self(char **argv)
{
	struct statvfs fs;

	if (statvfs("/proc/self/exe", &fs) || fs.f_flag & ST_RDONLY)
		return;
	cleanup_fd int fd = fd_open_sealed("/proc/self/exe");
	if (fd >= 0)
		(void)execveat(fd, "", argv, environ, AT_EMPTY_PATH);
}
