/* SPDX-License-Identifier: Apache-2.0 */
/* linux.resources: limits of the request in the units of the OCI runtime spec. Checked here, before
 * anything exists, with Docker's bounds and sentences. */
#include <errno.h>
#include <string.h>

#include "spec_part.h"
#include "str.h"

enum {
	MEMORY_MIN_BYTES = 6 << 20,
	NANO_PERIOD_US = 100000, /* of --cpus: the kernel's own */
	DEFAULT_SHARES = 1024,   /* the kernel's */
	DEFAULT_WEIGHT = 100,    /* bfq's */
	PIDS_MAX = 4194304,      /* the kernel's PID_MAX_LIMIT, above which it takes no limit */
};

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
	if (m->pids_limit < -1 || m->pids_limit > PIDS_MAX)
		return "the limit of processes must be -1 (none), 0 (none) or a number up to "
		       "4194304";
	if (m->blkio_weight && (m->blkio_weight < 10 || m->blkio_weight > 1000))
		return "Range of blkio weight is from 10 to 1000";
	return NULL;
}

/* A limit that is gone (`before` was set) is written as what it is without one. */
static void set(json_t *section, const char *key, int64_t value, int64_t before, int64_t none)
{
	if (value || before)
		json_object_set_new(section, key, json_integer(value ? value : none));
}

/* Docker: as much swap as memory, unless said otherwise. */
static int64_t swap_of(const Cleat__V1__Resources *m)
{
	if (m->memory_swap_bytes)
		return m->memory_swap_bytes;
	return m->memory_bytes > INT64_MAX / 2 ? INT64_MAX : m->memory_bytes * 2;
}

static int64_t period_of(const Cleat__V1__Resources *m)
{
	return m->nano_cpus > 0 ? NANO_PERIOD_US : m->cpu_period_us;
}

static int64_t quota_of(const Cleat__V1__Resources *m)
{
	return m->nano_cpus > 0 ? m->nano_cpus / (1000000000 / NANO_PERIOD_US) : m->cpu_quota_us;
}

static json_t *memory(const Cleat__V1__Resources *from, const Cleat__V1__Resources *m)
{
	json_t *section = json_object();

	set(section, "limit", m->memory_bytes, from->memory_bytes, -1);
	set(section, "swap", swap_of(m), swap_of(from), -1);
	set(section, "reservation", m->memory_reservation_bytes, from->memory_reservation_bytes,
	    -1);
	return section;
}

/* What is the container's for life. */
static void add_constant(const Cleat__V1__Resources *m, json_t *section)
{
	if (m->swappiness_case == CLEAT__V1__RESOURCES__SWAPPINESS_MEMORY_SWAPPINESS &&
	    m->memory_swappiness >= 0)
		json_object_set_new(section, "swappiness", json_integer(m->memory_swappiness));
	if (m->oom_kill_disable)
		json_object_set_new(section, "disableOOMKiller", json_true());
}

static void set_list(json_t *section, const char *key, const char *list, const char *before)
{
	if (list[0] || before[0])
		json_object_set_new(section, key, json_string(list));
}

static json_t *cpu(const Cleat__V1__Resources *from, const Cleat__V1__Resources *m)
{
	json_t *section = json_object();

	set(section, "shares", m->cpu_shares, from->cpu_shares, DEFAULT_SHARES);
	set(section, "period", period_of(m), period_of(from), NANO_PERIOD_US);
	set(section, "quota", quota_of(m), quota_of(from), -1);
	set_list(section, "cpus", m->cpuset_cpus, from->cpuset_cpus);
	set_list(section, "mems", m->cpuset_mems, from->cpuset_mems);
	return section;
}

static json_t *pids(const Cleat__V1__Resources *from, const Cleat__V1__Resources *m)
{
	json_t *section = json_object();

	set(section, "limit", m->pids_limit, from->pids_limit, -1);
	return section;
}

static json_t *block_io(const Cleat__V1__Resources *from, const Cleat__V1__Resources *m)
{
	json_t *section = json_object();

	set(section, "weight", m->blkio_weight, from->blkio_weight, DEFAULT_WEIGHT);
	return section;
}

/* The member of that name, `fresh` (consumed) if there is none. */
static json_t *member(json_t *object, const char *key, json_t *fresh)
{
	json_t *value = json_object_get(object, key);

	if (value) {
		json_decref(fresh);
		return value;
	}
	json_object_set_new(object, key, fresh);
	return fresh;
}

