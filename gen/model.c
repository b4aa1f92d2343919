/* SPDX-License-Identifier: Apache-2.0 */
/* Two passes over the request. The first makes every file, message, enum and service, so that the
 * second can resolve type names (which protoc hands over fully qualified, with a leading dot) and
 * read methods and fields. Positions and comments come from the file's SourceCodeInfo, which names
 * things by the path of field numbers and indices that leads to them in FileDescriptorProto. */
#include "model.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "check.h"
#include "names.h"

/* Field numbers of descriptor.proto, the steps of a source path. */
enum {
	FILE_MESSAGE = 4,
	FILE_ENUM = 5,
	FILE_SERVICE = 6,
	MESSAGE_FIELD = 2,
	MESSAGE_NESTED = 3,
	MESSAGE_ENUM = 4,
	ENUM_VALUE = 2,
	SERVICE_METHOD = 2,
	OPTION_ROLE = 50100, /* cleat.v1.role */
	PATH_MAX_STEPS = 32,
};

struct arena {
	struct arena *next;
	_Alignas(16) char bytes[];
};

struct path {
	int32_t step[PATH_MAX_STEPS];
	size_t n;
};

void *model_alloc(struct model *m, size_t count, size_t size)
{
	struct arena *a = calloc(1, sizeof(*a) + count * size);

	if (!a) {
		fprintf(stderr, "protoc-gen-cleat: out of memory\n");
		abort();
	}
	a->next = m->arena;
	m->arena = a;
	return a->bytes;
}

const char *model_printf(struct model *m, const char *fmt, ...)
{
	va_list args, again;
	int n;
	char *text;

	va_start(args, fmt);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, fmt, args);
	text = model_alloc(m, (size_t)n + 1, 1);
	vsnprintf(text, (size_t)n + 1, fmt, again);
	va_end(again);
	va_end(args);
	return text;
}

int model_fail(struct model *m, const struct model_file *file, int line, const char *fmt, ...)
{
	char text[MODEL_ERROR_MAX / 2];
	va_list args;

	if (m->error[0])
		return -EINVAL;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (file && line > 0)
		snprintf(m->error, sizeof(m->error), "%.200s:%d: %s", file->name, line, text);
	else if (file)
		snprintf(m->error, sizeof(m->error), "%.200s: %s", file->name, text);
	else
		snprintf(m->error, sizeof(m->error), "%s", text);
	return -EINVAL;
}

static struct path path_to(const struct path *from, int32_t field, size_t index)
{
	struct path p = from ? *from : (struct path){ 0 };

	if (p.n + 2 <= PATH_MAX_STEPS) {
		p.step[p.n++] = field;
		p.step[p.n++] = (int32_t)index;
	}
	return p;
}

static const Google__Protobuf__SourceCodeInfo__Location *location(const struct model_file *file,
								  const struct path *path)
{
	const Google__Protobuf__SourceCodeInfo *info = file->proto->source_code_info;

	for (size_t i = 0; info && i < info->n_location; i++)
		if (info->location[i]->n_path == path->n &&
		    !memcmp(info->location[i]->path, path->step, path->n * sizeof(path->step[0])))
			return info->location[i];
	return NULL;
}

static int line_of(const struct model_file *file, const struct path *path)
{
	const Google__Protobuf__SourceCodeInfo__Location *l = location(file, path);

	return l && l->n_span ? l->span[0] + 1 : 0;
}

/* The comment before a thing, else the one after it on its line; "" = none. */
static const char *comment_of(const struct model_file *file, const struct path *path)
{
	const Google__Protobuf__SourceCodeInfo__Location *l = location(file, path);

	if (l && l->leading_comments)
		return l->leading_comments;
	return l && l->trailing_comments ? l->trailing_comments : "";
}

static const char *qualified(struct model *m, const char *scope, const char *name)
{
	return *scope ? model_printf(m, "%s.%s", scope, name) : name;
}

static void add_enum(struct model *m, struct model_file *file, const struct model_message *parent,
		     const Google__Protobuf__EnumDescriptorProto *proto, const struct path *path)
{
	struct model_enum *e = &file->enums[file->n_enums++];

	e->name = proto->name;
	e->full_name = qualified(m, parent ? parent->full_name : file->package, proto->name);
	e->file = file;
	e->parent = parent;
	e->comment = comment_of(file, path);
	e->n_values = proto->n_value;
	e->values = model_alloc(m, proto->n_value, sizeof(*e->values));
	for (size_t i = 0; i < proto->n_value; i++) {
		struct path at = path_to(path, ENUM_VALUE, i);

		e->values[i] = (struct model_value){ .name = proto->value[i]->name,
						     .number = proto->value[i]->number,
						     .comment = comment_of(file, &at) };
	}
}

