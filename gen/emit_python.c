/* SPDX-License-Identifier: Apache-2.0 */
/* Python: one module per proto with its enums, its messages as dataclasses with a table of fields for
 * cleat.codec, and a class per service over cleat.transport; and an __init__.py per folder that
 * re-exports them. A nested type Outer.Inner is Outer_Inner; a name that Python reserves gets a '_'.
 * Types of other modules are looked up when first used, so that imports may be circular. */
#include <ctype.h>
#include <string.h>

#include "emit.h"
#include "names.h"

/* By Google__Protobuf__FieldDescriptorProto__Type. */
static const struct {
	const char *kind, *type, *zero;
} kinds[] = {
	[1] = { "double", "float", "0.0" },   [2] = { "float", "float", "0.0" },
	[3] = { "int64", "int", "0" },        [4] = { "uint64", "int", "0" },
	[5] = { "int32", "int", "0" },        [6] = { "fixed64", "int", "0" },
	[7] = { "fixed32", "int", "0" },      [8] = { "bool", "bool", "False" },
	[9] = { "string", "str", "\"\"" },    [11] = { "message", NULL, "None" },
	[12] = { "bytes", "bytes", "b\"\"" }, [13] = { "uint32", "int", "0" },
	[14] = { "enum", NULL, "0" },         [15] = { "sfixed32", "int", "0" },
	[16] = { "sfixed64", "int", "0" },    [17] = { "sint32", "int", "0" },
	[18] = { "sint64", "int", "0" },
};

static const char *const open_calls[] = { "unary", "server_stream", "client_stream", "bidi" };

static const char *safe(struct model *m, const char *name)
{
	return name_is_python_keyword(name) ? model_printf(m, "%s_", name) : name;
}

/* Names of fields must not hide what the class body or its base uses either. */
static const char *attribute(struct model *m, const char *name)
{
	static const char *const used[] = { "list", "dict", "field", "encode", "decode", "which" };

	for (size_t i = 0; i < ARRAY_LEN(used); i++)
		if (!strcmp(used[i], name))
			return model_printf(m, "%s_", name);
	return safe(m, name);
}

/* "Outer_Inner" for a type, from its full name less the package. */
static const char *local_name(struct model *m, const struct model_file *f, const char *full_name)
{
	size_t skip = *f->package ? strlen(f->package) + 1 : 0;
	char *text = (char *)(uintptr_t)model_printf(m, "%s", full_name + skip);

	for (char *p = text; *p; p++)
		if (*p == '.')
			*p = '_';
	return safe(m, text);
}

static const char *module(struct model *m, const struct model_file *f)
{
	char *text = (char *)(uintptr_t)model_printf(m, "%s", f->stem);

	for (char *p = text; *p; p++)
		if (*p == '/')
			*p = '.';
	return text;
}

/* A type as the module of `from` names it. */
static const char *reference(struct model *m, const struct model_file *from,
			     const struct model_file *file, const char *full_name)
{
	const char *name = local_name(m, file, full_name);

	return from == file ? name : model_printf(m, "%s.%s", module(m, file), name);
}

static const char *field_reference(struct model *m, const struct model_file *from,
				   const struct model_field *f)
{
	if (f->message)
		return reference(m, from, f->message->file, f->message->full_name);
	return f->enumeration ? reference(m, from, f->enumeration->file, f->enumeration->full_name)
			      : NULL;
}

static void docstring(struct buf *b, const char *indent, const char *text)
{
	size_t n = strlen(text);

	while (n > 0 && isspace((unsigned char)text[n - 1]))
		n--;
	while (n > 0 && isspace((unsigned char)*text))
		text++, n--;
	if (n == 0)
		return;
	buf_printf(b, "%s\"\"\"", indent);
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '\\' || (text[i] == '"' && (i + 1 == n || text[i + 1] == '"')))
			buf_putc(b, '\\');
		buf_putc(b, text[i]);
		if (text[i] != '\n')
			continue;
		if (i + 1 < n && text[i + 1] == ' ')
			i++;
		if (i + 1 < n && text[i + 1] != '\n')
			buf_puts(b, indent);
	}
	buf_puts(b, "\"\"\"\n");
}

static void comment(struct buf *b, const char *text)
{
	size_t n = strlen(text);

	while (n > 0 && isspace((unsigned char)text[n - 1]))
		n--;
	for (const char *p = text, *end = text + n; p < end;) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		const char *stop = eol ? eol : end;

		buf_puts(b, "    #");
		for (; p < stop; p++)
			buf_putc(b, *p);
		buf_putc(b, '\n');
		p = stop + 1;
	}
}

