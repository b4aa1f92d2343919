/* SPDX-License-Identifier: Apache-2.0 */
#include "dockerlimits.h"

static void set_rates(json_t *o, const char *key, const char *number,
		      Cleat__V1__DeviceRate *const *rates, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:s, s:I}", "Path", rates[i]->path, number,
						      (json_int_t)rates[i]->rate));
	json_object_set_new(o, key, list);
}

void dockerlimits_set(json_t *o, const Cleat__V1__Resources *r)
{
	json_object_set_new(o, "Memory", json_integer(r->memory_bytes));
	json_object_set_new(
		o, "MemorySwap",
		json_integer(r->memory_swap_bytes ? r->memory_swap_bytes : 2 * r->memory_bytes));
	json_object_set_new(o, "MemoryReservation", json_integer(r->memory_reservation_bytes));
	json_object_set_new(o, "MemorySwappiness",
			    r->swappiness_case ? json_integer(r->memory_swappiness) : json_null());
	json_object_set_new(o, "OomKillDisable", json_boolean(r->oom_kill_disable));
	json_object_set_new(o, "NanoCpus", json_integer(r->nano_cpus));
	json_object_set_new(o, "CpuShares", json_integer(r->cpu_shares));
	json_object_set_new(o, "CpuPeriod", json_integer(r->cpu_period_us));
	json_object_set_new(o, "CpuQuota", json_integer(r->cpu_quota_us));
	json_object_set_new(o, "CpuRealtimePeriod", json_integer(r->cpu_realtime_period_us));
	json_object_set_new(o, "CpuRealtimeRuntime", json_integer(r->cpu_realtime_runtime_us));
	json_object_set_new(o, "CpusetCpus", json_string(r->cpuset_cpus));
	json_object_set_new(o, "CpusetMems", json_string(r->cpuset_mems));
	json_object_set_new(o, "PidsLimit",
			    r->pids_limit ? json_integer(r->pids_limit) : json_null());
	json_object_set_new(o, "BlkioWeight", json_integer(r->blkio_weight));
	set_rates(o, "BlkioWeightDevice", "Weight", r->blkio_weight_device,
		  r->n_blkio_weight_device);
	set_rates(o, "BlkioDeviceReadBps", "Rate", r->device_read_bps, r->n_device_read_bps);
	set_rates(o, "BlkioDeviceWriteBps", "Rate", r->device_write_bps, r->n_device_write_bps);
	set_rates(o, "BlkioDeviceReadIOps", "Rate", r->device_read_iops, r->n_device_read_iops);
	set_rates(o, "BlkioDeviceWriteIOps", "Rate", r->device_write_iops, r->n_device_write_iops);
}
