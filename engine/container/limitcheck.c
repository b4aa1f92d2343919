/* SPDX-License-Identifier: Apache-2.0 */
#include "limitcheck.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "str.h"

#define NO_KERNEL(what) "Your kernel does not support " what " or the cgroup is not mounted. "

int warnings_add(struct warnings w, const char *text)
{
	char **grown = realloc(*w.v, (*w.n + 1) * sizeof(**w.v));

	if (!grown)
		return -ENOMEM;
	*w.v = grown;
	grown[*w.n] = strdup(text);
	return grown[*w.n] ? ((*w.n)++, 0) : -ENOMEM;
}

/* A number that the kernel has no file for becomes 0. */
struct number {
	int64_t *at;
	bool supported;
	const char *warning;
};

static int drop_numbers(const struct number *numbers, size_t n, struct warnings w)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		if (numbers[i].supported || !*numbers[i].at)
			continue;
		*numbers[i].at = 0;
		r = warnings_add(w, numbers[i].warning);
	}
	return r;
}

static int drop_simple(Cleat__V1__Resources *m, const struct hostlimits *host, struct warnings w)
{
	const struct number numbers[] = {
		{ &m->memory_swap_bytes, host->memory && host->swap,
		  NO_KERNEL("swap limit capabilities") "Memory limited without swap." },
		{ &m->memory_bytes, host->memory,
		  NO_KERNEL("memory limit capabilities") "Limitation discarded." },
		{ &m->memory_reservation_bytes, host->reservation,
		  NO_KERNEL("memory soft limit capabilities") "Limitation discarded." },
		{ &m->kernel_memory_bytes, false,
		  "A limit of kernel memory is accepted and not kept: the kernel dropped it." },
		{ &m->pids_limit, host->pids,
		  NO_KERNEL("PIDs limit capabilities") "PIDs limit discarded." },
		{ &m->cpu_shares, host->cpu_shares, NO_KERNEL("CPU shares") "Shares discarded." },
		{ &m->cpu_period_us, host->cpu_cfs,
		  NO_KERNEL("CPU CFS scheduler") "Period discarded." },
		{ &m->cpu_quota_us, host->cpu_cfs,
		  NO_KERNEL("CPU CFS scheduler") "Quota discarded." },
	};

	return drop_numbers(numbers, ARRAY_LEN(numbers), w);
}

static int check_memory(Cleat__V1__Resources *m, const struct hostlimits *host, struct warnings w)
{
	int r = 0;

	if (m->swappiness_case && m->memory_swappiness != -1 && !host->swappiness) {
		m->swappiness_case = CLEAT__V1__RESOURCES__SWAPPINESS__NOT_SET;
		r = warnings_add(w, NO_KERNEL("memory swappiness capabilities") "Memory swappiness "
										"discarded.");
	}
	if (r == 0 && m->oom_kill_disable && !host->oom_control) {
		m->oom_kill_disable = false;
		r = warnings_add(w, "Your kernel does not support OomKillDisable. OomKillDisable "
				    "discarded.");
	}
	if (r == 0 && m->oom_kill_disable && !m->memory_bytes)
		r = warnings_add(
			w, "OOM killer is disabled for the container, but no memory limit is set, "
			   "this can result in the system running out of resources.");
	return r;
}

static int check_cpus(const Cleat__V1__Resources *m, const struct hostlimits *host, struct err *err)
{
	if (m->nano_cpus && !host->cpu_cfs)
		return err_set(err, ERR_INVALID,
			       "NanoCPUs can not be set, as your kernel does not support CPU CFS "
			       "scheduler or the cgroup is not mounted");
	if (m->nano_cpus < 0 || m->nano_cpus > (int64_t)host->n_cpus * 1000000000)
		return err_set(err, ERR_INVALID,
			       "Range of CPUs is from 0.01 to %u.00, as there are only %u CPUs "
			       "available",
			       host->n_cpus, host->n_cpus);
	return 0;
}

