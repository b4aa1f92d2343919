/* SPDX-License-Identifier: Apache-2.0 */
/* Reading messages. jansson checks the text (UTF-8, duplicates, nesting); this file walks its values
 * beside the descriptors. The way to the present value is a list of frames on the stack, turned into
 * text only when there is something to complain about. A message being built is valid at every
 * moment, so that a failure only has to free it. */
#include "reflect.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "str.h"

struct place {
	const struct place *parent;
	const char *name; /* NULL: an element */
	size_t index;
	int depth; /* messages */
};

struct reading {
	const struct reflect *r;
	struct err *err;
};

static int parse_message(struct reading *c, const ProtobufCMessageDescriptor *kind,
			 const json_t *value, const struct place *place, ProtobufCMessage **out);

static void place_write(const struct place *p, struct buf *out)
{
	if (!p)
		return;
	place_write(p->parent, out);
	if (p->name)
		buf_printf(out, "%s%.60s", out->len ? "." : "", p->name);
	else if (p->parent)
		buf_printf(out, "[%zu]", p->index);
}

static int fail(struct reading *c, const struct place *place, const char *what)
{
	cleanup(buf_deinit) struct buf path = BUF_NULL;

	place_write(place, &path);
	return err_set(c->err, ERR_INVALID, "%s: %s", path.len ? path.data : "message", what);
}

static int no_memory(struct reading *c)
{
	return err_sys(c->err, ENOMEM, "read JSON");
}

static void message_freep(ProtobufCMessage **msg)
{
	if (*msg)
		protobuf_c_message_free_unpacked(*msg, NULL);
}

/* Exact integers of any spelling ProtoJSON has: 5, "5", 5.0. */
static int parse_signed(const json_t *v, int64_t min, int64_t max, int64_t *out)
{
	int64_t n;

	if (json_is_integer(v)) {
		n = json_integer_value(v);
	} else if (json_is_string(v)) {
		if (str_i64(json_string_value(v), &n) < 0)
			return -EINVAL;
	} else if (json_is_real(v)) {
		double d = json_real_value(v);

		if (d != trunc(d) || d < -9007199254740992.0 || d > 9007199254740992.0)
			return -EINVAL;
		n = (int64_t)d;
	} else {
		return -EINVAL;
	}
	if (n < min || n > max)
		return -EINVAL;
	*out = n;
	return 0;
}

static int parse_unsigned(const json_t *v, uint64_t *out)
{
	int64_t n;

	if (json_is_string(v))
		return str_u64(json_string_value(v), out);
	if (parse_signed(v, 0, INT64_MAX, &n) < 0)
		return -EINVAL;
	*out = (uint64_t)n;
	return 0;
}

static int parse_real(const json_t *v, double *out)
{
	const char *text = json_string_value(v);
	char *end;

	if (json_is_number(v)) {
		*out = json_number_value(v);
		return 0;
	}
	if (!text || !*text)
		return -EINVAL;
	if (!strcmp(text, "NaN") || !strcmp(text, "Infinity") || !strcmp(text, "-Infinity")) {
		*out = text[0] == 'N' ? NAN : text[0] == '-' ? -INFINITY : INFINITY;
		return 0;
	}
	if (text[strspn(text, "0123456789+-.eE")])
		return -EINVAL;
	*out = strtod(text, &end);
	return *end ? -EINVAL : 0;
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

/* Both alphabets, with or without padding, as ProtoJSON asks of readers. */
static int parse_base64(const json_t *v, ProtobufCBinaryData *out)
{
	const char *text = json_string_value(v);
	size_t n = json_string_length(v), len = 0;
	uint32_t bits = 0;
	cleanup_free uint8_t *data = NULL;

	if (!text)
		return -EINVAL;
	while (n && text[n - 1] == '=' && json_string_length(v) - n < 2)
		n--;
	if (n % 4 == 1)
		return -EINVAL;
	data = malloc(n / 4 * 3 + 3);
	if (!data)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		int digit = base64_digit(text[i]);

		if (digit < 0)
			return -EINVAL;
		bits = bits << 6 | (uint32_t)digit;
		if (i % 4)
			data[len++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
	}
	out->len = len;
	out->data = steal(&data);
	return 0;
}

static int parse_enum(const ProtobufCEnumDescriptor *kind, const json_t *v, int *out)
{
	const ProtobufCEnumValue *found;
	int64_t n;

	if (json_is_string(v)) {
		found = protobuf_c_enum_descriptor_get_value_by_name(kind, json_string_value(v));
		if (!found)
			return -EINVAL;
		*out = found->value;
		return 0;
	}
	if (parse_signed(v, INT32_MIN, INT32_MAX, &n) < 0)
		return -EINVAL;
	*out = (int)n;
	return 0;
}

/* What a value of the type looks like, for complaints. */
static const char *expected(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_BOOL:
		return "expected true or false";
	case PROTOBUF_C_TYPE_STRING:
		return "expected a string";
	case PROTOBUF_C_TYPE_BYTES:
		return "expected base64 in a string";
	case PROTOBUF_C_TYPE_ENUM:
		return "expected one of the names of the enum";
	case PROTOBUF_C_TYPE_FLOAT:
	case PROTOBUF_C_TYPE_DOUBLE:
		return "expected a number";
	case PROTOBUF_C_TYPE_MESSAGE:
		return "expected an object";
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		return "expected an integer from 0 to 4294967295";
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		return "expected an integer from 0 to 18446744073709551615";
	default:
		return reflect_value_size(type) == 4 ? "expected a 32-bit integer"
						     : "expected a 64-bit integer";
	}
}

