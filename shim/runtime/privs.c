/* SPDX-License-Identifier: Apache-2.0 */
/* Order: bounding set, groups and ids with capabilities kept, then the filter if the program may
 * gain privileges (loading one then needs CAP_SYS_ADMIN), then capabilities, and with
 * no_new_privs the filter last. The capability sets asked for are clipped to what this process
 * has: a host that lacks some must not make every container fail. */
#include "privs.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "caps.h"

static int set_rlimit(const struct plan_rlimit *l, struct err *err)
{
	struct rlimit want = { l->soft, l->hard }, have;

	if (!setrlimit((unsigned int)l->resource, &want))
		return 0;
	if (errno != EPERM || getrlimit((unsigned int)l->resource, &have))
		return err_sys(err, errno, "set %s", l->name);
	want.rlim_max = have.rlim_max;
	if (want.rlim_cur > want.rlim_max)
		want.rlim_cur = want.rlim_max;
	if (setrlimit((unsigned int)l->resource, &want))
		return err_sys(err, errno, "set %s", l->name);
	return 0;
}

static int set_oom(int value, struct err *err)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d", value);
	cleanup_fd int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, errno, "open oom_score_adj");
	if (write(fd, text, (size_t)n) != n && errno != EACCES && errno != EPERM)
		return err_sys(err, errno, "set oom_score_adj to %d", value);
	return 0;
}

int privs_oom(const struct plan_process *p, struct err *err)
{
	return p->has_oom ? set_oom(p->oom_score_adj, err) : 0;
}

int privs_limits(const struct plan_process *p, struct err *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < p->n_rlimits; i++)
		if (p->rlimits[i].resource != RLIMIT_NPROC)
			r = set_rlimit(&p->rlimits[i], err);
	return r;
}

int privs_processes(const struct plan_process *p, struct err *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < p->n_rlimits; i++)
		if (p->rlimits[i].resource == RLIMIT_NPROC)
			r = set_rlimit(&p->rlimits[i], err);
	return r;
}

void privs_raise(const struct plan_process *p)
{
	for (size_t i = 0; i < p->n_rlimits; i++) {
		const struct plan_rlimit *l = &p->rlimits[i];
		struct rlimit have;

		if (getrlimit((unsigned int)l->resource, &have) || have.rlim_max >= l->hard)
			continue;
		have.rlim_max = l->hard;
		(void)setrlimit((unsigned int)l->resource, &have);
	}
}

static int drop_bounding(uint64_t keep, struct err *err)
{
	for (int i = 0; i < CAPS_COUNT; i++) {
		if (keep & UINT64_C(1) << i || !prctl(PR_CAPBSET_DROP, i, 0, 0, 0))
			continue;
		if (errno == EINVAL)
			break; /* beyond what this kernel knows */
		return err_sys(err, errno, "drop %s from the bounding set", caps_name(i));
	}
	return 0;
}

int privs_user(const struct plan_process *p, struct err *err)
{
	int r = p->has_caps ? drop_bounding(p->caps[CAP_BOUNDING_], err) : 0;

	if (r)
		return r;
	if (p->uid && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
		return err_sys(err, errno, "keep capabilities");
	if (setgroups(p->n_gids, p->gids) && !(errno == EPERM && !p->n_gids))
		return err_sys(err, errno, "set additional groups");
	if (setresgid(p->gid, p->gid, p->gid))
		return err_sys(err, errno, "become group %u", p->gid);
	if (setresuid(p->uid, p->uid, p->uid))
		return err_sys(err, errno, "become user %u", p->uid);
	if (p->umask >= 0)
		(void)umask((mode_t)p->umask);
	return 0;
}

static int set_caps(const uint64_t caps[CAPSET_COUNT], struct err *err)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	uint64_t have, eff, perm, inh, amb;

	if (syscall(SYS_capget, &head, data))
		return err_sys(err, errno, "read capabilities");
	have = (uint64_t)data[1].permitted << 32 | data[0].permitted;
	perm = caps[CAP_PERMITTED_] & have;
	eff = caps[CAP_EFFECTIVE_] & perm;
	inh = caps[CAP_INHERITABLE_] & have;
	amb = caps[CAP_AMBIENT_] & perm & inh;
	for (int i = 0; i < 2; i++) {
		data[i].effective = (uint32_t)(eff >> (32 * i));
		data[i].permitted = (uint32_t)(perm >> (32 * i));
		data[i].inheritable = (uint32_t)(inh >> (32 * i));
	}
	if (syscall(SYS_capset, &head, data))
		return err_sys(err, errno, "set capabilities");
	for (int i = 0; amb && i < CAPS_COUNT; i++)
		if (amb & UINT64_C(1) << i && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0))
			return err_sys(err, errno, "raise ambient %s", caps_name(i));
	return 0;
}

/* Becoming another user kept the permitted capabilities and cleared the effective ones (capabilities(7),
 * PR_SET_KEEPCAPS); a filter without no_new_privs needs CAP_SYS_ADMIN (seccomp(2)). */
static int raise_effective(struct err *err)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data))
		return err_sys(err, errno, "read capabilities");
	for (int i = 0; i < 2; i++)
		data[i].effective = data[i].permitted;
	return syscall(SYS_capset, &head, data) ? err_sys(err, errno, "raise capabilities") : 0;
}

/* Of a user who is not root execve(2) leaves the ambient ones. */
static int drop_as_executed(const struct plan_process *p, struct err *err)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	uint64_t ambient = p->has_caps ? p->caps[CAP_AMBIENT_] : 0;

	if (syscall(SYS_capget, &head, data))
		return err_sys(err, errno, "read capabilities");
	for (int i = 0; i < 2; i++) {
		data[i].permitted &= data[i].inheritable & (uint32_t)(ambient >> (32 * i));
		data[i].effective = data[i].permitted;
	}
	return syscall(SYS_capset, &head, data) ? err_sys(err, errno, "drop capabilities") : 0;
}

int privs_confine(const struct plan_process *p, const struct seccomp_filter *f, bool stays,
		  struct err *err)
{
	int r = p->uid && !p->no_new_privileges ? raise_effective(err) : 0;

	if (!r && !p->no_new_privileges)
		r = filter_load(f, err);
	if (!r && p->has_caps)
		r = set_caps(p->caps, err);
	if (!r && stays && p->uid)
		r = drop_as_executed(p, err);
	if (r || !p->no_new_privileges)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return err_sys(err, errno, "set no_new_privs");
	return filter_load(f, err);
}
