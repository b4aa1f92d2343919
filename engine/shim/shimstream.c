/* SPDX-License-Identifier: Apache-2.0 */
#include "shimstream.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "fd.h"

/* All that a client keeps of its input until it is taken has room for: so its end can follow at once, though the process
 * does not read. */
enum { FDS_MAX = 2, INPUT_QUEUE_BYTES = 512 << 10 };

Cleat__Shim__V1__CountedInput *shimstream_input(const Cleat__V1__CountedInput *input,
						Cleat__Shim__V1__CountedInput *out)
{
	if (!input || !input->key[0])
		return NULL;
	cleat__shim__v1__counted_input__init(out);
	out->key = input->key;
	out->from = input->from;
	return out;
}

int shimstream_none(struct shims *shims, const char *id, Cleat__Shim__V1__ShimRequest *request,
		    const int *fds, size_t n_fds, struct shimstream *out, struct err *err)
{
	Cleat__Shim__V1__ShimReply *reply = NULL;
	int r = shims_call(shims, id, request, fds, n_fds, SHIM_CALL_MS, &reply, err);

	if (r < 0)
		return r;
	*out = (struct shimstream){
		.sock = -1,
		.position = reply->position,
		.pid = reply->pid,
		.counts = reply->input_case == CLEAT__SHIM__V1__SHIM_REPLY__INPUT_INPUT_TAKEN,
		.input_taken = reply->input_taken,
	};
	cleat__shim__v1__shim_reply__free_unpacked(reply, NULL);
	return 0;
}

int shimstream_open(struct shims *shims, const char *id, Cleat__Shim__V1__ShimRequest *request,
		    const int *fds, size_t n_fds, struct shimstream *out, struct err *err)
{
	cleanup_fd int ours = -1, theirs = -1;
	const int queue = INPUT_QUEUE_BYTES;
	int all[FDS_MAX], pair[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, errno, "socketpair");
	ours = pair[0];
	theirs = pair[1];
	(void)setsockopt(ours, SOL_SOCKET, SO_SNDBUFFORCE, &queue, sizeof(queue));
	for (size_t i = 0; i < n_fds; i++)
		all[i] = fds[i];
	all[n_fds] = theirs;
	r = shimstream_none(shims, id, request, all, n_fds + 1, out, err);
	if (r == 0)
		out->sock = steal_fd(&ours);
	return r;
}
