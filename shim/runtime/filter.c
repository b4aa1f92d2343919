/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles are compiled by libseccomp, which takes milliseconds, so programs are kept. A cache file
 * is named by a hash of the profile's text and holds the whole text too: a hit is an equal text,
 * whatever the hash is worth. The header carries the architecture and libseccomp's version, since
 * either changes the program. */
#include "filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "fd.h"

enum { CACHE_FILE_MAX = 8 << 20, PROGRAM_MAX = 4096 * 8 };

struct cache_head {
	char magic[8];
	uint32_t version; /* of libseccomp */
	uint32_t flags, text_len, n_insns;
};

static const char cache_magic[8] = "clsec01";

void filter_free(struct seccomp_filter *f)
{
	free(f->prog.filter);
	f->prog = (struct sock_fprog){ 0 };
}

static uint32_t library_version(void)
{
	return SCMP_VER_MAJOR << 16 | SCMP_VER_MINOR << 8 | SCMP_VER_MICRO;
}

static void cache_name(const char *text, size_t n, char out[32])
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
	(void)snprintf(out, 32, "%016llx.bpf", (unsigned long long)h);
}

static int set_program(struct seccomp_filter *out, const void *insns, size_t n)
{
	out->prog.filter = malloc(n * sizeof(struct sock_filter));
	if (!out->prog.filter)
		return -ENOMEM;
	memcpy(out->prog.filter, insns, n * sizeof(struct sock_filter));
	out->prog.len = (unsigned short)n;
	return 0;
}

int filter_cache_get(const char *dir, const char *text, size_t n, struct seccomp_filter *out)
{
	cleanup(buf_deinit) struct buf b = BUF_NULL;
	struct cache_head head;
	char name[32];
	cleanup_fd int at = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (at < 0)
		return -ENOENT;
	cache_name(text, n, name);
	if (fd_read_file(at, name, CACHE_FILE_MAX, &b) || b.len < sizeof(head))
		return -ENOENT;
	memcpy(&head, b.data, sizeof(head));
	if (memcmp(head.magic, cache_magic, sizeof(cache_magic)) != 0 || head.text_len != n ||
	    head.version != library_version() || !head.n_insns || head.n_insns > PROGRAM_MAX ||
	    b.len != sizeof(head) + n + head.n_insns * sizeof(struct sock_filter) ||
	    memcmp(b.data + sizeof(head), text, n) != 0)
		return -ENOENT;
	out->flags = head.flags;
	return set_program(out, b.data + sizeof(head) + n, head.n_insns);
}

void filter_cache_put(const char *dir, const char *text, size_t n, const struct seccomp_filter *f)
{
	cleanup(buf_deinit) struct buf b = BUF_NULL;
	struct cache_head head = { .version = library_version(),
				   .flags = f->flags,
				   .text_len = (uint32_t)n,
				   .n_insns = f->prog.len };
	char name[32];

	(void)mkdir(dir, 0700);
	cleanup_fd int at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	memcpy(head.magic, cache_magic, sizeof(cache_magic));
	cache_name(text, n, name);
	buf_append(&b, &head, sizeof(head));
	buf_append(&b, text, n);
	buf_append(&b, f->prog.filter, f->prog.len * sizeof(struct sock_filter));
	if (at >= 0 && !b.error)
		(void)!fd_replace_file(at, name, b.data, b.len, 0600, false);
}