static void emit_enum(struct model *m, struct buf *b, const struct model_enum *e)
{
	buf_printf(b, "\n\nclass %s(enum.IntEnum):\n", local_name(m, e->file, e->full_name));
	docstring(b, "    ", e->comment);
	for (size_t i = 0; i < e->n_values; i++) {
		comment(b, e->values[i].comment);
		buf_printf(b, "    %s = %d\n", safe(m, e->values[i].name), e->values[i].number);
	}
}

static const char *python_type(struct model *m, const struct model_file *from,
			       const struct model_field *f)
{
	return kinds[f->type].type ? kinds[f->type].type : field_reference(m, from, f);
}

static bool is_map(const struct model_field *f)
{
	return f->repeated && f->message && f->message->map_entry;
}

static void emit_attribute(struct model *m, struct buf *b, const struct model_message *msg,
			   const struct model_field *f)
{
	const char *type = python_type(m, msg->file, f), *name = attribute(m, f->name);

	comment(b, f->comment);
	if (is_map(f))
		buf_printf(b, "    %s: dict[%s, %s] = field(default_factory=dict)\n", name,
			   python_type(m, msg->file, &f->message->fields[0]),
			   python_type(m, msg->file, &f->message->fields[1]));
	else if (f->repeated)
		buf_printf(b, "    %s: list[%s] = field(default_factory=list)\n", name, type);
	else if (f->oneof >= 0 || f->message)
		buf_printf(b, "    %s: %s | None = None\n", name, type);
	else if (f->enumeration)
		buf_printf(b, "    %s: %s | int = 0\n", name, type);
	else
		buf_printf(b, "    %s: %s = %s\n", name, type, kinds[f->type].zero);
}

/* ("message", lambda: Type), the end of a row of FIELDS and the half of a map's pair */
static void kind_pair(struct model *m, struct buf *b, const struct model_file *from,
		      const struct model_field *f)
{
	const char *ref = field_reference(m, from, f);

	buf_printf(b, "\"%s\", %s%s", kinds[f->type].kind, ref ? "lambda: " : "None",
		   ref ? ref : "");
}

static void emit_row(struct model *m, struct buf *b, const struct model_message *msg,
		     const struct model_field *f)
{
	buf_printf(b, "    (%d, \"%s\", ", f->number, attribute(m, f->name));
	if (is_map(f)) {
		buf_puts(b, "\"map\", \"message\", ((");
		kind_pair(m, b, msg->file, &f->message->fields[0]);
		buf_puts(b, "), (");
		kind_pair(m, b, msg->file, &f->message->fields[1]);
		buf_puts(b, "))),\n");
		return;
	}
	if (f->oneof >= 0)
		buf_printf(b, "\"oneof %s\", ", msg->oneofs[f->oneof]);
	else
		buf_puts(b, f->repeated ? "\"many\", " : "\"one\", ");
	kind_pair(m, b, msg->file, f);
	buf_puts(b, "),\n");
}

static void emit_message(struct model *m, struct buf *b, const struct model_message *msg)
{
	const char *name = local_name(m, msg->file, msg->full_name);

	if (msg->map_entry)
		return;
	buf_printf(b, "\n\n@dataclass\nclass %s(codec.Message):\n", name);
	docstring(b, "    ", msg->comment);
	for (size_t i = 0; i < msg->n_fields; i++)
		emit_attribute(m, b, msg, &msg->fields[i]);
	if (msg->n_fields == 0) {
		buf_puts(b, "    pass\n");
		return;
	}
	buf_printf(b, "\n\n%s.FIELDS = (\n", name);
	for (size_t i = 0; i < msg->n_fields; i++)
		emit_row(m, b, msg, &msg->fields[i]);
	buf_puts(b, ")\n");
}

static void emit_method(struct model *m, struct buf *b, const struct model_service *s,
			const struct model_method *d)
{
	const char *input = reference(m, s->file, d->input->file, d->input->full_name);
	const char *output = reference(m, s->file, d->output->file, d->output->full_name);
	bool one = d->shape == MODEL_UNARY || d->shape == MODEL_SERVER_STREAM;
	const char *request = one ? model_printf(m, "request: %s, ", input) : "";
	const char *result = output;

	if (d->shape == MODEL_SERVER_STREAM)
		result = model_printf(m, "transport.Receiver[%s]", output);
	else if (d->shape == MODEL_CLIENT_STREAM)
		result = model_printf(m, "transport.Sender[%s, %s]", input, output);
	else if (d->shape == MODEL_BIDI)
		result = model_printf(m, "transport.Bidi[%s, %s]", input, output);
	buf_printf(b, "\n    def %s(self, %s**options: Unpack[transport.Options]) -> %s:\n",
		   safe(m, d->snake), request, result);
	docstring(b, "        ", d->comment);
	buf_printf(b, "        return self._client.%s(self.METHODS[\"%s\"]%s, options)\n",
		   open_calls[d->shape], d->name, one ? ", request" : "");
}

