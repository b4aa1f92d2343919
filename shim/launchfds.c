/* SPDX-License-Identifier: Apache-2.0 */
#include "launchfds.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fd.h"
#include "shim.h"

void launchfds_close(struct launchfds *fds)
{
	for (size_t i = 0; i < ARRAY_LEN(fds->std); i++)
		closep(&fds->std[i]);
	closep(&fds->process);
}

static int open_fifo(struct shim *shim, const char *name, int flags)
{
	int fd = openat(shim->run_fd, name, flags | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : fd;
}

/* Output read-write, so that the container never sees the other end go away; input read-only, so that
 * it sees the end of it. */
int launchfds_container(struct shim *shim, struct launchfds *fds)
{
	fds->std[1] = open_fifo(shim, "stdout", O_RDWR);
	fds->std[2] = open_fifo(shim, "stderr", O_RDWR);
	if (shim->spec->open_stdin)
		fds->std[0] = open_fifo(shim, "stdin", O_RDONLY);
	return fds->std[1] < 0 || fds->std[2] < 0 ? -EIO : 0;
}

/* Pipes of an exec: the child's ends in fds, ours in *out, *err, *in. */
static int exec_pipes(struct launchfds *fds, bool with_input, int ours[3])
{
	for (int i = with_input ? 0 : 1; i < 3; i++) {
		int ends[2];

		if (pipe2(ends, O_CLOEXEC) < 0)
			return -errno;
		fds->std[i] = ends[i == 0 ? 0 : 1];
		ours[i] = ends[i == 0 ? 1 : 0];
	}
	return 0;
}

/* JSON of a request for the runtime to read. */
int launchfds_json(const ProtobufCBinaryData *json, struct launchfds *fds)
{
	fds->process = memfd_create("json", MFD_CLOEXEC);
	if (fds->process < 0)
		return -errno;
	return fd_write_all(fds->process, json->data, json->len);
}

/* Both streams of a health check are one pipe, so that its lines stay in order. */
static int probe_pipe(struct exec *exec, struct launchfds *fds)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	probe_piped(exec, ends[0]);
	fds->std[1] = ends[1];
	fds->std[2] = fcntl(ends[1], F_DUPFD_CLOEXEC, 0);
	if (fds->std[2] < 0) {
		close(ends[0]);
		return -errno;
	}
	return io_open_pipes(&exec->io, ends[0], -1, -1);
}

int launchfds_exec(struct exec *exec, const Cleat__Shim__V1__ExecRequest *request,
		   struct launchfds *fds)
{
	int ours[3] = { -1, -1, -1 }, r;

	/* the request's own object: engines of before */
	r = fds->process < 0 ? launchfds_json(&request->process_json, fds) : 0;
	if (r == 0 && exec->probe)
		return probe_pipe(exec, fds);
	if (r < 0 || request->tty || request->detached)
		return r;
	r = exec_pipes(fds, request->stdin, ours);
	if (r == 0)
		return io_open_pipes(&exec->io, ours[1], ours[2], ours[0]);
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		closep(&ours[i]);
	return r;
}
