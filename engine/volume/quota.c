/* SPDX-License-Identifier: Apache-2.0 */
#include "quota.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fd.h"
#include "log.h"

/* Low ones are those people give by hand (projid(5)). */
enum { PROJECT_MIN = 1 << 20, ATTEMPTS = 16 };

/* Linux 5.14; by descriptor, as there may be no path of a block device. */
static int quota(int at, unsigned int command, uint32_t project, struct if_dqblk *limits)
{
	command = command << SUBCMDSHIFT | PRJQUOTA; /* QCMD() shifts into the sign */
	return syscall(SYS_quotactl_fd, at, command, project, limits) < 0 ? -errno : 0;
}

static int set(int at, uint32_t project, uint64_t bytes)
{
	struct if_dqblk limits = { .dqb_valid = QIF_BLIMITS };

	limits.dqb_bhardlimit = bytes / QIF_DQBLKSIZE + (bytes % QIF_DQBLKSIZE != 0);
	limits.dqb_bsoftlimit = limits.dqb_bhardlimit;
	return quota(at, Q_SETQUOTA, project, &limits);
}

/* 1 = nobody has it. */
static int is_free(int at, uint32_t project)
{
	struct if_dqblk found = { 0 };
	int r = quota(at, Q_GETQUOTA, project, &found);

	if (r == -ENOENT)
		return 1;
	return r < 0 ? r : !found.dqb_bhardlimit && !found.dqb_curspace && !found.dqb_curinodes;
}

/* A project that nobody has, as -errno or by its number. */
static int64_t find_free(int at)
{
	uint32_t project;

	for (int i = 0; i < ATTEMPTS; i++) {
		if (getrandom(&project, sizeof(project), 0) < 0)
			return -errno;
		project = (project & INT32_MAX) | PROJECT_MIN;
		int r = is_free(at, project);

		if (r)
			return r < 0 ? r : (int64_t)project;
	}
	return -EBUSY;
}

static int join(int dir, uint32_t project)
{
	struct fsxattr attributes;

	if (ioctl(dir, FS_IOC_FSGETXATTR, &attributes) < 0)
		return -errno;
	attributes.fsx_projid = project;
	attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
	return ioctl(dir, FS_IOC_FSSETXATTR, &attributes) < 0 ? -errno : 0;
}

int quota_limit(const int *dirs, size_t n, uint64_t bytes, struct err *err)
{
	int64_t project = find_free(dirs[0]);
	int r = project < 0 ? (int)project : set(dirs[0], (uint32_t)project, bytes);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = join(dirs[i], (uint32_t)project);
	if (r < 0 && project > 0)
		quota_forget(dirs[0], (uint32_t)project);
	if (r == -ENOSYS || r == -ENOTTY || r == -EOPNOTSUPP || r == -ESRCH || r == -ENOTBLK ||
	    r == -ENODEV)
		return err_reason(err, ERR_INVALID, "QUOTA_UNSUPPORTED",
				  "quota size requested but no quota support: the file system of "
				  "the state directory has no project quotas (ext4 or XFS mounted "
				  "with prjquota)");
	return r < 0 ? err_sys(err, r, "set the quota") : 0;
}

uint32_t quota_project(int at, const char *path)
{
	cleanup_fd int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct fsxattr attributes = { 0 };

	if (fd < 0 || ioctl(fd, FS_IOC_FSGETXATTR, &attributes) < 0 ||
	    !(attributes.fsx_xflags & FS_XFLAG_PROJINHERIT) || attributes.fsx_projid < PROJECT_MIN)
		return 0;
	return attributes.fsx_projid;
}

void quota_forget(int at, uint32_t project)
{
	int r = project ? set(at, project, 0) : 0;

	if (r < 0)
		log_warn("a quota remains project=%u error=%d", project, -r);
}