static void add_message(struct model *m, struct model_file *file,
			const struct model_message *parent,
			const Google__Protobuf__DescriptorProto *proto, const struct path *path)
{
	struct model_message *msg = &file->messages[file->n_messages++];

	msg->name = proto->name;
	msg->full_name = qualified(m, parent ? parent->full_name : file->package, proto->name);
	msg->file = file;
	msg->parent = parent;
	msg->comment = comment_of(file, path);
	msg->map_entry = proto->options && proto->options->map_entry;
	msg->proto = proto;
	msg->n_oneofs = proto->n_oneof_decl;
	msg->oneofs = model_alloc(m, msg->n_oneofs, sizeof(*msg->oneofs));
	for (size_t i = 0; i < msg->n_oneofs; i++)
		msg->oneofs[i] = proto->oneof_decl[i]->name;
	msg->n_fields = proto->n_field;
	msg->fields = model_alloc(m, msg->n_fields, sizeof(*msg->fields));
	for (size_t i = 0; i < proto->n_field; i++) {
		const Google__Protobuf__FieldDescriptorProto *f = proto->field[i];
		struct path at = path_to(path, MESSAGE_FIELD, i);

		msg->fields[i] = (struct model_field){
			.name = f->name,
			.comment = comment_of(file, &at),
			.number = f->number,
			.type = f->type,
			.repeated = f->label ==
				    GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REPEATED,
			.optional = f->proto3_optional,
			.oneof = f->has_oneof_index ? f->oneof_index : -1,
			.line = line_of(file, &at),
		};
	}
	for (size_t i = 0; i < proto->n_enum_type; i++) {
		struct path at = path_to(path, MESSAGE_ENUM, i);

		add_enum(m, file, msg, proto->enum_type[i], &at);
	}
	for (size_t i = 0; i < proto->n_nested_type; i++) {
		struct path at = path_to(path, MESSAGE_NESTED, i);

		add_message(m, file, msg, proto->nested_type[i], &at);
	}
}

static void count(const Google__Protobuf__DescriptorProto *proto, size_t *messages, size_t *enums)
{
	*messages += 1;
	*enums += proto->n_enum_type;
	for (size_t i = 0; i < proto->n_nested_type; i++)
		count(proto->nested_type[i], messages, enums);
}

static void add_file(struct model *m, const Google__Protobuf__FileDescriptorProto *proto)
{
	struct model_file *file = &m->files[m->n_files++];
	size_t n_messages = 0, n_enums = proto->n_enum_type;

	file->name = proto->name;
	file->stem =
		model_printf(m, "%.*s", (int)(strlen(proto->name) - strlen(".proto")), proto->name);
	file->package = proto->package ? proto->package : "";
	file->proto = proto;
	for (size_t i = 0; i < proto->n_message_type; i++)
		count(proto->message_type[i], &n_messages, &n_enums);
	file->messages = model_alloc(m, n_messages, sizeof(*file->messages));
	file->enums = model_alloc(m, n_enums, sizeof(*file->enums));
	for (size_t i = 0; i < proto->n_enum_type; i++) {
		struct path at = path_to(NULL, FILE_ENUM, i);

		add_enum(m, file, NULL, proto->enum_type[i], &at);
	}
	for (size_t i = 0; i < proto->n_message_type; i++) {
		struct path at = path_to(NULL, FILE_MESSAGE, i);

		add_message(m, file, NULL, proto->message_type[i], &at);
	}
}

static const struct model_message *find_message(const struct model *m, const char *type_name)
{
	for (size_t i = 0; i < m->n_files; i++)
		for (size_t j = 0; j < m->files[i].n_messages; j++)
			if (!strcmp(m->files[i].messages[j].full_name, type_name + 1))
				return &m->files[i].messages[j];
	return NULL;
}

static const struct model_enum *find_enum(const struct model *m, const char *type_name)
{
	for (size_t i = 0; i < m->n_files; i++)
		for (size_t j = 0; j < m->files[i].n_enums; j++)
			if (!strcmp(m->files[i].enums[j].full_name, type_name + 1))
				return &m->files[i].enums[j];
	return NULL;
}

static int by_number(const void *a, const void *b)
{
	return ((const struct model_field *)a)->number - ((const struct model_field *)b)->number;
}

static int resolve_message(struct model *m, struct model_message *msg)
{
	for (size_t i = 0; i < msg->n_fields; i++) {
		const char *type = msg->proto->field[i]->type_name;
		struct model_field *f = &msg->fields[i];

		if (!type)
			continue;
		f->message = find_message(m, type);
		f->enumeration = find_enum(m, type);
		if (!f->message && !f->enumeration)
			return model_fail(m, msg->file, f->line,
					  "type %s of field %s is not in the request", type + 1,
					  f->name);
	}
	if (msg->n_fields)
		qsort(msg->fields, msg->n_fields, sizeof(*msg->fields), by_number);
	return 0;
}

