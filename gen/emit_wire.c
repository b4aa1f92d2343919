/* SPDX-License-Identifier: Apache-2.0 */
/* What a client of a released version relies on, one line a thing: NAME.wire. A line that is gone after
 * a release is a break, one that is new is not. */
#include <string.h>

#include "emit.h"

/* By Google__Protobuf__FieldDescriptorProto__Type. */
static const char *const kinds[] = {
	[1] = "double",  [2] = "float",     [3] = "int64",     [4] = "uint64",  [5] = "int32",
	[6] = "fixed64", [7] = "fixed32",   [8] = "bool",      [9] = "string",  [12] = "bytes",
	[13] = "uint32", [15] = "sfixed32", [16] = "sfixed64", [17] = "sint32", [18] = "sint64",
};

static const char *const shapes[] = { "unary", "server-stream", "client-stream", "bidi-stream" };

static const char *type_of(const struct model_field *f)
{
	if (f->message)
		return f->message->full_name;
	return f->enumeration ? f->enumeration->full_name : kinds[f->type];
}

static void emit_message(const struct model_message *m, struct buf *out)
{
	for (size_t i = 0; i < m->n_fields; i++) {
		const struct model_field *f = &m->fields[i];

		buf_printf(out, "field %s.%s = %d %s%s%s%s\n", m->full_name, f->name, f->number,
			   f->repeated ? "repeated " : "", f->oneof >= 0 ? m->oneofs[f->oneof] : "",
			   f->oneof >= 0 ? " " : "", type_of(f));
	}
}

static void emit_service(const struct model_service *s, struct buf *out)
{
	for (size_t i = 0; i < s->n_methods; i++) {
		const struct model_method *m = &s->methods[i];

		buf_printf(out, "method %s/%s %s %s %s\n", s->full_name, m->name, shapes[m->shape],
			   m->input->full_name, m->output->full_name);
	}
}

int emit_wire(struct model *m, struct emit_files *out)
{
	for (size_t i = 0; i < m->n_files; i++) {
		const struct model_file *f = &m->files[i];
		struct buf *text;

		if (!f->generate)
			continue;
		text = emit_open(out, model_printf(m, "%s.wire", f->stem));
		for (size_t j = 0; j < f->n_messages; j++)
			emit_message(&f->messages[j], text);
		for (size_t j = 0; j < f->n_enums; j++)
			for (size_t k = 0; k < f->enums[j].n_values; k++)
				buf_printf(text, "value %s.%s = %d\n", f->enums[j].full_name,
					   f->enums[j].values[k].name,
					   f->enums[j].values[k].number);
		for (size_t j = 0; j < f->n_services; j++)
			emit_service(&f->services[j], text);
	}
	return 0;
}
