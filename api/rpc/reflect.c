/* SPDX-License-Identifier: Apache-2.0 */
/* Writing messages. The text is built straight into the buffer: field order is that of the
 * descriptor (by number), which makes the output stable. protobuf-c keeps no mark of map entries in
 * its descriptors, so the generator lists them and a field is a map if its message is in that list. */
#include "reflect.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

static int print_message(const struct reflect *r, const ProtobufCMessage *msg, int depth,
			 struct buf *out);

bool reflect_is_map(const struct reflect *r, const ProtobufCFieldDescriptor *field)
{
	if (field->label != PROTOBUF_C_LABEL_REPEATED || field->type != PROTOBUF_C_TYPE_MESSAGE)
		return false;
	for (size_t i = 0; i < r->n_map_entries; i++)
		if (field->descriptor == r->map_entries[i])
			return true;
	return false;
}

size_t reflect_value_size(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		return sizeof(uint64_t);
	case PROTOBUF_C_TYPE_DOUBLE:
		return sizeof(double);
	case PROTOBUF_C_TYPE_STRING:
		return sizeof(char *);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(ProtobufCMessage *);
	default:
		return sizeof(uint32_t);
	}
}

void reflect_json_name(const char *name, char *out, size_t size)
{
	size_t n = 0;
	bool upper = false;

	for (; *name && n + 1 < size; name++) {
		if (*name == '_') {
			upper = true;
			continue;
		}
		out[n++] =
			upper && *name >= 'a' && *name <= 'z' ? (char)(*name - 'a' + 'A') : *name;
		upper = false;
	}
	out[n] = '\0';
}

static void print_base64(const ProtobufCBinaryData *bytes, struct buf *out)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	buf_putc(out, '"');
	for (size_t i = 0; i < bytes->len; i += 3) {
		size_t n = bytes->len - i;
		uint32_t v = (uint32_t)bytes->data[i] << 16;

		if (n > 1)
			v |= (uint32_t)bytes->data[i + 1] << 8;
		if (n > 2)
			v |= bytes->data[i + 2];
		buf_putc(out, digits[v >> 18]);
		buf_putc(out, digits[v >> 12 & 63]);
		buf_putc(out, n > 1 ? digits[v >> 6 & 63] : '=');
		buf_putc(out, n > 2 ? digits[v & 63] : '=');
	}
	buf_putc(out, '"');
}

static void print_real(double v, int digits, struct buf *out)
{
	if (isnan(v))
		buf_puts(out, "\"NaN\"");
	else if (isinf(v))
		buf_puts(out, v < 0 ? "\"-Infinity\"" : "\"Infinity\"");
	else
		buf_printf(out, "%.*g", digits, v);
}

static void print_enum(const ProtobufCEnumDescriptor *kind, int value, struct buf *out)
{
	const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(kind, value);

	if (v)
		buf_json_string(out, v->name, strlen(v->name));
	else
		buf_printf(out, "%d", value);
}

static int print_value(const struct reflect *r, const ProtobufCFieldDescriptor *field,
		       const void *at, int depth, struct buf *out)
{
	const char *text;

	switch (field->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		buf_printf(out, "%" PRId32, *(const int32_t *)at);
		break;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		buf_printf(out, "%" PRIu32, *(const uint32_t *)at);
		break;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		buf_printf(out, "\"%" PRId64 "\"", *(const int64_t *)at);
		break;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		buf_printf(out, "\"%" PRIu64 "\"", *(const uint64_t *)at);
		break;
	case PROTOBUF_C_TYPE_FLOAT:
		print_real((double)*(const float *)at, 9, out);
		break;
	case PROTOBUF_C_TYPE_DOUBLE:
		print_real(*(const double *)at, 17, out);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		buf_puts(out, *(const protobuf_c_boolean *)at ? "true" : "false");
		break;
	case PROTOBUF_C_TYPE_ENUM:
		print_enum(field->descriptor, *(const int *)at, out);
		break;
	case PROTOBUF_C_TYPE_STRING:
		text = *(char *const *)at ? *(char *const *)at : "";
		buf_json_string(out, text, strlen(text));
		break;
	case PROTOBUF_C_TYPE_BYTES:
		print_base64(at, out);
		break;
	case PROTOBUF_C_TYPE_MESSAGE:
		return print_message(r, *(ProtobufCMessage *const *)at, depth + 1, out);
	}
	return 0;
}

