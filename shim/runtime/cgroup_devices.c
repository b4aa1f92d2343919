/* SPDX-License-Identifier: Apache-2.0 */
/* The program tests the rules from the last to the first, since on v1 the later write wins: a match
 * returns allowed or denied, no match denies once a rule denied everything and allows otherwise. A
 * request asks for several accesses at once, so a rule that allows must cover all of them, one that
 * denies need only touch one. Registers: r2 type, r3 access, r4 major, r5 minor. */
#include "cgroup_devices.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>

#define INSN(c, d, s, o, i) \
	((struct bpf_insn){ .code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) })

enum { PROGRAM_MAX = 4096, RULE_INSNS = 8 };

static int access_mask(const char *access)
{
	return (strchr(access, 'm') ? BPF_DEVCG_ACC_MKNOD : 0) |
	       (strchr(access, 'r') ? BPF_DEVCG_ACC_READ : 0) |
	       (strchr(access, 'w') ? BPF_DEVCG_ACC_WRITE : 0);
}

/* Instructions of one rule; jumps to the end of the rule are patched once its length is known. */
static size_t emit_rule(const struct plan_device_rule *d, struct bpf_insn *out)
{
	size_t n = 0;
	int mask = access_mask(d->access);

	if (d->type != 'a')
		out[n++] = INSN(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_2, 0, 0,
				d->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	if (mask != 7) {
		out[n++] = INSN(BPF_ALU | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_3, 0, 0);
		out[n++] = INSN(BPF_ALU | BPF_AND | BPF_K, BPF_REG_1, 0, 0,
				d->allow ? 7 & ~mask : mask);
		out[n++] = d->allow ? INSN(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_1, 0, 0, 0)
				    : INSN(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_1, 0, 0, 0);
	}
	if (d->major >= 0)
		out[n++] = INSN(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_4, 0, 0, (int)d->major);
	if (d->minor >= 0)
		out[n++] = INSN(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_5, 0, 0, (int)d->minor);
	out[n++] = INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, d->allow);
	out[n++] = INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	for (size_t i = 0; i < n; i++)
		if (BPF_CLASS(out[i].code) == BPF_JMP && BPF_OP(out[i].code) != BPF_EXIT)
			out[i].off = (short)(n - i - 1);
	return n;
}

int cgroup_devices_program(const struct plan_device_rule *rules, size_t n, struct bpf_insn *out,
			   size_t max)
{
	bool allow = true;
	size_t len = 0;

	if (max < RULE_INSNS)
		return -E2BIG;
	out[len++] = INSN(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_2, BPF_REG_1, 0, 0);
	out[len++] = INSN(BPF_ALU | BPF_MOV | BPF_X, BPF_REG_3, BPF_REG_2, 0, 0);
	out[len++] = INSN(BPF_ALU | BPF_AND | BPF_K, BPF_REG_2, 0, 0, 0xffff);
	out[len++] = INSN(BPF_ALU | BPF_RSH | BPF_K, BPF_REG_3, 0, 0, 16);
	out[len++] = INSN(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_4, BPF_REG_1, 4, 0);
	out[len++] = INSN(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_5, BPF_REG_1, 8, 0);
	for (size_t i = n; i > 0; i--) {
		const struct plan_device_rule *d = &rules[i - 1];

		if (len + RULE_INSNS + 2 > max)
			return -E2BIG;
		if (d->type == 'a') { /* decides all that is left */
			allow = d->allow;
			break;
		}
		len += emit_rule(d, out + len);
	}
	out[len++] = INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, allow);
	out[len++] = INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	return (int)len;
}

/* What every container may use whatever the list says. */
static const struct plan_device_rule always[] = {
	{ true, 'c', -1, -1, "m" },    { true, 'b', -1, -1, "m" }, { true, 'c', 1, 3, "rwm" },
	{ true, 'c', 1, 5, "rwm" },    { true, 'c', 1, 7, "rwm" }, { true, 'c', 1, 8, "rwm" },
	{ true, 'c', 1, 9, "rwm" },    { true, 'c', 5, 0, "rwm" }, { true, 'c', 5, 2, "rwm" },
	{ true, 'c', 136, -1, "rwm" },
};

static int load(const struct bpf_insn *insns, int n)
{
	union bpf_attr attr = { 0 };

	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uint64_t)(uintptr_t)insns;
	attr.insn_cnt = (uint32_t)n;
	attr.license = (uint64_t)(uintptr_t) "Apache-2.0";
	return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}

int cgroup_devices_attach(const struct cgroup *cg, const struct plan_resources *res,
			  struct err *err)
{
	size_t n = res->n_devices;
	cleanup_free struct plan_device_rule *rules = calloc(n + ARRAY_LEN(always), sizeof(*rules));
	cleanup_free struct bpf_insn *insns = calloc(PROGRAM_MAX, sizeof(*insns));
	union bpf_attr attr = { 0 };
	int len;

	if (!rules || !insns)
		return err_sys(err, ENOMEM, "make the device program");
	memcpy(rules, res->devices, n * sizeof(*rules));
	memcpy(rules + n, always, sizeof(always));
	len = cgroup_devices_program(rules, n + ARRAY_LEN(always), insns, PROGRAM_MAX);
	if (len < 0)
		return err_set(err, ERR_INVALID, "too many device rules: %zu", n);
	cleanup_fd int prog = load(insns, len);
	if (prog < 0)
		return err_sys(err, errno, "load the device program");
	cleanup_fd int dir = openat(cg->root_fd, cg->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(err, errno, "open cgroup %s", cg->path);
	attr.target_fd = (uint32_t)dir;
	attr.attach_bpf_fd = (uint32_t)prog;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (syscall(SYS_bpf, BPF_PROG_ATTACH, &attr, sizeof(attr)))
		return err_sys(err, errno, "attach the device program");
	return 0;
}
