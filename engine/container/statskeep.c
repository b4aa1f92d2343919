/* SPDX-License-Identifier: Apache-2.0 */
/* An array in no order; a container has one entry. Who adds also throws out what is too old to be of use. */
#include "statskeep.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define NS_A_MS INT64_C(1000000)

struct look {
	char id[65];
	int64_t time_ns;
	uint64_t total_ns, user_ns, system_ns, host_ns;
	uint64_t periods, throttled_periods, throttled_ns;
	uint32_t cpus;
};

struct statskeep {
	pthread_mutex_t mutex;
	struct look *looks;
	size_t n, cap;
};

struct statskeep *statskeep_new(void)
{
	struct statskeep *keep = calloc(1, sizeof(*keep));

	if (keep)
		pthread_mutex_init(&keep->mutex, NULL);
	return keep;
}

struct statskeep *statskeep_free(struct statskeep *keep)
{
	if (keep) {
		pthread_mutex_destroy(&keep->mutex);
		free(keep->looks);
		free(keep);
	}
	return NULL;
}

static struct look *find(struct statskeep *keep, const char *id)
{
	for (size_t i = 0; i < keep->n; i++)
		if (strcmp(keep->looks[i].id, id) == 0)
			return &keep->looks[i];
	return NULL;
}

static void fill(const struct look *look, Cleat__V1__StatsSample *before)
{
	before->time_ns = look->time_ns;
	before->cpu_total_ns = look->total_ns;
	before->cpu_user_ns = look->user_ns;
	before->cpu_system_ns = look->system_ns;
	before->host_cpu_ns = look->host_ns;
	before->periods = look->periods;
	before->throttled_periods = look->throttled_periods;
	before->throttled_ns = look->throttled_ns;
	before->online_cpus = look->cpus;
}

static bool is_near(int64_t time_ns, int64_t now_ns)
{
	return time_ns <= now_ns - STATSKEEP_MIN_MS * NS_A_MS &&
	       time_ns >= now_ns - STATSKEEP_MAX_MS * NS_A_MS;
}

static bool from_look(struct statskeep *keep, const Cleat__V1__StatsSample *now, int64_t started_ns,
		      Cleat__V1__StatsSample *before)
{
	struct look *look;
	bool found;

	pthread_mutex_lock(&keep->mutex);
	look = find(keep, now->id);
	found = look && look->time_ns > started_ns && is_near(look->time_ns, now->time_ns);
	if (found)
		fill(look, before);
	pthread_mutex_unlock(&keep->mutex);
	return found;
}

/* Everything began at zero with the container; of the host, what it has had since is taken away. */
static bool from_start(const Cleat__V1__StatsSample *now, int64_t started_ns,
		       Cleat__V1__StatsSample *before)
{
	uint64_t since_ns;

	if (!is_near(started_ns, now->time_ns))
		return false;
	since_ns = (uint64_t)(now->time_ns - started_ns) * now->online_cpus;
	before->time_ns = started_ns;
	before->host_cpu_ns = now->host_cpu_ns > since_ns ? now->host_cpu_ns - since_ns : 0;
	before->online_cpus = now->online_cpus;
	return true;
}

bool statskeep_before(struct statskeep *keep, const Cleat__V1__StatsSample *now, int64_t started_ns,
		      Cleat__V1__StatsSample *before)
{
	cleat__v1__stats_sample__init(before);
	before->id = now->id;
	before->name = now->name;
	before->cgroup_version = now->cgroup_version;
	return from_look(keep, now, started_ns, before) || from_start(now, started_ns, before);
}

static void drop_old(struct statskeep *keep, int64_t now_ns)
{
	size_t left = 0;

	for (size_t i = 0; i < keep->n; i++)
		if (keep->looks[i].time_ns >= now_ns - STATSKEEP_MAX_MS * NS_A_MS)
			keep->looks[left++] = keep->looks[i];
	keep->n = left;
}

/* A new entry, NULL = no memory. */
static struct look *add(struct statskeep *keep, const Cleat__V1__StatsSample *now)
{
	if (keep->n == keep->cap)
		drop_old(keep, now->time_ns);
	if (keep->n == keep->cap) {
		size_t cap = keep->cap ? keep->cap * 2 : 16;
		struct look *grown = reallocarray(keep->looks, cap, sizeof(*grown));

		if (!grown)
			return NULL;
		keep->looks = grown;
		keep->cap = cap;
	}
	return &keep->looks[keep->n++];
}

void statskeep_put(struct statskeep *keep, const Cleat__V1__StatsSample *now)
{
	struct look *look;

	if (!now->time_ns || strlen(now->id) >= sizeof(look->id))
		return;
	pthread_mutex_lock(&keep->mutex);
	look = find(keep, now->id);
	look = look ? look : add(keep, now);
	if (look) {
		*look = (struct look){
			.time_ns = now->time_ns,
			.total_ns = now->cpu_total_ns,
			.user_ns = now->cpu_user_ns,
			.system_ns = now->cpu_system_ns,
			.host_ns = now->host_cpu_ns,
			.periods = now->periods,
			.throttled_periods = now->throttled_periods,
			.throttled_ns = now->throttled_ns,
			.cpus = now->online_cpus,
		};
		memcpy(look->id, now->id, strlen(now->id) + 1);
	}
	pthread_mutex_unlock(&keep->mutex);
}
