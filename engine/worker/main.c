/* SPDX-License-Identifier: Apache-2.0 */
/* cleat-worker: one job on untrusted bytes. `cleat-worker JOB [WORD...]` with the bytes as descriptor 3,
 * the job's directory as 4 and a file for the result as 5. It gives up network, file system,
 * capabilities and most system calls before it reads the first byte. The result's last line is "ok" or
 * "error CODE SENTENCE". The word of a job that keeps layers is the most bytes that one may have, 0 = any.
 *
 * `cleat-worker stay JOB` does the job again and again, as standing.h has it: descriptor 3 is a socket then. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <locale.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "conveyor.h"
#include "fault.h"
#include "fd.h"
#include "jobs.h"
#include "standing.h"
#include "str.h"

enum { FD_IN = 3, FD_DIR = 4, FD_OUT = 5 };

/* A sanitizer's shadow needs address space without end. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { MEMORY_MAX = 0 };
#else
enum { MEMORY_MAX = 1 << 30 };
#endif

/* What extraction needs (to index a tar takes none of it); SYS_ADMIN is for trusted.* attributes alone, as the filter lets nothing else
 * through that it would allow. */
static const int kept[] = { CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER,   CAP_FSETID,
			    CAP_MKNOD, CAP_SETFCAP,      CAP_SYS_ADMIN };

static const int allowed[] = {
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(pread64),
	SCMP_SYS(pwrite64),
	SCMP_SYS(readv),
	SCMP_SYS(writev),
	SCMP_SYS(lseek),
	SCMP_SYS(close),
	SCMP_SYS(openat),
	SCMP_SYS(openat2),
	SCMP_SYS(fstat),
	SCMP_SYS(fstatfs),
	SCMP_SYS(newfstatat),
	SCMP_SYS(statx),
	SCMP_SYS(mkdirat),
	SCMP_SYS(mknodat),
	SCMP_SYS(symlinkat),
	SCMP_SYS(linkat),
	SCMP_SYS(unlinkat),
	SCMP_SYS(fchown),
	SCMP_SYS(fchownat),
	SCMP_SYS(fchmodat),
	SCMP_SYS(fchmod),
	SCMP_SYS(utimensat),
	SCMP_SYS(fsetxattr),
	SCMP_SYS(fgetxattr),
	SCMP_SYS(flistxattr),
	SCMP_SYS(readlinkat),
	SCMP_SYS(ftruncate),
	SCMP_SYS(getdents64),
	SCMP_SYS(mmap),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(brk),
	SCMP_SYS(madvise),
	SCMP_SYS(mprotect),
	SCMP_SYS(futex),
	SCMP_SYS(getrandom),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(gettid),
	SCMP_SYS(getpid),
	SCMP_SYS(fcntl),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(fadvise64),
	SCMP_SYS(dup),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(umask),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(fsync),
	SCMP_SYS(fdatasync),
	SCMP_SYS(restart_syscall),
	/* A thread's first steps; it has no clone, but a sanitizer's own may just be beginning. */
	SCMP_SYS(rseq),
	SCMP_SYS(set_robust_list),
};

static int drop_capabilities(bool makes_files)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { 0 };

	for (size_t i = 0; makes_files && i < ARRAY_LEN(kept); i++)
		data[kept[i] / 32].permitted |= 1u << (kept[i] % 32);
	for (int i = 0; i < 2; i++)
		data[i].effective = data[i].permitted;
	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

/* The next job comes as a message where the worker stays for several. */
static int filter(bool stays)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r = ctx ? seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1) : -ENOMEM;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(allowed); i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
	if (r == 0 && stays)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(recvmsg), 0);
	r = r ? r : seccomp_load(ctx);
	if (ctx)
		seccomp_release(ctx);
	return r;
}

/* Memory is bounded whatever the bytes say, and nobody's end leaves a worker behind. */
static int limit(void)
{
	const struct rlimit memory = { MEMORY_MAX, MEMORY_MAX }, core = { 0, 0 };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || setrlimit(RLIMIT_CORE, &core) < 0)
		return -errno;
	return MEMORY_MAX > 0 && setrlimit(RLIMIT_AS, &memory) < 0 ? -errno : 0;
}

/* All that does not end with the first thread's own filter, which is last. */
static int confine(bool makes_files, struct err *err)
{
	if (unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_FS) < 0)
		return err_sys(err, errno, "leave the host's namespaces");
	if (fchdir(FD_DIR) < 0 || chroot(".") < 0)
		return err_sys(err, errno, "enter the job's directory");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(err, errno, "give up privileges");
	int r = drop_capabilities(makes_files);

	r = r ? r : limit();
	return r < 0 ? err_sys(err, r, "confine the worker") : 0;
}

