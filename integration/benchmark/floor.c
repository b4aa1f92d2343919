/* SPDX-License-Identifier: Apache-2.0 */
/* The floor nothing can beat: `floor exec` forks and execs a static `true`; `floor sandbox ROOTFS` does so
 * in six new namespaces on an overlay of ROOTFS with the usual mounts, and nothing more. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(int ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
		_exit(1);
	}
}

static void enter_root(const char *rootfs)
{
	char options[1024];

	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "make / private");
	must(mount("tmpfs", "/mnt", "tmpfs", 0, NULL) == 0, "tmpfs");
	must(mkdir("/mnt/u", 0755) == 0 && mkdir("/mnt/w", 0755) == 0 && mkdir("/mnt/m", 0755) == 0,
	     "mkdir");
	snprintf(options, sizeof(options), "lowerdir=%s,upperdir=/mnt/u,workdir=/mnt/w", rootfs);
	must(mount("overlay", "/mnt/m", "overlay", 0, options) == 0, "overlay");
	must(mount("proc", "/mnt/m/proc", "proc", 0, NULL) == 0, "proc");
	must(mount("sysfs", "/mnt/m/sys", "sysfs", MS_RDONLY, NULL) == 0, "sysfs");
	must(mount("tmpfs", "/mnt/m/dev", "tmpfs", 0, NULL) == 0, "dev");
	must(chdir("/mnt/m") == 0 && syscall(SYS_pivot_root, ".", ".") == 0, "pivot_root");
	must(umount2(".", MNT_DETACH) == 0, "umount");
}

static pid_t spawn(uint64_t flags)
{
	struct clone_args args = { .flags = flags, .exit_signal = SIGCHLD };

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

int main(int argc, char **argv)
{
	int sandbox = argc == 3 && strcmp(argv[1], "sandbox") == 0, status;
	uint64_t flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
			 CLONE_NEWCGROUP;
	pid_t pid = spawn(sandbox ? flags : 0);

	must(pid >= 0, "clone3");
	if (pid == 0) {
		if (sandbox)
			enter_root(argv[2]);
		execl("/bin/busybox", "true", (char *)NULL);
		must(0, "exec");
	}
	must(waitpid(pid, &status, 0) == pid, "waitpid");
	return WEXITSTATUS(status);
}