static int parse_text(const json_t *v, char **out)
{
	if (!json_is_string(v))
		return -EINVAL;
	*out = strdup(json_string_value(v));
	return *out ? 0 : -ENOMEM;
}

static int parse_scalar(const ProtobufCFieldDescriptor *field, const json_t *v, void *at)
{
	int64_t n = 0;
	uint64_t u = 0;
	double d = 0;
	int result;

	switch (field->type) {
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		result = parse_signed(v, 0, UINT32_MAX, &n);
		*(uint32_t *)at = (uint32_t)n;
		return result;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		result = parse_unsigned(v, &u);
		*(uint64_t *)at = u;
		return result;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		result = parse_signed(v, INT64_MIN, INT64_MAX, &n);
		*(int64_t *)at = n;
		return result;
	case PROTOBUF_C_TYPE_FLOAT:
	case PROTOBUF_C_TYPE_DOUBLE:
		result = parse_real(v, &d);
		if (field->type == PROTOBUF_C_TYPE_FLOAT)
			*(float *)at = (float)d;
		else
			*(double *)at = d;
		return result;
	case PROTOBUF_C_TYPE_BOOL:
		*(protobuf_c_boolean *)at = json_is_true(v);
		return json_is_boolean(v) ? 0 : -EINVAL;
	case PROTOBUF_C_TYPE_ENUM:
		return parse_enum(field->descriptor, v, at);
	case PROTOBUF_C_TYPE_STRING:
		return parse_text(v, at);
	case PROTOBUF_C_TYPE_BYTES:
		return parse_base64(v, at);
	default:
		result = parse_signed(v, INT32_MIN, INT32_MAX, &n);
		*(int32_t *)at = (int32_t)n;
		return result;
	}
}

static int parse_value(struct reading *c, const ProtobufCFieldDescriptor *field, const json_t *v,
		       const struct place *place, void *at)
{
	int result;

	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		return parse_message(c, field->descriptor, v, place, at);
	result = parse_scalar(field, v, at);
	if (result == -ENOMEM)
		return no_memory(c);
	return result < 0 ? fail(c, place, expected(field->type)) : 0;
}

static int grow(struct reading *c, const ProtobufCFieldDescriptor *field, ProtobufCMessage *msg,
		size_t n, char **items)
{
	*items = calloc(n, reflect_value_size(field->type));
	if (!*items)
		return no_memory(c);
	*(void **)((char *)msg + field->offset) = *items;
	return 0;
}

static int parse_array(struct reading *c, const ProtobufCFieldDescriptor *field, const json_t *v,
		       const struct place *place, ProtobufCMessage *msg)
{
	size_t *n = (size_t *)(void *)((char *)msg + field->quantifier_offset);
	size_t size = json_array_size(v);
	char *items;
	int result = 0;

	if (!json_is_array(v))
		return fail(c, place, "expected an array");
	if (size == 0)
		return 0;
	result = grow(c, field, msg, size, &items);
	for (size_t i = 0; i < size && result == 0; i++) {
		struct place here = { place, NULL, i, place->depth };

		result = parse_value(c, field, json_array_get(v, i), &here,
				     items + i * reflect_value_size(field->type));
		if (result == 0)
			++*n;
	}
	return result;
}

static int parse_key(struct reading *c, const ProtobufCFieldDescriptor *field, const char *key,
		     const struct place *place, void *at)
{
	json_t *v = json_string(key);
	int result;

	if (!v)
		return no_memory(c);
	if (field->type == PROTOBUF_C_TYPE_BOOL) {
		*(protobuf_c_boolean *)at = !strcmp(key, "true");
		result = !strcmp(key, "true") || !strcmp(key, "false") ? 0 : -EINVAL;
	} else {
		result = parse_scalar(field, v, at);
	}
	json_decref(v);
	if (result == -ENOMEM)
		return no_memory(c);
	return result < 0 ? fail(c, place, "the key is not of the map's key type") : 0;
}

