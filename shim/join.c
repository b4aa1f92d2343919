/* SPDX-License-Identifier: Apache-2.0 */
/* The other container's status tells its process, whichever of its starts that is of: so a restart finds the namespace
 * that there is then, and no engine is needed. The runtime gets /proc/PID of it as a descriptor, which was opened first
 * and looked at afterwards. A status may be behind, when the other one's shim was killed: its process counts. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proc.h"
#include "shim.h"

static const char *const words[N_JOINS] = { [JOIN_PID] = "PID", [JOIN_IPC] = "IPC" };

const char *join_of(const struct shim *shim, enum join kind)
{
	return kind == JOIN_PID ? shim->spec->pid_of : shim->spec->ipc_of;
}

static bool exists(const struct shim *shim, const char *id)
{
	char path[80];

	(void)snprintf(path, sizeof(path), "../%.64s/shim.pb", id);
	return faccessat(shim->state_fd, path, F_OK, 0) == 0;
}

static void find_process(const struct shim *shim, const char *id, struct joined *out)
{
	cleanup(buf_deinit) struct buf b = BUF_NULL;
	Cleat__Shim__V1__ShimStatus *s;
	char path[80];

	(void)snprintf(path, sizeof(path), "../%.64s/status", id);
	if (slotfile_read(shim->state_fd, path, &b) < 0)
		return;
	s = cleat__shim__v1__shim_status__unpack(NULL, b.len, (const uint8_t *)b.data);
	if (!s)
		return;
	if (s->pid > 0 && strcmp(s->boot_id, shim->boot_id) == 0) {
		out->start_ticks = s->pid_start_ticks;
		out->fd = proc_open(s->pid, s->pid_start_ticks);
	}
	cleat__shim__v1__shim_status__free_unpacked(s, NULL);
}

static bool runs(const struct joined *joined)
{
	return joined->fd >= 0 && proc_lives(joined->fd, joined->start_ticks);
}

void join_close(struct shim *shim)
{
	for (size_t i = 0; i < N_JOINS; i++) {
		closep(&shim->joined[i].fd);
		shim->joined[i].fd = -1;
	}
}

int join_open(struct shim *shim)
{
	join_close(shim);
	for (enum join i = 0; i < N_JOINS; i++)
		if (join_of(shim, i)[0])
			find_process(shim, join_of(shim, i), &shim->joined[i]);
	return join_why(shim) ? -EHOSTDOWN : 0;
}

const char *join_why(struct shim *shim)
{
	for (enum join i = 0; i < N_JOINS; i++) {
		const char *id = join_of(shim, i);

		if (!id[0] || runs(&shim->joined[i]))
			continue;
		if (exists(shim, id))
			(void)snprintf(shim->join_why, sizeof(shim->join_why),
				       "cannot join %s of a non running container: %.64s", words[i],
				       id);
		else
			(void)snprintf(shim->join_why, sizeof(shim->join_why),
				       "cannot join %s: No such container: %.64s", words[i], id);
		return shim->join_why;
	}
	return NULL;
}

bool join_waits(struct shim *shim)
{
	for (enum join i = 0; i < N_JOINS; i++)
		if (join_of(shim, i)[0] && !exists(shim, join_of(shim, i)))
			return false;
	return join_why(shim) != NULL;
}
