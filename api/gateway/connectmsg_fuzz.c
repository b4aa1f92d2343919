/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte chooses the form, the rest is the body of a call. What was read can be written, and read again. */
#include "connectmsg.h"

#include <stdlib.h>

#include "cleat/v1/containers.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void again(const struct connect_form *form, ProtobufCMessage *message)
{
	cleanup(buf_deinit) struct buf out = BUF_NULL;
	ProtobufCMessage *back = NULL;
	bool compressed;

	if (connect_print(form, message, &out, &compressed, NULL) < 0)
		return; /* nested deeper than JSON may be */
	if (form->binary && connect_parse(form, compressed, message->descriptor, out.data, out.len,
					  &back, NULL) < 0)
		abort();
	protobuf_c_message_free_unpacked(back, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	cleanup(buf_deinit) struct buf body = BUF_NULL;
	struct connect_form form = { .gzip_sent = true, .gzip_read = true };
	ProtobufCMessage *message = NULL;
	const char *text;
	bool compressed;

	if (n == 0)
		return 0;
	form.binary = data[0] & 1;
	buf_append(&body, data + 1, n - 1);
	(void)connect_accepts(body.data, "gzip");
	if (connect_unwrap(&body, &text, &n, &compressed, NULL) < 0)
		return 0;
	if (connect_parse(&form, compressed, &cleat__v1__create_container_request__descriptor, text,
			  n, &message, NULL) == 0)
		again(&form, message);
	protobuf_c_message_free_unpacked(message, NULL);
	return 0;
}
