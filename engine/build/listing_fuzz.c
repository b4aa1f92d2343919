/* SPDX-License-Identifier: Apache-2.0 */
/* A message of a listing, and ways through what came of it. */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "fd.h"
#include "listing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at_all(const struct listing *l)
{
	for (uint32_t i = 0, end = listing_next(l, LISTING_ROOT); i < end; i++) {
		struct listing_file f;

		listing_get(l, i, &f);
		if (listing_resolve(l, f.path, false) != (int64_t)i || listing_next(l, i) > end)
			__builtin_trap();
		(void)!listing_resolve(l, f.path, true);
		(void)!listing_resolve(l, f.target, true);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const ProtobufCMessageDescriptor *type =
		&cleat__v1__build_request__context_listing__descriptor;
	ProtobufCMessage *message = protobuf_c_message_unpack(type, NULL, size, data);
	const Cleat__V1__BuildRequest__ContextListing *m = (const void *)message;
	cleanup_fd int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup(listing_freep) struct listing *l = NULL;

	if (!m)
		return 0;
	if (listing_new(&l, tmp, NULL) == 0) {
		for (size_t i = 0; i < m->n_files; i++)
			(void)!listing_add(l, m->files[i], NULL);
		if (listing_end(l, NULL) == 0)
			look_at_all(l);
	}
	protobuf_c_message_free_unpacked(message, NULL);
	return 0;
}
