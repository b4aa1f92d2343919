/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of names, turned into OCI rules. Calls behind a capability are one row each in a table; the few
 * with conditions on arguments are written out. Names the kernel or libseccomp does not know are ignored
 * by the runtime. */
#include "seccomp.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>

static const char allowed[] =
	"accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod chown "
	"chown32 "
	"clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime "
	"clock_gettime64 "
	"clock_nanosleep clock_nanosleep_time64 close close_range connect copy_file_range creat "
	"dup dup2 "
	"dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 "
	"epoll_wait "
	"epoll_wait_old eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2 "
	"fadvise64 "
	"fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchown32 "
	"fchownat "
	"fcntl fcntl64 fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat "
	"fstat64 "
	"fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futex futex_requeue futex_time64 "
	"futex_wait futex_waitv futex_wake futimesat getcpu getcwd getdents getdents64 getegid "
	"getegid32 "
	"geteuid geteuid32 getgid getgid32 getgroups getgroups32 getitimer getpeername getpgid "
	"getpgrp "
	"getpid getppid getpriority getrandom getresgid getresgid32 getresuid getresuid32 "
	"getrlimit "
	"get_robust_list getrusage getsid getsockname getsockopt get_thread_area gettid "
	"gettimeofday "
	"getuid getuid32 getxattr inotify_add_watch inotify_init inotify_init1 inotify_rm_watch "
	"io_cancel "
	"ioctl io_destroy io_getevents io_pgetevents io_pgetevents_time64 ioprio_get ioprio_set "
	"io_setup "
	"io_submit ipc kill landlock_add_rule landlock_create_ruleset landlock_restrict_self "
	"lchown "
	"lchown32 lgetxattr link linkat listen listxattr llistxattr _llseek lremovexattr lseek "
	"lsetxattr "
	"lstat lstat64 madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mkdir "
	"mkdirat "
	"mknod mknodat mlock mlock2 mlockall mmap mmap2 mprotect mq_getsetattr mq_notify mq_open "
	"mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink mremap "
	"msgctl "
	"msgget msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at nanosleep "
	"newfstatat "
	"_newselect open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc "
	"pkey_free "
	"pkey_mprotect poll ppoll ppoll_time64 prctl pread64 preadv preadv2 prlimit64 "
	"process_mrelease "
	"pselect6 pselect6_time64 pwrite64 pwritev pwritev2 read readahead readlink readlinkat "
	"readv recv "
	"recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages removexattr rename renameat "
	"renameat2 "
	"restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo "
	"rt_sigreturn "
	"rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_getaffinity "
	"sched_getattr sched_getparam sched_get_priority_max sched_get_priority_min "
	"sched_getscheduler "
	"sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr "
	"sched_setparam sched_setscheduler sched_yield seccomp select semctl semget semop "
	"semtimedop "
	"semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg sendto setfsgid setfsgid32 "
	"setfsuid "
	"setfsuid32 setgid setgid32 setgroups setgroups32 setitimer setpgid setpriority setregid "
	"setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit "
	"set_robust_list setsid setsockopt set_thread_area set_tid_address setuid setuid32 "
	"setxattr shmat "
	"shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 sigprocmask sigreturn "
	"socketcall "
	"socketpair splice stat stat64 statfs statfs64 statx symlink symlinkat sync "
	"sync_file_range "
	"syncfs sysinfo tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime "
	"timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime "
	"timerfd_gettime64 "
	"timerfd_settime timerfd_settime64 times tkill truncate truncate64 ugetrlimit umask uname "
	"unlink "
	"unlinkat uretprobe utime utimensat utimensat_time64 utimes vfork vmsplice wait4 waitid "
	"waitpid "
	"write writev arch_prctl modify_ldt process_vm_readv process_vm_writev ptrace";

