/* SPDX-License-Identifier: Apache-2.0 */
#include "connectmsg.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base64.h"
#include "cleat/v1/services.rpc.h"
#include "gzip.h"
#include "reflect.h"

static struct reflect reflection(void)
{
	return (struct reflect){ cleat_v1_map_entries, cleat_v1_n_map_entries, false };
}

bool connect_accepts(const char *accepted, const char *coding)
{
	size_t length = strlen(coding), n;

	for (const char *p = accepted; *(p += strspn(p, ", \t")); p += n) {
		const char *q;

		n = strcspn(p, ",");
		if (strcspn(p, ",; \t") != length || strncasecmp(p, coding, length) != 0)
			continue;
		q = memmem(p, n, "q=0", 3); /* 0, 0.0 and so on rule it out */
		q = q ? q + 3 + strspn(q + 3, "0.") : NULL;
		return !q || q + strspn(q, " \t") != p + n;
	}
	return false;
}

/* ---- one message */

static int expand(struct buf *out, const char *data, size_t n, struct err *err)
{
	int r;

	out->max = CONNECT_MAX_MESSAGE;
	r = gzip_expand(out, data, n);
	if (r == -EMSGSIZE)
		return err_set(err, ERR_EXHAUSTED, "the message is larger than %d MiB",
			       CONNECT_MAX_MESSAGE >> 20);
	if (r == -EBADMSG)
		return err_set(err, ERR_INVALID, "the message is no gzip, or damaged");
	return r < 0 ? err_wrap(err, r, "expand the message") : 0;
}

static int parse_plain(const struct connect_form *form, const ProtobufCMessageDescriptor *kind,
		       const char *data, size_t n, ProtobufCMessage **out, struct err *err)
{
	struct reflect r = reflection();
	ProtobufCMessage *message;

	if (!form->binary)
		return reflect_parse(&r, kind, data, n, out, err);
	message = protobuf_c_message_unpack(kind, NULL, n, (const uint8_t *)(data ? data : ""));
	if (!message)
		return err_set(err, ERR_INVALID, "the body is no %s", kind->name);
	*out = message;
	return 0;
}

int connect_parse(const struct connect_form *form, bool compressed,
		  const ProtobufCMessageDescriptor *kind, const char *data, size_t n,
		  ProtobufCMessage **out, struct err *err)
{
	cleanup(buf_deinit) struct buf expanded = BUF_NULL;
	int r;

	if (!compressed)
		return parse_plain(form, kind, data, n, out, err);
	if (!form->gzip_sent)
		return err_set(err, ERR_INVALID,
			       "the message is compressed, but no header says how");
	r = expand(&expanded, data, n, err);
	return r < 0 ? r : parse_plain(form, kind, expanded.data, expanded.len, out, err);
}

static int print_plain(const struct connect_form *form, const ProtobufCMessage *message,
		       struct buf *out)
{
	struct reflect r = reflection();
	size_t n;

	if (!form->binary)
		return reflect_print(&r, message, out);
	n = protobuf_c_message_get_packed_size(message);
	if (buf_reserve(out, n) == 0)
		out->len += protobuf_c_message_pack(message, (uint8_t *)out->data + out->len);
	return out->error;
}

int connect_print(const struct connect_form *form, const ProtobufCMessage *message, struct buf *out,
		  bool *compressed, struct err *err)
{
	cleanup(buf_deinit) struct buf plain = BUF_NULL;
	int r = print_plain(form, message, &plain);

	*compressed = r == 0 && form->gzip_read && plain.len >= CONNECT_MIN_GZIP;
	if (*compressed)
		r = gzip_compress(out, plain.data, plain.len);
	else if (r == 0)
		buf_append(out, plain.data, plain.len);
	if (r == 0)
		r = out->error;
	return r < 0 ? err_wrap(err, r, "write the message") : 0;
}

/* ---- envelopes */

int connect_unwrap(const struct buf *body, const char **data, size_t *n, bool *compressed,
		   struct err *err)
{
	uint32_t length;

	if (body->len < CONNECT_ENVELOPE_BYTES)
		return err_set(err, ERR_INVALID, "the body has no envelope");
	memcpy(&length, body->data + 1, sizeof(length));
	if (ntohl(length) != body->len - CONNECT_ENVELOPE_BYTES)
		return err_set(err, ERR_INVALID, "the envelope's length is not that of the body");
	*compressed = body->data[0] & CONNECT_FLAG_COMPRESSED;
	*data = body->data + CONNECT_ENVELOPE_BYTES;
	*n = body->len - CONNECT_ENVELOPE_BYTES;
	return 0;
}

void connect_envelope(uint8_t flags, size_t n, char head[CONNECT_ENVELOPE_BYTES])
{
	uint32_t length = htonl((uint32_t)n);

	head[0] = (char)flags;
	memcpy(head + 1, &length, sizeof(length));
}

/* ---- errors */

/* A field of type string, by hand: ErrorInfo has but two, and none of our definitions knows it. */
static void put_string(struct buf *out, unsigned number, const char *text)
{
	size_t n = strlen(text);

	_Static_assert(ERR_REASON_MAX < 128, "a length of one byte");
	buf_putc(out, (char)(number << 3 | 2));
	buf_putc(out, (char)n);
	buf_append(out, text, n);
}

/* The value of a detail is base64 without padding. */
static void print_details(struct buf *out, const char *reason)
{
	cleanup(buf_deinit) struct buf info = BUF_NULL, text = BUF_NULL;

	put_string(&info, 1, reason);
	put_string(&info, 2, "cleat.v1");
	base64_encode(&text, info.data, info.len);
	buf_printf(out,
		   ",\"details\":[{\"type\":\"google.rpc.ErrorInfo\",\"value\":\"%.*s\","
		   "\"debug\":{\"reason\":",
		   (int)strcspn(text.data ? text.data : "", "="), text.data ? text.data : "");
	buf_json_string(out, reason, strlen(reason));
	buf_puts(out, ",\"domain\":\"cleat.v1\"}}]");
}

void connect_print_error(struct buf *out, const struct err *err)
{
	buf_printf(out, "{\"code\":\"%s\",\"message\":", err_code_connect(err->code));
	buf_json_string(out, err->message, strlen(err->message));
	if (*err->reason)
		print_details(out, err->reason);
	buf_puts(out, "}");
}
