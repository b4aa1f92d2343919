/* SPDX-License-Identifier: Apache-2.0 */
/* Clients tell the versions of cgroups by the members: max_usage, failcnt and percpu_usage are v1's. Of a
 * container that does not run, everything is there and zero, and the times are those of year 1. */
#include "statsjson.h"

#include "str.h"

#define NEVER "0001-01-01T00:00:00Z"

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static void put(json_t *object, const char *key, uint64_t value)
{
	json_object_set_new(object, key, number(value));
}

static json_t *time_of(const Cleat__V1__StatsSample *s)
{
	char text[STR_TIME_MAX];

	if (!s || !s->time_ns)
		return json_string(NEVER);
	str_format_time(s->time_ns, text);
	return json_string(text);
}

static json_t *cpu(const Cleat__V1__StatsSample *s)
{
	json_t *usage = json_object(), *throttling = json_object(), *object = json_object();

	put(usage, "total_usage", s ? s->cpu_total_ns : 0);
	put(usage, "usage_in_kernelmode", s ? s->cpu_system_ns : 0);
	put(usage, "usage_in_usermode", s ? s->cpu_user_ns : 0);
	if (s && s->n_per_cpu_ns) {
		json_t *list = json_array();

		for (size_t i = 0; i < s->n_per_cpu_ns; i++)
			json_array_append_new(list, number(s->per_cpu_ns[i]));
		json_object_set_new(usage, "percpu_usage", list);
	}
	put(throttling, "periods", s ? s->periods : 0);
	put(throttling, "throttled_periods", s ? s->throttled_periods : 0);
	put(throttling, "throttled_time", s ? s->throttled_ns : 0);
	json_object_set_new(object, "cpu_usage", usage);
	if (s && s->time_ns) {
		put(object, "system_cpu_usage", s->host_cpu_ns);
		put(object, "online_cpus", s->online_cpus);
	}
	json_object_set_new(object, "throttling_data", throttling);
	return object;
}

static json_t *memory(const Cleat__V1__StatsSample *s)
{
	json_t *object = json_object(), *stats = json_object();

	if (!s->time_ns) {
		json_decref(stats);
		return object;
	}
	for (size_t i = 0; i < s->n_memory_stat; i++)
		put(stats, s->memory_stat[i]->key, s->memory_stat[i]->value);
	put(object, "usage", s->memory_bytes);
	put(object, "limit", s->memory_limit_bytes);
	if (s->cgroup_version == 1) {
		put(object, "max_usage", s->memory_peak_bytes);
		put(object, "failcnt", s->memory_failures);
	}
	json_object_set_new(object, "stats", stats);
	return object;
}

static json_t *pids(const Cleat__V1__StatsSample *s)
{
	json_t *object = json_object();

	if (!s->time_ns)
		return object;
	put(object, "current", s->pids);
	if (s->pids_limit)
		put(object, "limit", s->pids_limit);
	return object;
}

static json_t *counters(const Cleat__V1__StatsSample *s, bool operations)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n_blocks; i++) {
		const Cleat__V1__StatsSample__BlockCounters *b = s->blocks[i];

		json_array_append_new(
			list, json_pack("{s:I, s:I, s:s, s:I}", "major", (json_int_t)b->major,
					"minor", (json_int_t)b->minor, "op", b->operation, "value",
					(json_int_t)(operations ? b->operations : b->bytes)));
	}
	return list;
}

static json_t *block_io(const Cleat__V1__StatsSample *s)
{
	static const char *const others[] = {
		"io_queue_recursive",  "io_service_time_recursive", "io_wait_time_recursive",
		"io_merged_recursive", "io_time_recursive",         "sectors_recursive",
	};
	json_t *object = json_object();

	json_object_set_new(object, "io_service_bytes_recursive",
			    s->time_ns ? counters(s, false) : json_null());
	json_object_set_new(object, "io_serviced_recursive",
			    s->time_ns ? counters(s, true) : json_null());
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		json_object_set_new(object, others[i], json_null());
	return object;
}

static json_t *networks(const Cleat__V1__StatsSample *s)
{
	json_t *object = json_object();

	for (size_t i = 0; i < s->n_networks; i++) {
		const Cleat__V1__StatsSample__NetworkCounters *n = s->networks[i];
		json_t *one = json_object();

		put(one, "rx_bytes", n->rx_bytes);
		put(one, "rx_packets", n->rx_packets);
		put(one, "rx_errors", n->rx_errors);
		put(one, "rx_dropped", n->rx_dropped);
		put(one, "tx_bytes", n->tx_bytes);
		put(one, "tx_packets", n->tx_packets);
		put(one, "tx_errors", n->tx_errors);
		put(one, "tx_dropped", n->tx_dropped);
		json_object_set_new(object, n->interface, one);
	}
	return object;
}

json_t *statsjson(const Cleat__V1__StatsSample *before, const Cleat__V1__StatsSample *now)
{
	json_t *object = json_object();

	json_object_set_new(object, "name", json_sprintf("/%s", now->name));
	json_object_set_new(object, "id", json_string(now->id));
	json_object_set_new(object, "read", time_of(now));
	json_object_set_new(object, "preread", time_of(before));
	json_object_set_new(object, "pids_stats", pids(now));
	json_object_set_new(object, "blkio_stats", block_io(now));
	json_object_set_new(object, "num_procs", json_integer(0)); /* Windows' */
	json_object_set_new(object, "storage_stats", json_object());
	json_object_set_new(object, "cpu_stats", cpu(now));
	json_object_set_new(object, "precpu_stats", cpu(before));
	json_object_set_new(object, "memory_stats", memory(now));
	if (now->n_networks)
		json_object_set_new(object, "networks", networks(now));
	return object;
}