static const struct job {
	const char *name;
	job_fn *run;
	int (*run_files)(const struct file_job *job, struct err *err); /* instead */
	layer_keep_fn *keep;
	bool makes_files; /* of other owners and kinds, or reads what only its owner may */
	bool keep_tar;
	bool two_threads;
} jobs[] = {
	{ "load", job_load, .keep = layer_unpack, .makes_files = true },
	{ "load-erofs", job_load, .keep = layer_index, .two_threads = true },
	{ "layer", job_layer, .keep = layer_unpack, .makes_files = true },
	{ "layer-tar", job_layer, .keep = layer_unpack, .makes_files = true, .keep_tar = true },
	{ "layer-erofs", job_layer, .keep = layer_index, .two_threads = true },
	{ "index", job_index, .two_threads = true },
	{ "tree", job_tree, .makes_files = true },
	{ "probe", job_probe, .keep = NULL },
	{ "pack", .run_files = job_pack, .makes_files = true },
	{ "diff", .run_files = job_diff, .makes_files = true },
	{ "stat", .run_files = job_stat, .makes_files = true },
	{ "get", .run_files = job_get, .makes_files = true },
	{ "put", .run_files = job_put, .makes_files = true },
	{ "export", .run_files = job_export, .makes_files = true },
};

static const struct job *find_job(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++)
		if (strcmp(jobs[i].name, name) == 0)
			return &jobs[i];
	return NULL;
}

/* The second thread is started with the first one's confinement, gets the filter with it, and ends with the
 * process: sanitizers make system calls at a thread's end. */
static int prepare(const struct job *job, char *const **words, bool stays, struct job_tools *tools,
		   struct err *err)
{
	int r = job->run_files ? enter_root(words, FD_DIR, err) : 0;

	r = r ? r : confine(job->makes_files, err);
	if (r == 0 && job->two_threads)
		r = conveyor_new(&tools->conveyor, err);
	if (r == 0 && (r = filter(stays)) < 0)
		(void)err_sys(err, r, "confine the worker");
	tools->keep = job->keep;
	tools->keep_tar = job->keep_tar;
	if (r == 0 && job->keep && (*words)[0] && str_u64((*words)[0], &tools->max_bytes) < 0)
		r = err_set(err, ERR_INTERNAL, "a bad limit");
	return r;
}

static void conclude(FILE *out, int r, const struct err *err)
{
	if (r < 0)
		fprintf(out, "error %d %s\n", err->code ? (int)err->code : ERR_INTERNAL,
			err->message);
	else
		fprintf(out, "ok\n");
}

static void perform(const struct job *job, const struct job_tools *tools,
		    const struct file_job *what)
{
	struct err err = ERR_NULL;
	int r = job->run_files ? job->run_files(what, &err)
			       : job->run(what->stream_fd, what->dir_fd, tools, what->out, &err);

	conclude(what->out, r, &err);
}

/* One of several jobs. Its directory is the root of a mount that is nowhere: nothing leads out of it. */
static int perform_next(const struct job *job, const struct job_tools *tools, const int fds[2],
			char *const *words)
{
	cleanup_fd int stream = fds[0];
	cleanup_fd int tree = fds[1];
	cleanup_fd int dir = openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_free char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	if (!out)
		return -ENOMEM;
	const struct file_job what = { stream, dir, out, words };

	perform(job, tools, &what);
	return fclose(out) == 0 ? fd_write_all(FD_IN, text, n) : -ENOMEM;
}

/* Until the engine closes its end. */
static int serve(const struct job *job, const struct job_tools *tools, char *const *words)
{
	int r = 0;

	while (r == 0) {
		int fds[2];
		size_t n_fds = ARRAY_LEN(fds);
		char byte;
		ssize_t n = fd_recv(FD_IN, &byte, 1, fds, &n_fds, 0);

		if (n <= 0)
			return (int)n;
		r = n_fds == ARRAY_LEN(fds) ? perform_next(job, tools, fds, words) : -EPROTO;
	}
	return r;
}

/* `words` begin with the job's name. */
static int run(bool stays, char *const *words, FILE *out)
{
	const struct job *job = words[0] ? find_job(words[0]) : NULL;
	struct job_tools tools = { 0 };
	struct err err = ERR_NULL;
	int r = job ? 0 : err_set(&err, ERR_INTERNAL, "unknown job");

	words++;
	r = r ? r : prepare(job, &words, stays, &tools, &err);
	if (r < 0)
		conclude(out, r, &err);
	else if (stays)
		return serve(job, &tools, words);
	else
		perform(job, &tools, &(struct file_job){ FD_IN, FD_DIR, out, words });
	return 0;
}

int main(int argc, char **argv)
{
	FILE *out = fdopen(FD_OUT, "w");
	bool stays = argc > 1 && strcmp(argv[1], WORKER_STAYS) == 0;

	if (argc < 2 + stays || !out || fault_setup() < 0) {
		fprintf(stderr, "cleat: cleat-worker is started by cleatd\n");
		return 2;
	}
	setlocale(LC_ALL, "C.UTF-8");
	umask(0);
	signal(SIGPIPE, SIG_IGN); /* a reader that is gone is an error like others */
	EVP_MD_CTX_free(EVP_MD_CTX_new());
	int r = run(stays, argv + 1 + stays, out);

	return fclose(out) == 0 && r == 0 ? 0 : 1;
}