static void emit_service(struct model *m, struct buf *b, const struct model_service *s)
{
	buf_printf(b, "\n\nclass %s:\n", safe(m, s->name));
	docstring(b, "    ", s->comment);
	buf_puts(b, "\n    METHODS = {\n");
	for (size_t i = 0; i < s->n_methods; i++) {
		const struct model_method *d = &s->methods[i];

		buf_printf(b,
			   "        \"%s\": transport.Method(\"%s/%s\", lambda: %s,\n"
			   "            role=%d, idempotent=%s, no_side_effects=%s),\n",
			   d->name, s->full_name, d->name,
			   reference(m, s->file, d->output->file, d->output->full_name), d->role,
			   d->idempotent ? "True" : "False", d->no_side_effects ? "True" : "False");
	}
	buf_puts(b, "    }\n\n    def __init__(self, client: transport.Client) -> None:\n"
		    "        self._client = client\n");
	for (size_t i = 0; i < s->n_methods; i++)
		emit_method(m, b, s, &s->methods[i]);
}

/* Imports of the other protos' modules; options.proto of others is for the generator only. */
static void emit_imports(struct model *m, struct buf *b, const struct model_file *f)
{
	buf_printf(b, "# generated, do not edit: from %s\n\nfrom __future__ import annotations\n\n",
		   f->name);
	if (f->n_enums)
		buf_puts(b, "import enum\n");
	if (f->n_messages)
		buf_puts(b, "from dataclasses import dataclass, field\n");
	if (f->n_services)
		buf_puts(b, "from typing import Unpack\n");
	for (size_t i = 0; i < m->n_files; i++)
		for (size_t k = 0; k < f->proto->n_dependency; k++)
			if (!strcmp(f->proto->dependency[k], m->files[i].name) &&
			    m->files[i].generate)
				buf_printf(b, "\nimport %s", module(m, &m->files[i]));
	buf_printf(b, "\nfrom cleat import codec%s  # noqa: F401\n",
		   f->n_services ? ", transport" : "");
}

static void emit_init(struct model *m, struct emit_files *out)
{
	const char *last = "";
	struct buf *b = NULL;

	for (size_t i = 0; i < m->n_files; i++) {
		const struct model_file *f = &m->files[i];
		const char *slash = strrchr(f->stem, '/');
		const char *dir =
			slash ? model_printf(m, "%.*s/", (int)(slash - f->stem), f->stem) : "";

		if (!f->generate)
			continue;
		if (!b || strcmp(dir, last) != 0) {
			b = emit_open(out, model_printf(m, "%s__init__.py", dir));
			buf_puts(b, "# generated, do not edit\n\n");
		}
		last = dir;
		buf_printf(b, "from .%s import *  # noqa: F401,F403\n",
			   slash ? slash + 1 : f->stem);
	}
}

static void emit_all(struct model *m, struct buf *b, const struct model_file *f)
{
	buf_puts(b, "\n\n__all__ = [\n");
	for (size_t i = 0; i < f->n_enums; i++)
		buf_printf(b, "    \"%s\",\n", local_name(m, f, f->enums[i].full_name));
	for (size_t i = 0; i < f->n_messages; i++)
		if (!f->messages[i].map_entry)
			buf_printf(b, "    \"%s\",\n", local_name(m, f, f->messages[i].full_name));
	for (size_t i = 0; i < f->n_services; i++)
		buf_printf(b, "    \"%s\",\n", safe(m, f->services[i].name));
	buf_puts(b, "]\n");
}

int emit_python(struct model *m, struct emit_files *out)
{
	for (size_t i = 0; i < m->n_files; i++) {
		const struct model_file *f = &m->files[i];
		struct buf *b;

		if (!f->generate)
			continue;
		b = emit_open(out, model_printf(m, "%s.py", f->stem));
		emit_imports(m, b, f);
		for (size_t k = 0; k < f->n_enums; k++)
			emit_enum(m, b, &f->enums[k]);
		for (size_t k = 0; k < f->n_messages; k++)
			emit_message(m, b, &f->messages[k]);
		for (size_t k = 0; k < f->n_services; k++)
			emit_service(m, b, &f->services[k]);
		emit_all(m, b, f);
	}
	emit_init(m, out);
	return 0;
}
