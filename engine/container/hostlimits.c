/* SPDX-License-Identifier: Apache-2.0 */
/* v1 shows what it can in the files of each hierarchy's root; v2 in the root's list of controllers, where only
 * what single kernels lack needs another look: weights are bfq's or the cost model's, and swap is counted where
 * there is any. */
#include "hostlimits.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "fd.h"

#define ROOT "/sys/fs/cgroup/"

static bool has(const char *path)
{
	return access(path, F_OK) == 0;
}

/* The first line of a file, "" when there is none. */
static void read_line(const char *path, char *out, size_t size)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;

	out[0] = '\0';
	if (fd_read_file(AT_FDCWD, path, 4096, &text) == 0)
		(void)snprintf(out, size, "%.*s", (int)strcspn(text.data, "\n"), text.data);
}

/* Whether a scheduler of some block device is bfq, or could be. */
static bool has_bfq(void)
{
	DIR *dir = opendir("/sys/block");
	struct dirent *entry;
	bool bfq = false;

	while (dir && !bfq && (entry = readdir(dir))) {
		char path[300], line[128];

		(void)snprintf(path, sizeof(path), "/sys/block/%s/queue/scheduler", entry->d_name);
		read_line(path, line, sizeof(line));
		bfq = strstr(line, "bfq");
	}
	if (dir)
		closedir(dir);
	return bfq;
}

static void read_v1(struct hostlimits *host)
{
	host->memory = has(ROOT "memory/memory.limit_in_bytes");
	host->swap = has(ROOT "memory/memory.memsw.limit_in_bytes");
	host->reservation = has(ROOT "memory/memory.soft_limit_in_bytes");
	host->swappiness = has(ROOT "memory/memory.swappiness");
	host->oom_control = has(ROOT "memory/memory.oom_control");
	host->pids = has(ROOT "pids");
	host->cpu_shares = has(ROOT "cpu/cpu.shares");
	host->cpu_cfs = has(ROOT "cpu/cpu.cfs_quota_us");
	host->cpuset = has(ROOT "cpuset/cpuset.cpus");
	host->block_rates = has(ROOT "blkio/blkio.throttle.read_bps_device");
	/* the root has no weight of its own */
	host->block_weight = has(ROOT "blkio/blkio.bfq.io_serviced");
	read_line(ROOT "cpuset/cpuset.cpus", host->cpus_text, sizeof(host->cpus_text));
	read_line(ROOT "cpuset/cpuset.mems", host->mems_text, sizeof(host->mems_text));
}

static bool lists(const char *controllers, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = controllers; (at = strstr(at, name)); at += n)
		if ((at == controllers || at[-1] == ' ') && (!at[n] || at[n] == ' '))
			return true;
	return false;
}

static void read_v2(struct hostlimits *host)
{
	char controllers[256];

	read_line(ROOT "cgroup.controllers", controllers, sizeof(controllers));
	host->memory = host->reservation = lists(controllers, "memory");
	host->swap = host->memory && has("/proc/swaps");
	host->pids = lists(controllers, "pids");
	host->cpu_shares = host->cpu_cfs = lists(controllers, "cpu");
	host->cpuset = lists(controllers, "cpuset");
	host->block_rates = lists(controllers, "io");
	host->block_weight = host->block_rates && (has(ROOT "io.cost.qos") || has_bfq());
	read_line(ROOT "cpuset.cpus.effective", host->cpus_text, sizeof(host->cpus_text));
	read_line(ROOT "cpuset.mems.effective", host->mems_text, sizeof(host->mems_text));
}

void hostlimits_read(struct hostlimits *host)
{
	*host = (struct hostlimits){ .n_cpus = (unsigned)sysconf(_SC_NPROCESSORS_ONLN) };
	if (has(ROOT "cgroup.controllers"))
		read_v2(host);
	else
		read_v1(host);
	if (cpulist_parse(host->cpus_text, &host->cpus) < 0 ||
	    cpulist_parse(host->mems_text, &host->mems) < 0)
		host->cpuset = false;
}

static bool is_empty(const Cleat__V1__Resources *limits)
{
	static const Cleat__V1__Resources none = CLEAT__V1__RESOURCES__INIT;

	return cleat__v1__resources__get_packed_size(limits) ==
	       cleat__v1__resources__get_packed_size(&none);
}

int hostlimits_check(Cleat__V1__Resources *limits, struct warnings warnings, struct err *err)
{
	struct hostlimits host;

	if (!limits || is_empty(limits))
		return 0;
	hostlimits_read(&host);
	return limitcheck(limits, &host, warnings, err);
}