static int parse_entry(struct reading *c, const ProtobufCMessageDescriptor *kind, const char *key,
		       const json_t *v, const struct place *place, ProtobufCMessage **out)
{
	cleanup(message_freep) ProtobufCMessage *entry = calloc(1, kind->sizeof_message);
	int result;

	if (!entry)
		return no_memory(c);
	kind->message_init(entry);
	result = parse_key(c, &kind->fields[0], key, place, (char *)entry + kind->fields[0].offset);
	if (result == 0)
		result = parse_value(c, &kind->fields[1], v, place,
				     (char *)entry + kind->fields[1].offset);
	if (result == 0)
		*out = steal(&entry);
	return result;
}

static int parse_map(struct reading *c, const ProtobufCFieldDescriptor *field, json_t *v,
		     const struct place *place, ProtobufCMessage *msg)
{
	size_t *n = (size_t *)(void *)((char *)msg + field->quantifier_offset);
	char *items;
	const char *key;
	json_t *value;
	int result;

	if (!json_is_object(v))
		return fail(c, place, "expected an object");
	if (json_object_size(v) == 0)
		return 0;
	result = grow(c, field, msg, json_object_size(v), &items);
	if (result < 0)
		return result;
	json_object_foreach(v, key, value)
	{
		struct place here = { place, key, 0, place->depth };

		result = parse_entry(c, field->descriptor, key, value, &here,
				     (ProtobufCMessage **)(void *)items + *n);
		if (result < 0)
			return result;
		++*n;
	}
	return 0;
}

static int parse_field(struct reading *c, const ProtobufCFieldDescriptor *field, json_t *v,
		       const struct place *place, ProtobufCMessage *msg)
{
	void *at = (char *)msg + field->offset;
	uint32_t *chosen = (uint32_t *)(void *)((char *)msg + field->quantifier_offset);
	bool oneof = field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF;
	int result;

	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return reflect_is_map(c->r, field) ? parse_map(c, field, v, place, msg)
						   : parse_array(c, field, v, place, msg);
	if (oneof && *chosen)
		return fail(c, place, "another field of the same oneof is given too");
	result = parse_value(c, field, v, place, at);
	if (result < 0)
		return result;
	if (oneof)
		*chosen = field->id;
	else if (field->label == PROTOBUF_C_LABEL_OPTIONAL &&
		 field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_MESSAGE)
		*(protobuf_c_boolean *)chosen = 1;
	return 0;
}

static const ProtobufCFieldDescriptor *find_field(const ProtobufCMessageDescriptor *kind,
						  const char *key)
{
	char name[128];

	for (unsigned i = 0; i < kind->n_fields; i++) {
		reflect_json_name(kind->fields[i].name, name, sizeof(name));
		if (!strcmp(key, name) || !strcmp(key, kind->fields[i].name))
			return &kind->fields[i];
	}
	return NULL;
}

static int parse_fields(struct reading *c, json_t *value, const struct place *place,
			ProtobufCMessage *msg)
{
	const ProtobufCMessageDescriptor *kind = msg->descriptor;
	cleanup_free bool *seen = calloc(kind->n_fields + 1, sizeof(*seen));
	const char *key;
	json_t *v;
	int result = seen ? 0 : no_memory(c);

	if (result < 0)
		return result;
	json_object_foreach(value, key, v)
	{
		struct place here = { place, key, 0, place->depth };
		const ProtobufCFieldDescriptor *field = find_field(kind, key);

		if (!field)
			return fail(c, &here, "unknown field");
		if (seen[field - kind->fields])
			return fail(c, &here, "given twice");
		seen[field - kind->fields] = true;
		if (json_is_null(v))
			continue;
		result = parse_field(c, field, v, &here, msg);
		if (result < 0)
			return result;
	}
	return 0;
}

static int parse_message(struct reading *c, const ProtobufCMessageDescriptor *kind,
			 const json_t *value, const struct place *place, ProtobufCMessage **out)
{
	cleanup(message_freep) ProtobufCMessage *msg = NULL;
	struct place inside = place ? *place : (struct place){ 0 };
	int result;

	if (!json_is_object(value))
		return fail(c, place, expected(PROTOBUF_C_TYPE_MESSAGE));
	if (++inside.depth > REFLECT_MAX_DEPTH)
		return fail(c, place, "nested too deeply");
	msg = calloc(1, kind->sizeof_message);
	if (!msg)
		return no_memory(c);
	kind->message_init(msg);
	result = parse_fields(c, (json_t *)value, &inside, msg);
	if (result == 0)
		*out = steal(&msg);
	return result;
}

int reflect_parse(const struct reflect *r, const ProtobufCMessageDescriptor *kind, const char *text,
		  size_t size, ProtobufCMessage **out, struct err *err)
{
	struct reading c = { .r = r, .err = err };
	json_error_t where;
	json_t *value;
	int result;

	value = size ? json_loadb(text, size, JSON_REJECT_DUPLICATES, &where) : json_object();
	if (!value)
		return err_set(err, ERR_INVALID, "JSON: line %d column %d: %s", where.line,
			       where.column, where.text);
	result = parse_message(&c, kind, value, NULL, out);
	json_decref(value);
	return result;
}
