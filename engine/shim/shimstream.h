/* SPDX-License-Identifier: Apache-2.0 */
/* A socket of StreamFrames (shim.proto) between this engine and a shim, for the streams of a container or of an exec. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cleat/v1/containers.pb-c.h"
#include "shimlink.h"

struct shimstream {
	int sock;             /* ours, owned; -1 = none */
	uint64_t position;    /* where its output begins */
	int32_t pid;          /* of an exec that was started, on the host */
	bool counts;          /* the shim counts the input ... */
	uint64_t input_taken; /* ... of which it has so much */
};

/* What a client says of its input, for the shim: in *out, borrowed, or NULL when it says nothing. */
Cleat__Shim__V1__CountedInput *shimstream_input(const Cleat__V1__CountedInput *input,
						Cleat__Shim__V1__CountedInput *out);

/* Asks with one socket more, behind the descriptors (borrowed, at most one), and tells what the shim replied. Errors of
 * shims_call(). Blocks as that. */
int shimstream_open(struct shims *shims, const char *id, Cleat__Shim__V1__ShimRequest *request,
		    const int *fds, size_t n_fds, struct shimstream *out,
		    struct err *err) must_check;
/* Asks without one. */
int shimstream_none(struct shims *shims, const char *id, Cleat__Shim__V1__ShimRequest *request,
		    const int *fds, size_t n_fds, struct shimstream *out,
		    struct err *err) must_check;