/* The value of an enum option that protobuf-c kept as an unknown varint field; the last one counts. */
static int option_role(const Google__Protobuf__MethodOptions *options)
{
	uint64_t role = 0;

	for (size_t i = 0; options && i < options->base.n_unknown_fields; i++) {
		const ProtobufCMessageUnknownField *u = &options->base.unknown_fields[i];

		if (u->tag != OPTION_ROLE || u->wire_type != PROTOBUF_C_WIRE_TYPE_VARINT)
			continue;
		role = 0;
		for (size_t k = 0; k < u->len && k < 5; k++)
			role |= (uint64_t)(u->data[k] & 0x7f) << (7 * k);
	}
	return (int)role;
}

static int add_method(struct model *m, const struct model_service *service,
		      struct model_method *method,
		      const Google__Protobuf__MethodDescriptorProto *proto, const struct path *path)
{
	const Google__Protobuf__MethodOptions *o = proto->options;

	method->name = proto->name;
	method->snake = name_snake(m, proto->name);
	method->comment = comment_of(service->file, path);
	method->line = line_of(service->file, path);
	method->shape = (enum model_shape)((proto->server_streaming ? MODEL_SERVER_STREAM : 0) |
					   (proto->client_streaming ? MODEL_CLIENT_STREAM : 0));
	method->input = find_message(m, proto->input_type);
	method->output = find_message(m, proto->output_type);
	method->role = option_role(o);
	method->no_side_effects =
		o && o->idempotency_level ==
			     GOOGLE__PROTOBUF__METHOD_OPTIONS__IDEMPOTENCY_LEVEL__NO_SIDE_EFFECTS;
	method->idempotent =
		method->no_side_effects ||
		(o && o->idempotency_level ==
			      GOOGLE__PROTOBUF__METHOD_OPTIONS__IDEMPOTENCY_LEVEL__IDEMPOTENT);
	if (!method->input || !method->output)
		return model_fail(m, service->file, method->line,
				  "a type of method %s is not in the request", method->name);
	return 0;
}

static int add_service(struct model *m, struct model_file *file,
		       const Google__Protobuf__ServiceDescriptorProto *proto,
		       const struct path *path)
{
	struct model_service *s = &file->services[file->n_services++];

	s->name = proto->name;
	s->full_name = qualified(m, file->package, proto->name);
	s->prefix = name_snake(m, s->full_name);
	s->file = file;
	s->comment = comment_of(file, path);
	s->line = line_of(file, path);
	s->n_methods = proto->n_method;
	s->methods = model_alloc(m, s->n_methods, sizeof(*s->methods));
	for (size_t i = 0; i < proto->n_method; i++) {
		struct path at = path_to(path, SERVICE_METHOD, i);
		int r = add_method(m, s, &s->methods[i], proto->method[i], &at);

		if (r < 0)
			return r;
	}
	return 0;
}

static int by_service_name(const void *a, const void *b)
{
	return strcmp(((const struct model_service *)a)->name,
		      ((const struct model_service *)b)->name);
}

static int resolve_file(struct model *m, struct model_file *file)
{
	int r = 0;

	for (size_t i = 0; i < file->n_messages && r == 0; i++)
		r = resolve_message(m, &file->messages[i]);
	file->services = model_alloc(m, file->proto->n_service, sizeof(*file->services));
	for (size_t i = 0; i < file->proto->n_service && r == 0; i++) {
		struct path at = path_to(NULL, FILE_SERVICE, i);

		r = add_service(m, file, file->proto->service[i], &at);
	}
	if (file->n_services)
		qsort(file->services, file->n_services, sizeof(*file->services), by_service_name);
	return r;
}

static int by_file_name(const void *a, const void *b)
{
	return strcmp(((const struct model_file *)a)->name, ((const struct model_file *)b)->name);
}

/* Messages point at their file, so files are put in order before anything else is made. */
static void add_files(struct model *m,
		      const Google__Protobuf__Compiler__CodeGeneratorRequest *request)
{
	struct model_file *order = model_alloc(m, request->n_proto_file, sizeof(*order));

	for (size_t i = 0; i < request->n_proto_file; i++) {
		order[i].name = request->proto_file[i]->name;
		order[i].proto = request->proto_file[i];
	}
	if (request->n_proto_file)
		qsort(order, request->n_proto_file, sizeof(*order), by_file_name);
	m->files = model_alloc(m, request->n_proto_file, sizeof(*m->files));
	for (size_t i = 0; i < request->n_proto_file; i++)
		add_file(m, order[i].proto);
}

int model_init(struct model *m, const Google__Protobuf__Compiler__CodeGeneratorRequest *request)
{
	int r = 0;

	*m = (struct model){ 0 };
	add_files(m, request);
	for (size_t i = 0; i < m->n_files; i++)
		for (size_t j = 0; j < request->n_file_to_generate; j++)
			if (!strcmp(m->files[i].name, request->file_to_generate[j]))
				m->files[i].generate = true;
	for (size_t i = 0; i < m->n_files && r == 0; i++)
		r = resolve_file(m, &m->files[i]);
	return r < 0 ? r : check_model(m);
}

void model_deinit(struct model *m)
{
	while (m->arena) {
		struct arena *a = m->arena;

		m->arena = a->next;
		free(a);
	}
}