static int check_list(const char *text, const struct cpulist *available, const char *available_text,
		      const char *what, const char *many, struct err *err)
{
	struct cpulist list;

	if (cpulist_parse(text, &list) < 0)
		return err_set(err, ERR_INVALID, "Invalid value %.80s for cpuset %s", text, what);
	if (!cpulist_within(&list, available))
		return err_set(err, ERR_INVALID,
			       "Requested %s are not available - requested %.80s, available: %.80s",
			       many, text, available_text);
	return 0;
}

static void clear(char **text)
{
	if (*text != protobuf_c_empty_string)
		free(*text);
	*text = (char *)(uintptr_t)protobuf_c_empty_string;
}

static int check_cpuset(Cleat__V1__Resources *m, const struct hostlimits *host, struct warnings w,
			struct err *err)
{
	int r;

	if (!m->cpuset_cpus[0] && !m->cpuset_mems[0])
		return 0;
	if (!host->cpuset) {
		clear(&m->cpuset_cpus);
		clear(&m->cpuset_mems);
		return warnings_add(w, NO_KERNEL("cpuset") "Cpuset discarded.");
	}
	r = check_list(m->cpuset_cpus, &host->cpus, host->cpus_text, "cpus", "CPUs", err);
	return r ? r
		 : check_list(m->cpuset_mems, &host->mems, host->mems_text, "mems", "memory nodes",
			      err);
}

static void free_rates(Cleat__V1__DeviceRate **rates, size_t *n)
{
	for (size_t i = 0; i < *n; i++)
		cleat__v1__device_rate__free_unpacked(rates[i], NULL);
	*n = 0;
}

static int check_blocks(Cleat__V1__Resources *m, const struct hostlimits *host, struct warnings w)
{
	const struct {
		Cleat__V1__DeviceRate **rates;
		size_t *n;
		bool supported;
		const char *warning;
	} lists[] = {
		{ m->blkio_weight_device, &m->n_blkio_weight_device, host->block_weight,
		  NO_KERNEL("Block I/O weight_device") "Weight-device discarded." },
		{ m->device_read_bps, &m->n_device_read_bps, host->block_rates,
		  NO_KERNEL("BPS Block I/O read limit") "Block I/O BPS read limit discarded." },
		{ m->device_write_bps, &m->n_device_write_bps, host->block_rates,
		  NO_KERNEL("BPS Block I/O write limit") "Block I/O BPS write limit discarded." },
		{ m->device_read_iops, &m->n_device_read_iops, host->block_rates,
		  NO_KERNEL("IOPS Block read limit") "Block I/O IOPS read limit discarded." },
		{ m->device_write_iops, &m->n_device_write_iops, host->block_rates,
		  NO_KERNEL("IOPS Block write limit") "Block I/O IOPS write limit discarded." },
	};
	int r = 0;

	if (m->blkio_weight && !host->block_weight) {
		m->blkio_weight = 0;
		r = warnings_add(w, NO_KERNEL("Block I/O weight") "Weight discarded.");
	}
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(lists); i++) {
		if (!*lists[i].n || lists[i].supported)
			continue;
		free_rates(lists[i].rates, lists[i].n);
		r = warnings_add(w, lists[i].warning);
	}
	return r;
}

int limitcheck(Cleat__V1__Resources *limits, const struct hostlimits *host,
	       struct warnings warnings, struct err *err)
{
	int r;

	if (!limits)
		return 0;
	r = check_cpus(limits, host, err);
	r = r ? r : check_cpuset(limits, host, warnings, err);
	if (r)
		return r == -ENOMEM ? err_sys(err, ENOMEM, "limits") : r;
	r = drop_simple(limits, host, warnings);
	r = r ? r : check_memory(limits, host, warnings);
	r = r ? r : check_blocks(limits, host, warnings);
	return r ? err_sys(err, ENOMEM, "limits") : 0;
}
