/* SPDX-License-Identifier: Apache-2.0 */
/* linux.resources: limits of the request in the units of the OCI runtime spec. Checked here, before
 * anything exists, with Docker's bounds and sentences. */
#include <string.h>

#include "spec_part.h"
#include "str.h"

#define MEMORY_MIN_BYTES (6 << 20)

static const char *check_memory(const Cleat__V1__Resources *m)
{
	if (m->memory_bytes < 0 || (m->memory_bytes > 0 && m->memory_bytes < MEMORY_MIN_BYTES))
		return "Minimum memory limit allowed is 6MB";
	if (m->memory_swap_bytes < -1)
		return "memory swap must be -1 (unlimited), 0 or a size";
	if (m->memory_swap_bytes > 0 && m->memory_bytes == 0)
		return "You should always set the Memory limit when using Memoryswap limit, see "
		       "usage";
	if (m->memory_swap_bytes > 0 && m->memory_swap_bytes < m->memory_bytes)
		return "Minimum memoryswap limit should be larger than memory limit, see usage";
	if (m->memory_reservation_bytes < 0 ||
	    (m->memory_reservation_bytes > 0 && m->memory_bytes > 0 &&
	     m->memory_bytes < m->memory_reservation_bytes))
		return "Minimum memory limit can not be less than memory reservation limit, see "
		       "usage";
	if (m->swappiness_case == CLEAT__V1__RESOURCES__SWAPPINESS_MEMORY_SWAPPINESS &&
	    (m->memory_swappiness < -1 || m->memory_swappiness > 100))
		return "memory swappiness: valid range is 0-100";
	return NULL;
}

static const char *check_cpu(const Cleat__V1__Resources *m)
{
	if (m->nano_cpus < 0)
		return "the number of CPUs must not be negative";
	if (m->nano_cpus > 0 && (m->cpu_period_us || m->cpu_quota_us))
		return "Conflicting options: Nano CPUs and CPU Period or Quota cannot both be set";
	if (m->nano_cpus > 0 && m->nano_cpus < 10000000)
		return "Range of CPUs is from 0.01 upwards";
	if (m->cpu_period_us && (m->cpu_period_us < 1000 || m->cpu_period_us > 1000000))
		return "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s "
		       "(i.e. 1000000)";
	if (m->cpu_quota_us > 0 && m->cpu_quota_us < 1000)
		return "CPU cfs quota can not be less than 1ms (i.e. 1000)";
	if (m->cpu_shares < 0)
		return "the CPU shares must not be negative";
	if (m->cpu_realtime_period_us || m->cpu_realtime_runtime_us)
		return "real-time CPU scheduling is not supported";
	return NULL;
}

static const char *check_rest(const Cleat__V1__Resources *m)
{
	if (m->pids_limit < -1)
		return "the limit of processes must be -1 (none), 0 (none) or a number";
	if (m->blkio_weight && (m->blkio_weight < 10 || m->blkio_weight > 1000))
		return "Range of blkio weight is from 10 to 1000";
	if (m->n_blkio_weight_device || m->n_device_read_bps || m->n_device_write_bps ||
	    m->n_device_read_iops || m->n_device_write_iops)
		return "limits of single block devices are not supported by this release";
	return NULL;
}

static void set(json_t *section, const char *key, int64_t value)
{
	if (value)
		json_object_set_new(section, key, json_integer(value));
}

static json_t *memory(const Cleat__V1__Resources *m)
{
	json_t *section = json_object();
	/* Docker: as much swap as memory, unless said otherwise. */
	int64_t swap = m->memory_swap_bytes  ? m->memory_swap_bytes
		       : m->memory_bytes > 0 ? m->memory_bytes * 2
					     : 0;

	set(section, "limit", m->memory_bytes);
	set(section, "swap", swap);
	set(section, "reservation", m->memory_reservation_bytes);
	if (m->swappiness_case == CLEAT__V1__RESOURCES__SWAPPINESS_MEMORY_SWAPPINESS &&
	    m->memory_swappiness >= 0)
		json_object_set_new(section, "swappiness", json_integer(m->memory_swappiness));
	if (m->oom_kill_disable)
		json_object_set_new(section, "disableOOMKiller", json_true());
	return section;
}

static json_t *cpu(const Cleat__V1__Resources *m)
{
	json_t *section = json_object();
	bool nano = m->nano_cpus > 0;

	set(section, "shares", m->cpu_shares);
	set(section, "period", nano ? 100000 : m->cpu_period_us);
	set(section, "quota", nano ? m->nano_cpus / 10000 : m->cpu_quota_us);
	if (m->cpuset_cpus[0])
		json_object_set_new(section, "cpus", json_string(m->cpuset_cpus));
	if (m->cpuset_mems[0])
		json_object_set_new(section, "mems", json_string(m->cpuset_mems));
	return section;
}

static void add_section(json_t *resources, const char *key, json_t *section)
{
	if (json_object_size(section) > 0)
		json_object_set(resources, key, section);
	json_decref(section);
}

int spec_resources(const struct spec_input *in, json_t *resources, struct err *err)
{
	const Cleat__V1__Resources *m = in->config->resources;
	const char *wrong = m ? check_memory(m) : NULL;

	if (!m)
		return 0;
	wrong = wrong ? wrong : check_cpu(m);
	wrong = wrong ? wrong : check_rest(m);
	if (wrong)
		return err_set(err, ERR_INVALID, "%s", wrong);
	add_section(resources, "memory", memory(m));
	add_section(resources, "cpu", cpu(m));
	if (m->pids_limit > 0)
		add_section(resources, "pids",
			    json_pack("{s:I}", "limit", (json_int_t)m->pids_limit));
	if (m->blkio_weight)
		add_section(resources, "blockIO",
			    json_pack("{s:I}", "weight", (json_int_t)m->blkio_weight));
	return 0;
}