static int action_of(const struct jval *v, const struct jval *errno_v, uint32_t *out,
		     struct err *err)
{
	static const struct {
		const char *name;
		uint32_t action;
	} actions[] = {
		{ "SCMP_ACT_ALLOW", SCMP_ACT_ALLOW },
		{ "SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(EPERM) },
		{ "SCMP_ACT_KILL", SCMP_ACT_KILL },
		{ "SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD },
		{ "SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS },
		{ "SCMP_ACT_TRAP", SCMP_ACT_TRAP },
		{ "SCMP_ACT_LOG", SCMP_ACT_LOG },
		{ "SCMP_ACT_TRACE", SCMP_ACT_TRACE(EPERM) },
	};
	const char *name = "";
	int64_t code = EPERM;
	int r = j_need_string(v, &name, err);

	r = r ? r : j_int(errno_v, 0, 4095, &code, err);
	for (size_t i = 0; !r && i < ARRAY_LEN(actions); i++)
		if (!strcmp(actions[i].name, name)) {
			*out = actions[i].action;
			if (*out == SCMP_ACT_ERRNO(EPERM))
				*out = SCMP_ACT_ERRNO((uint32_t)code);
			if (*out == SCMP_ACT_TRACE(EPERM))
				*out = SCMP_ACT_TRACE((uint32_t)code);
			return 0;
		}
	return r ? r : j_fail(v, err, "\"%.40s\" is no known action", name);
}

static int read_arg(const struct jval *v, struct scmp_arg_cmp *out, struct err *err)
{
	static const struct {
		const char *name;
		enum scmp_compare op;
	} ops[] = {
		{ "SCMP_CMP_NE", SCMP_CMP_NE },
		{ "SCMP_CMP_LT", SCMP_CMP_LT },
		{ "SCMP_CMP_LE", SCMP_CMP_LE },
		{ "SCMP_CMP_EQ", SCMP_CMP_EQ },
		{ "SCMP_CMP_GE", SCMP_CMP_GE },
		{ "SCMP_CMP_GT", SCMP_CMP_GT },
		{ "SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ },
	};
	struct jval index = j_get(v, "index"), a = j_get(v, "value"), b = j_get(v, "valueTwo");
	struct jval op = j_get(v, "op");
	uint64_t first = 0, second = 0;
	const char *name = "";
	int64_t i = 0;
	int r = j_int(&index, 0, 5, &i, err);

	r = r ? r : j_u64(&a, &first, err);
	r = r ? r : j_u64(&b, &second, err);
	r = r ? r : j_need_string(&op, &name, err);
	for (size_t k = 0; !r && k < ARRAY_LEN(ops); k++)
		if (!strcmp(ops[k].name, name)) {
			*out = (struct scmp_arg_cmp){ (unsigned)i, ops[k].op, first, second };
			return 0;
		}
	return r ? r : j_fail(&op, err, "\"%.40s\" is no known comparison", name);
}

static int add_rule(scmp_filter_ctx ctx, const struct jval *rule, uint32_t default_action,
		    struct err *err)
{
	struct jval names = j_get(rule, "names"), args = j_get(rule, "args");
	struct jval act = j_get(rule, "action"), code = j_get(rule, "errnoRet");
	struct scmp_arg_cmp cmp[6];
	uint32_t action = 0;
	size_t n = 0, n_args = 0;
	int r = j_array(&names, &n, err);

	r = r ? r : j_array(&args, &n_args, err);
	r = r ? r : action_of(&act, &code, &action, err);
	if (!r && n_args > ARRAY_LEN(cmp))
		return j_fail(&args, err, "has more than 6 elements");
	for (size_t i = 0; !r && i < n_args; i++) {
		struct jval a = j_at(&args, i);

		r = read_arg(&a, &cmp[i], err);
	}
	if (r || action == default_action)
		return r;
	for (size_t i = 0; !r && i < n; i++) {
		struct jval e = j_at(&names, i);
		const char *name = "";
		int nr;

		r = j_need_string(&e, &name, err);
		nr = r ? 0 : seccomp_syscall_resolve_name(name);
		if (r || nr == __NR_SCMP_ERROR)
			continue;
		r = seccomp_rule_add_array(ctx, action, nr, (unsigned)n_args, cmp);
		if (r == -EEXIST || r == -EDOM || r == -EFAULT)
			r = 0;
		if (r)
			return err_sys(err, r, "add seccomp rule for %s", name);
	}
	return r;
}

static int add_archs(scmp_filter_ctx ctx, const struct jval *profile, struct err *err)
{
	struct jval list = j_get(profile, "architectures");
	size_t n = 0;
	int r = j_array(&list, &n, err);

	for (size_t i = 0; !r && i < n; i++) {
		struct jval e = j_at(&list, i);
		const char *name = "";
		char low[32] = "";
		uint32_t arch;

		r = j_need_string(&e, &name, err);
		if (r)
			return r;
		if (!strncmp(name, "SCMP_ARCH_", 10))
			for (size_t k = 0; name[10 + k] && k < sizeof(low) - 1; k++)
				low[k] = (char)(name[10 + k] |
						(name[10 + k] >= 'A' && name[10 + k] <= 'Z' ? 32
											    : 0));
		arch = seccomp_arch_resolve_name(low);
		if (!arch)
			return j_fail(&e, err, "\"%.40s\" is no known architecture", name);
		r = seccomp_arch_add(ctx, arch);
		r = r == -EEXIST || r == -EDOM ? 0 : r;
		if (r)
			return err_sys(err, r, "add architecture %s", name);
	}
	return r;
}

static int read_flags(const struct jval *profile, unsigned *out, struct err *err)
{
	struct jval list = j_get(profile, "flags");
	size_t n = 0;
	int r = j_array(&list, &n, err);

	for (size_t i = 0; !r && i < n; i++) {
		struct jval e = j_at(&list, i);
		const char *name = "";

		r = j_need_string(&e, &name, err);
		if (!strcmp(name, "SECCOMP_FILTER_FLAG_LOG"))
			*out |= SECCOMP_FILTER_FLAG_LOG;
		else if (!strcmp(name, "SECCOMP_FILTER_FLAG_SPEC_ALLOW"))
			*out |= SECCOMP_FILTER_FLAG_SPEC_ALLOW;
		else if (!r && strcmp(name, "SECCOMP_FILTER_FLAG_TSYNC") != 0)
			return j_fail(&e, err, "\"%.60s\" is not supported", name);
	}
	return r;
}

static void releasep(scmp_filter_ctx *ctx)
{
	if (*ctx)
		seccomp_release(*ctx);
}

static int export_program(scmp_filter_ctx ctx, struct seccomp_filter *out, struct err *err)
{
	cleanup_fd int fd = memfd_create("seccomp", MFD_CLOEXEC);
	struct stat st;
	void *insns;
	int r;

	if (fd < 0)
		return err_sys(err, errno, "make a memory file");
	r = seccomp_export_bpf(ctx, fd);
	if (r || fstat(fd, &st))
		return err_sys(err, r ? r : errno, "compile the seccomp profile");
	insns = malloc((size_t)st.st_size + 1);
	if (!insns)
		return err_sys(err, ENOMEM, "compile the seccomp profile");
	out->prog.filter = insns;
	out->prog.len = (unsigned short)((size_t)st.st_size / sizeof(struct sock_filter));
	if (pread(fd, insns, (size_t)st.st_size, 0) != st.st_size)
		return err_sys(err, errno, "read the seccomp program");
	return 0;
}

int filter_compile(const struct jval *profile, struct seccomp_filter *out, struct err *err)
{
	struct jval def = j_get(profile, "defaultAction"), code = j_get(profile, "defaultErrnoRet");
	struct jval list = j_get(profile, "syscalls"), listener = j_get(profile, "listenerPath");
	cleanup(releasep) scmp_filter_ctx ctx = NULL;
	uint32_t action = 0;
	size_t n = 0;
	int r = action_of(&def, &code, &action, err);

	if (!r && listener.v)
		return j_fail(&listener, err, "is not supported");
	r = r ? r : j_array(&list, &n, err);
	r = r ? r : read_flags(profile, &out->flags, err);
	if (r)
		return r;
	ctx = seccomp_init(action);
	if (!ctx)
		return err_sys(err, ENOMEM, "make a seccomp filter");
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0);
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	r = add_archs(ctx, profile, err);
	for (size_t i = 0; !r && i < n; i++) {
		struct jval rule = j_at(&list, i);

		r = add_rule(ctx, &rule, action, err);
	}
	return r ? r : export_program(ctx, out, err);
}

/* Halves of the arguments are compared as they lie in memory, whatever the order of their bytes. */
static struct sock_filter *compare(struct sock_filter *i, unsigned offset, const void *half,
				   unsigned otherwise)
{
	uint32_t value;

	memcpy(&value, half, sizeof(value));
	*i++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset);
	*i++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0,
					    (unsigned char)otherwise);
	return i;
}

int filter_admit(const struct seccomp_filter *f, const struct filter_key *key,
		 struct seccomp_filter *out)
{
	enum { HALF = sizeof(uint32_t), HALVES = sizeof(*key) / HALF, ADMIT = 2 * HALVES + 3 };
	static const unsigned offsets[] = { offsetof(struct seccomp_data, args[0]),
					    offsetof(struct seccomp_data, args[3]),
					    offsetof(struct seccomp_data, args[4]) };
	struct sock_filter *i;

	*out = (struct seccomp_filter){ .flags = f->flags };
	if (!f->prog.len)
		return 0;
	if (f->prog.len > BPF_MAXINSNS - ADMIT)
		return set_program(out, f->prog.filter, f->prog.len);
	i = out->prog.filter = calloc(f->prog.len + (size_t)ADMIT, sizeof(*i));
	if (!i)
		return -ENOMEM;
	*i++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					    offsetof(struct seccomp_data, nr));
	*i++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, ADMIT - 2);
	for (unsigned k = 0; k < HALVES; k++)
		i = compare(i, offsets[k / 2] + k % 2 * HALF, (const char *)key + (size_t)k * HALF,
			    2 * (HALVES - k) - 1);
	*i++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	memcpy(i, f->prog.filter, f->prog.len * sizeof(*i));
	out->prog.len = (unsigned short)(f->prog.len + ADMIT);
	return 0;
}

int filter_load(const struct seccomp_filter *f, struct err *err)
{
	if (!f->prog.len)
		return 0;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, f->flags, &f->prog))
		return err_sys(err, errno, "load the seccomp filter");
	return 0;
}