/* A key is always a string in JSON; 64-bit numbers are quoted already. */
static void print_key(const struct reflect *r, const ProtobufCMessage *entry, struct buf *out)
{
	const ProtobufCFieldDescriptor *key = &entry->descriptor->fields[0];
	bool quote = key->type != PROTOBUF_C_TYPE_STRING && reflect_value_size(key->type) == 4;

	if (quote)
		buf_putc(out, '"');
	(void)!print_value(r, key, (const char *)entry + key->offset, 0, out);
	if (quote)
		buf_putc(out, '"');
}

static int print_repeated(const struct reflect *r, const ProtobufCFieldDescriptor *field,
			  const ProtobufCMessage *msg, int depth, struct buf *out)
{
	size_t n = *(const size_t *)((const char *)msg + field->quantifier_offset);
	const char *items = *(char *const *)((const char *)msg + field->offset);
	size_t size = reflect_value_size(field->type);
	bool map = reflect_is_map(r, field);
	int result = 0;

	buf_putc(out, map ? '{' : '[');
	for (size_t i = 0; i < n && result == 0; i++) {
		const void *at = items + i * size;

		if (i)
			buf_putc(out, ',');
		if (map) {
			const ProtobufCMessage *entry = *(ProtobufCMessage *const *)at;
			const ProtobufCFieldDescriptor *value = &entry->descriptor->fields[1];

			print_key(r, entry, out);
			buf_putc(out, ':');
			if (value->type == PROTOBUF_C_TYPE_MESSAGE &&
			    !*(ProtobufCMessage *const *)((const char *)entry + value->offset))
				buf_puts(out, "{}");
			else
				result = print_value(r, value, (const char *)entry + value->offset,
						     depth + 1, out);
		} else {
			result = print_value(r, field, at, depth, out);
		}
	}
	buf_putc(out, map ? '}' : ']');
	return result;
}

static bool is_zero(const ProtobufCFieldDescriptor *field, const void *at)
{
	static const char zero[sizeof(uint64_t)];

	if (field->type == PROTOBUF_C_TYPE_STRING)
		return !*(char *const *)at || !**(char *const *)at;
	if (field->type == PROTOBUF_C_TYPE_BYTES)
		return ((const ProtobufCBinaryData *)at)->len == 0;
	return memcmp(at, zero, reflect_value_size(field->type)) == 0;
}

static bool is_printed(const struct reflect *r, const ProtobufCFieldDescriptor *field,
		       const ProtobufCMessage *msg)
{
	const char *base = (const char *)msg;
	const void *at = base + field->offset;
	bool pointer =
		field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;

	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
		return *(const uint32_t *)(base + field->quantifier_offset) == field->id &&
		       (!pointer || *(void *const *)at);
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return r->defaults || *(const size_t *)(base + field->quantifier_offset);
	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		return *(void *const *)at;
	if (field->label == PROTOBUF_C_LABEL_OPTIONAL)
		return pointer ? *(void *const *)at != NULL
			       : *(const protobuf_c_boolean *)(base + field->quantifier_offset);
	return r->defaults || !is_zero(field, at);
}

static int print_message(const struct reflect *r, const ProtobufCMessage *msg, int depth,
			 struct buf *out)
{
	int result = depth > REFLECT_MAX_DEPTH ? -ELOOP : 0;
	bool first = true;

	buf_putc(out, '{');
	for (unsigned i = 0; i < msg->descriptor->n_fields && result == 0; i++) {
		const ProtobufCFieldDescriptor *field = &msg->descriptor->fields[i];
		char name[128];

		if (!is_printed(r, field, msg))
			continue;
		reflect_json_name(field->name, name, sizeof(name));
		buf_printf(out, "%s\"%s\":", first ? "" : ",", name);
		first = false;
		if (field->label == PROTOBUF_C_LABEL_REPEATED)
			result = print_repeated(r, field, msg, depth, out);
		else
			result = print_value(r, field, (const char *)msg + field->offset, depth,
					     out);
	}
	buf_putc(out, '}');
	return result;
}

int reflect_print(const struct reflect *r, const ProtobufCMessage *msg, struct buf *out)
{
	int result = print_message(r, msg, 0, out);

	return result < 0 ? result : out->error;
}
