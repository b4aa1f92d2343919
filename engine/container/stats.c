/* SPDX-License-Identifier: Apache-2.0 */
/* A file that is not there (a controller the kernel lacks, a group that has just gone) counts nothing. The
 * time all processors have had is the clock's times their number: exact, where /proc/stat counts in
 * hundredths of a second, and read without taking a look at each of them. */
#include "stats.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "buf.h"
#include "cgrouppath.h"
#include "fd.h"
#include "proc.h"
#include "request.h"
#include "statsparse.h"
#include "status.h"
#include "str.h"

enum { FILE_MAX_BYTES = 1 << 20 };

/* A container's group: a directory on v2, one below each hierarchy on v1. */
struct group {
	int root_fd;
	bool v2;
	const char *path;
	struct buf text; /* of the file read last */
};

static void group_deinit(struct group *group)
{
	closep(&group->root_fd);
	buf_deinit(&group->text);
}

static int group_open(struct group *group)
{
	struct statfs fs;

	group->root_fd = open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (group->root_fd < 0 || fstatfs(group->root_fd, &fs) < 0)
		return -errno;
	group->v2 = fs.f_type == CGROUP2_SUPER_MAGIC;
	return 0;
}

/* The text of a file, "" when there is none. Borrowed until the next call. */
static const char *text_of(struct group *group, const char *hierarchy, const char *file)
{
	char path[CGROUPPATH_MAX + 128];

	(void)snprintf(path, sizeof(path), "%s%s%s/%s", hierarchy, hierarchy[0] ? "/" : "",
		       group->path, file);
	group->text.len = 0;
	return fd_read_file(group->root_fd, path, FILE_MAX_BYTES, &group->text) < 0
		       ? ""
		       : group->text.data;
}

static uint64_t number_of(struct group *group, const char *hierarchy, const char *file)
{
	return statsparse_number(text_of(group, hierarchy, file));
}

static void read_throttling(const char *cpu_stat, Cleat__V1__StatsSample *sample)
{
	sample->periods = statsparse_key(cpu_stat, "nr_periods");
	sample->throttled_periods = statsparse_key(cpu_stat, "nr_throttled");
}

static int read_v1(struct group *group, Cleat__V1__StatsSample *sample)
{
	uint64_t tick_ns = UINT64_C(1000000000) / (uint64_t)sysconf(_SC_CLK_TCK);
	const char *text = text_of(group, "cpuacct", "cpuacct.stat");
	int r;

	sample->cpu_user_ns = statsparse_key(text, "user") * tick_ns;
	sample->cpu_system_ns = statsparse_key(text, "system") * tick_ns;
	sample->cpu_total_ns = number_of(group, "cpuacct", "cpuacct.usage");
	r = statsparse_per_cpu(text_of(group, "cpuacct", "cpuacct.usage_percpu"), sample);
	text = text_of(group, "cpu", "cpu.stat");
	read_throttling(text, sample);
	sample->throttled_ns = statsparse_key(text, "throttled_time");
	sample->memory_bytes = number_of(group, "memory", "memory.usage_in_bytes");
	sample->memory_peak_bytes = number_of(group, "memory", "memory.max_usage_in_bytes");
	sample->memory_limit_bytes = number_of(group, "memory", "memory.limit_in_bytes");
	sample->memory_failures = number_of(group, "memory", "memory.failcnt");
	if (r == 0)
		r = statsparse_memory(text_of(group, "memory", "memory.stat"), sample);
	sample->pids = number_of(group, "pids", "pids.current");
	sample->pids_limit = number_of(group, "pids", "pids.max");
	if (r == 0)
		r = statsparse_blkio(
			text_of(group, "blkio", "blkio.throttle.io_service_bytes_recursive"), false,
			sample);
	return r ? r
		 : statsparse_blkio(text_of(group, "blkio", "blkio.throttle.io_serviced_recursive"),
				    true, sample);
}

static int read_v2(struct group *group, Cleat__V1__StatsSample *sample)
{
	const char *text = text_of(group, "", "cpu.stat");
	int r;

	sample->cpu_total_ns = statsparse_key(text, "usage_usec") * 1000;
	sample->cpu_user_ns = statsparse_key(text, "user_usec") * 1000;
	sample->cpu_system_ns = statsparse_key(text, "system_usec") * 1000;
	read_throttling(text, sample);
	sample->throttled_ns = statsparse_key(text, "throttled_usec") * 1000;
	sample->memory_bytes = number_of(group, "", "memory.current");
	sample->memory_peak_bytes = number_of(group, "", "memory.peak");
	sample->memory_limit_bytes = number_of(group, "", "memory.max");
	r = statsparse_memory(text_of(group, "", "memory.stat"), sample);
	sample->pids = number_of(group, "", "pids.current");
	sample->pids_limit = number_of(group, "", "pids.max");
	return r ? r : statsparse_io(text_of(group, "", "io.stat"), sample);
}

/* A container whose mode is the host's has no counters of its own. */
static bool has_network(const struct record *record)
{
	cleanup(request_freep) create_request *request = request_of(record, NULL);

	return request && strcmp(request->config->network_mode, "host") != 0;
}

static int read_network(const struct record *record, const struct status *status,
			Cleat__V1__StatsSample *sample)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	cleanup_fd int dir = -1;

	if (!has_network(record))
		return 0;
	dir = proc_dir(status->pid, status->pid_start_ticks);
	if (dir < 0 || fd_read_file(dir, "net/dev", FILE_MAX_BYTES, &text) < 0)
		return 0;
	return statsparse_network(text.data, sample);
}

static void read_host(Cleat__V1__StatsSample *sample)
{
	struct sysinfo info;
	uint64_t memory = sysinfo(&info) == 0 ? (uint64_t)info.totalram * info.mem_unit : 0;

	sample->time_ns = fd_realtime_ns();
	sample->online_cpus = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
	sample->host_cpu_ns = (uint64_t)fd_monotonic_ns() * sample->online_cpus;
	if (memory < sample->memory_limit_bytes || !sample->memory_limit_bytes)
		sample->memory_limit_bytes = memory;
	if (sample->pids_limit == UINT64_MAX)
		sample->pids_limit = 0;
}

static int read_running(const struct engine *engine, const struct record *record,
			const struct status *status, Cleat__V1__StatsSample *sample)
{
	cleanup_free char *path = cgrouppath_of(engine, record->id);
	cleanup(group_deinit) struct group group = { .root_fd = -1, .path = path };
	int r = path ? 0 : -ENOMEM;

	if (r < 0 || group_open(&group) < 0)
		return r;
	sample->cgroup_version = group.v2 ? 2 : 1;
	r = group.v2 ? read_v2(&group, sample) : read_v1(&group, sample);
	r = r ? r : read_network(record, status, sample);
	read_host(sample);
	return r;
}

int stats_read(const struct engine *engine, const struct record *record,
	       Cleat__V1__StatsSample *sample, int64_t *started_ns)
{
	struct status status;

	sample->id = strdup(record->id);
	sample->name = strdup(record->name);
	if (!sample->id || !sample->name)
		return -ENOMEM;
	status_read(engine, record, &status);
	*started_ns = status.started_ns;
	return status.pid > 0 && status_active(&status)
		       ? read_running(engine, record, &status, sample)
		       : 0;
}