static const struct {
	int cap;
	const char *names;
} by_capability[] = {
	{ CAP_DAC_READ_SEARCH, "open_by_handle_at" },
	{ CAP_SYS_ADMIN,
	  "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount "
	  "mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname "
	  "sethostname setns syslog umount umount2 unshare" },
	{ CAP_SYS_BOOT, "reboot" },
	{ CAP_SYS_CHROOT, "chroot" },
	{ CAP_SYS_MODULE, "delete_module init_module finit_module" },
	{ CAP_SYS_PACCT, "acct" },
	{ CAP_SYS_PTRACE, "kcmp pidfd_getfd process_madvise" },
	{ CAP_SYS_RAWIO, "iopl ioperm" },
	{ CAP_SYS_TIME, "settimeofday stime clock_settime clock_settime64" },
	{ CAP_SYS_TTY_CONFIG, "vhangup" },
	{ CAP_SYS_NICE, "get_mempolicy mbind set_mempolicy set_mempolicy_home_node" },
	{ CAP_SYSLOG, "syslog" },
	{ CAP_BPF, "bpf" },
	{ CAP_PERFMON, "perf_event_open" },
};

/* Namespace flags of clone(2): a container without CAP_SYS_ADMIN may not make any. */
static const uint64_t namespace_flags = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
					CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP;

/* personality(2): the values Docker allows. */
static const uint64_t personalities[] = { 0x0, 0x8, 0x20000, 0x20008, 0xffffffff };

static bool has(uint64_t caps, int cap)
{
	return caps >> cap & 1;
}

static json_t *names_of(const char *list)
{
	json_t *names = json_array();

	while (names && *list) {
		size_t n = strcspn(list, " ");

		if (json_array_append_new(names, json_stringn(list, n)) < 0) {
			json_decref(names);
			return NULL;
		}
		list += n + (list[n] == ' ');
	}
	return names;
}

static int add_rule(json_t *rules, const char *names, const char *action, json_t *args)
{
	json_t *list = names_of(names);
	json_t *rule = list ? json_pack("{s:o, s:s}", "names", list, "action", action) : NULL;

	if (!rule || (args && json_object_set_new(rule, "args", args) < 0)) {
		json_decref(rule);
		return -ENOMEM;
	}
	return json_array_append_new(rules, rule) < 0 ? -ENOMEM : 0;
}

static json_t *argument(int index, const char *op, uint64_t value, uint64_t mask)
{
	json_t *arg =
		json_pack("{s:i, s:I, s:s}", "index", index, "value", (json_int_t)value, "op", op);

	if (arg && strcmp(op, "SCMP_CMP_MASKED_EQ") == 0)
		json_object_set_new(arg, "valueTwo", json_integer((json_int_t)mask));
	return json_pack("[o]", arg);
}

static int add_conditional(json_t *rules, uint64_t caps)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(personalities) && r == 0; i++)
		r = add_rule(rules, "personality", "SCMP_ACT_ALLOW",
			     argument(0, "SCMP_CMP_EQ", personalities[i], 0));
	/* Sockets of any family but AF_VSOCK (40), which would reach the hypervisor. */
	if (r == 0)
		r = add_rule(rules, "socket", "SCMP_ACT_ALLOW", argument(0, "SCMP_CMP_NE", 40, 0));
	if (r == 0 && !has(caps, CAP_SYS_ADMIN)) {
		r = add_rule(rules, "clone", "SCMP_ACT_ALLOW",
			     argument(0, "SCMP_CMP_MASKED_EQ", namespace_flags, 0));
		/* C libraries fall back to clone, whose flags can be looked at. */
		if (r == 0) {
			r = add_rule(rules, "clone3", "SCMP_ACT_ERRNO", NULL);
			json_object_set_new(json_array_get(rules, json_array_size(rules) - 1),
					    "errnoRet", json_integer(ENOSYS));
		}
	}
	return r;
}

json_t *seccomp_default(uint64_t caps)
{
	json_t *rules = json_array();
	int r = rules ? add_rule(rules, allowed, "SCMP_ACT_ALLOW", NULL) : -ENOMEM;

	for (size_t i = 0; i < ARRAY_LEN(by_capability) && r == 0; i++)
		if (has(caps, by_capability[i].cap))
			r = add_rule(rules, by_capability[i].names, "SCMP_ACT_ALLOW", NULL);
	if (r == 0)
		r = add_conditional(rules, caps);
	if (r < 0) {
		json_decref(rules);
		return NULL;
	}
	return json_pack("{s:s, s:i, s:[s, s, s], s:o}", "defaultAction", "SCMP_ACT_ERRNO",
			 "defaultErrnoRet", 1, "architectures", "SCMP_ARCH_X86_64", "SCMP_ARCH_X86",
			 "SCMP_ARCH_X32", "syscalls", rules);
}
