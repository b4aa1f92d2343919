/* SPDX-License-Identifier: Apache-2.0 */
#include "apparmor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fd.h"

static bool is_enabled(void)
{
	cleanup_fd int fd = open("/sys/module/apparmor/parameters/enabled", O_RDONLY | O_CLOEXEC);
	char answer = 'N';

	return fd >= 0 && read(fd, &answer, 1) == 1 && answer == 'Y';
}

int apparmor_open(const char *profile, int *proc, struct err *err)
{
	if (!profile || !profile[0])
		return 0;
	if (!is_enabled())
		return err_set(err, ERR_UNIMPLEMENTED,
			       "AppArmor profile %.100s: AppArmor is not enabled in this kernel",
			       profile);
	*proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return *proc < 0 ? err_sys(err, errno, "open /proc") : 0;
}

int apparmor_apply(const char *profile, int *proc, struct err *err)
{
	char text[512];
	int n = *proc < 0 ? 0 : snprintf(text, sizeof(text), "exec %s", profile);
	cleanup_fd int fd = -1;

	if (*proc < 0)
		return 0;
	/* since Linux 5.8 beside the attributes that belong to whichever module comes first */
	fd = openat(*proc, "thread-self/attr/apparmor/exec", O_WRONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		fd = openat(*proc, "thread-self/attr/exec", O_WRONLY | O_CLOEXEC);
	closep(proc);
	*proc = -1;
	if (fd < 0 || n >= (int)sizeof(text) || write(fd, text, (size_t)n) != n)
		return err_sys(err, n >= (int)sizeof(text) ? ENAMETOOLONG : errno,
			       "set the AppArmor profile %.100s%s", profile,
			       errno == ENOENT ? " (is it loaded?)" : "");
	return 0;
}
