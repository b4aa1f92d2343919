/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/magic.h>
#include <sys/vfs.h>

#include "pack.h"

bool kernelfs_at(int fd)
{
	static const __typeof__(((struct statfs *)NULL)->f_type) types[] = {
		PROC_SUPER_MAGIC, SYSFS_MAGIC,    CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC,
		SECURITYFS_MAGIC, DEBUGFS_MAGIC,  TRACEFS_MAGIC,      BPF_FS_MAGIC,
		EFIVARFS_MAGIC,   PSTOREFS_MAGIC, SELINUX_MAGIC,      NSFS_MAGIC,
		BINFMTFS_MAGIC,
	};
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (fs.f_type == types[i])
			return true;
	return false;
}
