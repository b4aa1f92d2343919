/* SPDX-License-Identifier: Apache-2.0 */
/* Any text: read as a container's config; what is accepted must print and read again to the same. */
#include <stdlib.h>
#include <string.h>

#include "cleat/v1/config.pb-c.h"
#include "cleat/v1/services.rpc.h"
#include "reflect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct reflect r = { cleat_v1_map_entries, cleat_v1_n_map_entries, false };
	const ProtobufCMessageDescriptor *kind = &cleat__v1__container_config__descriptor;
	cleanup(buf_deinit) struct buf once = BUF_NULL, twice = BUF_NULL;
	ProtobufCMessage *msg = NULL, *again = NULL;

	if (reflect_parse(&r, kind, (const char *)data, size, &msg, NULL) < 0)
		return 0;
	if (reflect_print(&r, msg, &once) < 0 ||
	    reflect_parse(&r, kind, once.data, once.len, &again, NULL) < 0 ||
	    reflect_print(&r, again, &twice) < 0 || once.len != twice.len ||
	    memcmp(once.data, twice.data, once.len) != 0)
		abort();
	protobuf_c_message_free_unpacked(msg, NULL);
	protobuf_c_message_free_unpacked(again, NULL);
	return 0;
}
