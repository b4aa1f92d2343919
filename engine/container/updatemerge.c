/* SPDX-License-Identifier: Apache-2.0 */
#include "updatemerge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "str.h"
#include "textfield.h"

typedef Cleat__V1__Resources resources;

/* What belongs to a container for life. */
static const char *fixed_field(const resources *r)
{
	if (r->oom_kill_disable)
		return "oom_kill_disable";
	if (r->swappiness_case == CLEAT__V1__RESOURCES__SWAPPINESS_MEMORY_SWAPPINESS)
		return "memory_swappiness";
	if (r->n_blkio_weight_device)
		return "blkio_weight_device";
	if (r->n_device_read_bps || r->n_device_write_bps || r->n_device_read_iops ||
	    r->n_device_write_iops)
		return "the limits of single block devices";
	return NULL;
}

static const char *conflict(const resources *now, const resources *wanted)
{
	if (wanted->nano_cpus && now->cpu_period_us)
		return "Conflicting options: Nano CPUs cannot be updated as CPU Period has already "
		       "been set";
	if (wanted->nano_cpus && now->cpu_quota_us)
		return "Conflicting options: Nano CPUs cannot be updated as CPU Quota has already "
		       "been set";
	if (wanted->cpu_period_us && now->nano_cpus)
		return "Conflicting options: CPU Period cannot be updated as NanoCPUs has already "
		       "been set";
	if (wanted->cpu_quota_us && now->nano_cpus)
		return "Conflicting options: CPU Quota cannot be updated as NanoCPUs has already "
		       "been set";
	if (wanted->memory_bytes && !wanted->memory_swap_bytes && now->memory_swap_bytes > 0 &&
	    wanted->memory_bytes > now->memory_swap_bytes)
		return "Memory limit should be smaller than already set memoryswap limit, update "
		       "the memoryswap at the same time";
	return NULL;
}

/* What is not said stays. */
static int set_text(char **field, const char *value)
{
	return str_or_empty(value)[0] ? textfield_set(field, strdup(value)) : 0;
}

static int merge_limits(resources *now, const resources *wanted)
{
	const struct {
		int64_t *now;
		int64_t wanted;
	} numbers[] = {
		{ &now->memory_bytes, wanted->memory_bytes },
		{ &now->memory_swap_bytes, wanted->memory_swap_bytes },
		{ &now->memory_reservation_bytes, wanted->memory_reservation_bytes },
		{ &now->kernel_memory_bytes, wanted->kernel_memory_bytes },
		{ &now->nano_cpus, wanted->nano_cpus },
		{ &now->cpu_shares, wanted->cpu_shares },
		{ &now->cpu_period_us, wanted->cpu_period_us },
		{ &now->cpu_quota_us, wanted->cpu_quota_us },
		{ &now->cpu_realtime_period_us, wanted->cpu_realtime_period_us },
		{ &now->cpu_realtime_runtime_us, wanted->cpu_realtime_runtime_us },
		{ &now->pids_limit, wanted->pids_limit },
	};

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (numbers[i].wanted)
			*numbers[i].now = numbers[i].wanted;
	if (wanted->blkio_weight)
		now->blkio_weight = wanted->blkio_weight;
	if (set_text(&now->cpuset_cpus, wanted->cpuset_cpus) < 0)
		return -ENOMEM;
	return set_text(&now->cpuset_mems, wanted->cpuset_mems);
}

static int merge_resources(Cleat__V1__ContainerConfig *config, const resources *wanted,
			   struct err *err)
{
	const char *wrong = fixed_field(wanted);

	if (wrong)
		return err_set(err, ERR_INVALID, "%s cannot be changed by an update", wrong);
	if (!config->resources) {
		config->resources = malloc(sizeof(*config->resources));
		if (!config->resources)
			return err_sys(err, ENOMEM, "update");
		cleat__v1__resources__init(config->resources);
	}
	wrong = conflict(config->resources, wanted);
	if (wrong)
		return err_set(err, ERR_PRECONDITION, "%s", wrong);
	return merge_limits(config->resources, wanted) < 0 ? err_sys(err, ENOMEM, "update") : 0;
}

static int merge_restart(Cleat__V1__ContainerConfig *config, const Cleat__V1__RestartPolicy *wanted,
			 struct err *err)
{
	Cleat__V1__RestartPolicy *policy = config->restart_policy;

	if (config->auto_remove && strcmp(wanted->name, "no") != 0)
		return err_set(err, ERR_PRECONDITION,
			       "Restart policy cannot be updated because AutoRemove is enabled for "
			       "the container");
	if (!policy) {
		policy = malloc(sizeof(*policy));
		if (!policy)
			return err_sys(err, ENOMEM, "update");
		cleat__v1__restart_policy__init(policy);
		config->restart_policy = policy;
	}
	policy->maximum_retry_count = wanted->maximum_retry_count;
	policy->delay_ms = wanted->delay_ms ? wanted->delay_ms : policy->delay_ms;
	policy->max_delay_ms = wanted->max_delay_ms ? wanted->max_delay_ms : policy->max_delay_ms;
	policy->on_unhealthy = wanted->on_unhealthy || policy->on_unhealthy;
	return set_text(&policy->name, wanted->name) < 0 ? err_sys(err, ENOMEM, "update") : 0;
}

int updatemerge(Cleat__V1__ContainerConfig *config,
		const Cleat__V1__UpdateContainerRequest *request, struct err *err)
{
	const Cleat__V1__RestartPolicy *restart = request->restart_policy;
	int r = request->resources ? merge_resources(config, request->resources, err) : 0;

	return r == 0 && restart && restart->name[0] ? merge_restart(config, restart, err) : r;
}
