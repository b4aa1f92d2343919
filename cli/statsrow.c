/* SPDX-License-Identifier: Apache-2.0 */
#include "statsrow.h"

#include <string.h>

#include "human.h"

double statsrow_cpu(const Cleat__V1__StatsSample *before, const Cleat__V1__StatsSample *now)
{
	/* A container that was started anew in between counts from zero. */
	if (!before || now->cpu_total_ns <= before->cpu_total_ns ||
	    now->host_cpu_ns <= before->host_cpu_ns)
		return 0.0;
	return (double)(now->cpu_total_ns - before->cpu_total_ns) /
	       (double)(now->host_cpu_ns - before->host_cpu_ns) * (double)now->online_cpus * 100.0;
}

uint64_t statsrow_memory(const Cleat__V1__StatsSample *now)
{
	const char *key = now->cgroup_version == 2 ? "inactive_file" : "total_inactive_file";

	for (size_t i = 0; i < now->n_memory_stat; i++)
		if (strcmp(now->memory_stat[i]->key, key) == 0 &&
		    now->memory_stat[i]->value < now->memory_bytes)
			return now->memory_bytes - now->memory_stat[i]->value;
	return now->memory_bytes;
}

static json_t *bytes_pair(uint64_t in, uint64_t out)
{
	char first[HUMAN_MAX], second[HUMAN_MAX];

	return json_sprintf("%s / %s", human_size(in, 3, first), human_size(out, 3, second));
}

json_t *statsrow(const Cleat__V1__StatsSample *before, const Cleat__V1__StatsSample *now,
		 const char *container, bool whole_id)
{
	uint64_t used = statsrow_memory(now), limit = now->memory_limit_bytes, rx = 0, tx = 0;
	char id[HUMAN_MAX], first[HUMAN_MAX], second[HUMAN_MAX];
	const char *shown = whole_id ? now->id : human_id(now->id, id);

	for (size_t i = 0; i < now->n_networks; i++) {
		rx += now->networks[i]->rx_bytes;
		tx += now->networks[i]->tx_bytes;
	}
	return json_pack(
		"{s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:s, s:o}", "BlockIO",
		bytes_pair(now->block_read_bytes, now->block_write_bytes), "CPUPerc",
		json_sprintf("%.2f%%", statsrow_cpu(before, now)), "Container",
		container ? container : shown, "ID", shown, "MemPerc",
		json_sprintf("%.2f%%", limit ? (double)used / (double)limit * 100.0 : 0.0),
		"MemUsage",
		json_sprintf("%s / %s", human_memory(used, first), human_memory(limit, second)),
		"NetIO", bytes_pair(rx, tx), "Name", now->name, "PIDs",
		json_sprintf("%llu", (unsigned long long)now->pids));
}