static void add_section(json_t *resources, const char *key, json_t *section)
{
	if (json_object_size(section) > 0)
		json_object_set(resources, key, section);
	json_decref(section);
}

static void add_all(const Cleat__V1__Resources *from, const Cleat__V1__Resources *m,
		    bool with_constant, json_t *resources)
{
	json_t *section = memory(from, m);

	if (with_constant)
		add_constant(m, section);
	add_section(resources, "memory", section);
	add_section(resources, "cpu", cpu(from, m));
	add_section(resources, "pids", pids(from, m));
	add_section(resources, "blockIO", block_io(from, m));
}

static void add_rates(const struct spec_input *in, json_t *resources)
{
	static const struct {
		const char *list, *key;
	} names[] = {
		[SPEC_RATE_WEIGHT] = { "weightDevice", "weight" },
		[SPEC_RATE_READ_BPS] = { "throttleReadBpsDevice", "rate" },
		[SPEC_RATE_WRITE_BPS] = { "throttleWriteBpsDevice", "rate" },
		[SPEC_RATE_READ_IOPS] = { "throttleReadIOPSDevice", "rate" },
		[SPEC_RATE_WRITE_IOPS] = { "throttleWriteIOPSDevice", "rate" },
	};

	for (size_t i = 0; i < in->n_rates; i++) {
		const struct spec_rate *rate = &in->rates[i];
		json_t *block = member(resources, "blockIO", json_object());
		json_t *list = member(block, names[rate->kind].list, json_array());

		json_array_append_new(list,
				      json_pack("{s:I, s:I, s:I}", "major", (json_int_t)rate->major,
						"minor", (json_int_t)rate->minor,
						names[rate->kind].key, (json_int_t)rate->rate));
	}
}

int spec_check_resources(const Cleat__V1__Resources *m, struct err *err)
{
	const char *wrong = m ? check_memory(m) : NULL;

	if (!m)
		return 0;
	wrong = wrong ? wrong : check_cpu(m);
	wrong = wrong ? wrong : check_rest(m);
	return wrong ? err_set(err, ERR_INVALID, "%s", wrong) : 0;
}

static const Cleat__V1__Resources none = CLEAT__V1__RESOURCES__INIT;

int spec_resources(const struct spec_input *in, json_t *resources, struct err *err)
{
	const Cleat__V1__Resources *m = in->config->resources;
	int r = spec_check_resources(m, err);

	if (r == 0 && m)
		add_all(&none, m, true, resources);
	if (r == 0)
		add_rates(in, resources);
	return r;
}

int spec_limits(const Cleat__V1__Resources *from, const Cleat__V1__Resources *to, char **json,
		struct err *err)
{
	json_t *resources = json_object();

	add_all(from ? from : &none, to ? to : &none, false, resources);
	*json = json_dumps(resources, JSON_COMPACT);
	json_decref(resources);
	return *json ? 0 : err_sys(err, ENOMEM, "limits");
}

/* Devices, and limits of single ones, stay. */
static json_t *limited_anew(json_t *before, const Cleat__V1__Resources *to)
{
	json_t *resources = json_object(), *value;
	json_t *devices = json_object_get(before, "devices");
	const char *key;

	add_all(&none, to, true, resources);
	if (devices)
		json_object_set(resources, "devices", devices);
	json_object_foreach(json_object_get(before, "blockIO"), key, value)
	{
		if (strcmp(key, "weight") != 0)
			json_object_set(member(resources, "blockIO", json_object()), key, value);
	}
	return resources;
}

int spec_relimit(const char *text, size_t n, const Cleat__V1__Resources *to, char **json,
		 struct err *err)
{
	json_t *config = json_loadb(text, n, 0, NULL);
	json_t *linux_ = json_object_get(config, "linux");

	if (!linux_) {
		json_decref(config);
		return err_set(err, ERR_INTERNAL, "the container's config.json cannot be read");
	}
	json_object_set_new(linux_, "resources",
			    limited_anew(json_object_get(linux_, "resources"), to ? to : &none));
	*json = json_dumps(config, JSON_COMPACT);
	json_decref(config);
	return *json ? 0 : err_sys(err, ENOMEM, "config.json");
}
