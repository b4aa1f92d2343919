/* SPDX-License-Identifier: Apache-2.0 */
/* OpenAPI 3.1: openapi.json with what the gateway serves over HTTP as the Connect protocol has it (unary calls and
 * server streams) and the messages as ProtoJSON has them; openapi.[hc] with the same text, to be linked. A message of
 * a stream is within an envelope, which no schema can say: x-envelope tells. */
#include <ctype.h>
#include <string.h>

#include "emit.h"
#include "names.h"

static const char *const roles[] = { "admin", "viewer", "operator", "admin" };

/* By Google__Protobuf__FieldDescriptorProto__Type. 64-bit integers are written as strings and read as either. */
static const char *const schemas[] = {
	[1] = "\"type\":[\"number\",\"string\"],\"format\":\"double\"",
	[2] = "\"type\":[\"number\",\"string\"],\"format\":\"float\"",
	[3] = "\"type\":[\"string\",\"integer\"],\"format\":\"int64\"",
	[4] = "\"type\":[\"string\",\"integer\"],\"format\":\"uint64\"",
	[5] = "\"type\":\"integer\",\"format\":\"int32\"",
	[6] = "\"type\":[\"string\",\"integer\"],\"format\":\"uint64\"",
	[7] = "\"type\":\"integer\",\"format\":\"uint32\"",
	[8] = "\"type\":\"boolean\"",
	[9] = "\"type\":\"string\"",
	[12] = "\"type\":\"string\",\"contentEncoding\":\"base64\"",
	[13] = "\"type\":\"integer\",\"format\":\"uint32\"",
	[15] = "\"type\":\"integer\",\"format\":\"int32\"",
	[16] = "\"type\":[\"string\",\"integer\"],\"format\":\"int64\"",
	[17] = "\"type\":\"integer\",\"format\":\"int32\"",
	[18] = "\"type\":[\"string\",\"integer\"],\"format\":\"int64\"",
};

static const char error_schema[] =
	"\"connect.Error\":{\"type\":\"object\",\"description\":\"How a call "
	"failed.\",\"required\":[\"code\"],"
	"\"properties\":{\n"
	"\"code\":{\"type\":\"string\"},\n"
	"\"message\":{\"type\":\"string\",\"description\":\"One sentence for people.\"},\n"
	"\"details\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"type\","
	"\"value\"],"
	"\"properties\":{\"type\":{\"type\":\"string\"},\"value\":{\"type\":\"string\"},"
	"\"debug\":{\"type\":\"object\"}}},\"description\":\"A google.rpc.ErrorInfo with the "
	"stable word for "
	"programs.\"}}}";

/* Where the parts of a list begin. */
struct list {
	struct buf *out;
	bool any;
};

static void next(struct list *l)
{
	buf_puts(l->out, l->any ? ",\n" : "\n");
	l->any = true;
}

static void put_string(struct buf *out, const char *text)
{
	buf_json_string(out, text, strlen(text));
}

/* The comment as one line, each run of white space a blank. */
static void put_comment(struct model *m, struct buf *out, const char *comment)
{
	char *text = model_alloc(m, strlen(comment) + 1, 1), *to = text;

	for (const char *p = comment; *p; p++)
		if (!isspace((unsigned char)*p))
			*to++ = *p;
		else if (to > text && to[-1] != ' ')
			*to++ = ' ';
	while (to > text && to[-1] == ' ')
		*--to = '\0';
	if (!*text)
		return;
	buf_puts(out, ",\"description\":");
	put_string(out, text);
}

/* ---- messages */

/* "full_name" -> "fullName", as ProtoJSON has it. */
static void put_json_name(struct buf *out, const char *name)
{
	bool upper = false;

	buf_putc(out, '"');
	for (const char *p = name; *p; p++) {
		if (*p != '_')
			buf_putc(out, (char)(upper ? toupper((unsigned char)*p) : *p));
		upper = *p == '_';
	}
	buf_putc(out, '"');
}

static void put_reference(struct buf *out, const char *full_name)
{
	buf_printf(out, "\"$ref\":\"#/components/schemas/%s\"", full_name);
}

/* Members of the schema of one value. */
static void put_value(struct buf *out, const struct model_field *f)
{
	if (f->message)
		put_reference(out, f->message->full_name);
	else if (f->enumeration)
		put_reference(out, f->enumeration->full_name);
	else
		buf_puts(out, schemas[f->type]);
}

static void put_field(struct model *m, struct buf *out, const struct model_message *message,
		      const struct model_field *f)
{
	put_json_name(out, f->name);
	if (f->message && f->message->map_entry) {
		buf_puts(out, ":{\"type\":\"object\",\"additionalProperties\":{");
		put_value(out, &f->message->fields[1]);
		buf_puts(out, "}");
	} else if (f->repeated) {
		buf_puts(out, ":{\"type\":\"array\",\"items\":{");
		put_value(out, f);
		buf_puts(out, "}");
	} else {
		buf_puts(out, ":{");
		put_value(out, f);
	}
	put_comment(m, out, f->comment);
	if (f->oneof >= 0) {
		buf_puts(out, ",\"x-oneof\":");
		put_string(out, message->oneofs[f->oneof]);
	}
	buf_puts(out, "}");
}

static void put_message(struct model *m, struct list *l, const struct model_message *message)
{
	struct list fields = { .out = l->out };

	if (message->map_entry)
		return;
	next(l);
	buf_printf(l->out, "\"%s\":{\"type\":\"object\"", message->full_name);
	put_comment(m, l->out, message->comment);
	buf_puts(l->out, ",\"properties\":{");
	for (size_t i = 0; i < message->n_fields; i++) {
		next(&fields);
		put_field(m, l->out, message, &message->fields[i]);
	}
	buf_puts(l->out, "}}");
}

static void put_enum(struct model *m, struct list *l, const struct model_enum *e)
{
	next(l);
	buf_printf(l->out, "\"%s\":{\"type\":\"string\",\"enum\":[", e->full_name);
	for (size_t i = 0; i < e->n_values; i++)
		buf_printf(l->out, "%s\"%s\"", i ? "," : "", e->values[i].name);
	buf_puts(l->out, "]");
	put_comment(m, l->out, e->comment);
	buf_puts(l->out, "}");
}

/* ---- methods */

static void put_content(struct buf *out, const struct model_method *method, const char *full_name)
{
	bool streams = method->shape == MODEL_SERVER_STREAM;

	buf_printf(out, "\"content\":{\"application/%sjson\":{\"schema\":{",
		   streams ? "connect+" : "");
	put_reference(out, full_name);
	buf_puts(out, "}");
	if (streams)
		buf_puts(out, ",\"x-envelope\":true");
	buf_puts(out, "}}");
}

static void put_responses(struct buf *out, const struct model_method *method)
{
	buf_puts(out, "\"responses\":{\"200\":{\"description\":\"OK\",");
	put_content(out, method, method->output->full_name);
	buf_puts(out,
		 "},\n\"default\":{\"description\":\"Error\",\"content\":{\"application/json\":"
		 "{\"schema\":{");
	put_reference(out, "connect.Error");
	buf_puts(out, "}}}}}");
}

static void put_operation(struct model *m, struct buf *out, const struct model_service *s,
			  const struct model_method *method, const char *verb)
{
	buf_printf(out, "\"%s\":{\"operationId\":\"%s.%s%s\",\"tags\":[\"%s\"],\"x-role\":\"%s\"",
		   verb, s->full_name, method->name, strcmp(verb, "get") == 0 ? ".get" : "",
		   s->full_name, roles[method->role]);
	put_comment(m, out, method->comment);
	buf_puts(out, ",\n");
}

static void put_post(struct model *m, struct buf *out, const struct model_service *s,
		     const struct model_method *method)
{
	put_operation(m, out, s, method, "post");
	buf_puts(out, "\"parameters\":[{\"$ref\":\"#/components/parameters/timeout\"}],\n"
		      "\"requestBody\":{\"required\":true,");
	put_content(out, method, method->input->full_name);
	buf_puts(out, "},\n");
	put_responses(out, method);
	buf_puts(out, "}");
}

static void put_get(struct model *m, struct buf *out, const struct model_service *s,
		    const struct model_method *method)
{
	buf_puts(out, ",\n");
	put_operation(m, out, s, method, "get");
	buf_puts(out, "\"parameters\":[{\"$ref\":\"#/components/parameters/timeout\"},"
		      "{\"$ref\":\"#/components/parameters/encoding\"},\n"
		      "{\"name\":\"message\",\"in\":\"query\",\"required\":true,");
	put_content(out, method, method->input->full_name);
	buf_puts(out, "}],\n");
	put_responses(out, method);
	buf_puts(out, "}");
}

static void put_service(struct model *m, struct list *l, const struct model_service *s)
{
	for (size_t i = 0; i < s->n_methods; i++) {
		const struct model_method *method = &s->methods[i];

		if (method->shape != MODEL_UNARY && method->shape != MODEL_SERVER_STREAM)
			continue;
		next(l);
		buf_printf(l->out, "\"/%s/%s\":{\n", s->full_name, method->name);
		put_post(m, l->out, s, method);
		if (method->no_side_effects && method->shape == MODEL_UNARY)
			put_get(m, l->out, s, method);
		buf_puts(l->out, "}");
	}
}

/* ---- the document */

static const char *package_of(const struct model *m)
{
	for (size_t i = 0; i < m->n_files; i++)
		if (m->files[i].generate)
			return m->files[i].package;
	return "";
}

static void put_tags(struct model *m, struct buf *out)
{
	struct list l = { .out = out };

	for (size_t i = 0; i < m->n_files; i++)
		for (size_t k = 0; m->files[i].generate && k < m->files[i].n_services; k++) {
			next(&l);
			buf_printf(out, "{\"name\":\"%s\"", m->files[i].services[k].full_name);
			put_comment(m, out, m->files[i].services[k].comment);
			buf_puts(out, "}");
		}
}

static void put_paths(struct model *m, struct buf *out)
{
	struct list l = { .out = out };

	for (size_t i = 0; i < m->n_files; i++)
		for (size_t k = 0; m->files[i].generate && k < m->files[i].n_services; k++)
			put_service(m, &l, &m->files[i].services[k]);
}

static void put_schemas(struct model *m, struct buf *out)
{
	struct list l = { .out = out };

	for (size_t i = 0; i < m->n_files; i++) {
		const struct model_file *f = &m->files[i];

		for (size_t k = 0; f->generate && k < f->n_messages; k++)
			put_message(m, &l, &f->messages[k]);
		for (size_t k = 0; f->generate && k < f->n_enums; k++)
			put_enum(m, &l, &f->enums[k]);
	}
	next(&l);
	buf_puts(out, error_schema);
}

static void put_document(struct model *m, struct buf *out)
{
	const char *package = package_of(m), *dot = strrchr(package, '.');

	buf_printf(out,
		   "{\"openapi\":\"3.1.0\",\n\"info\":{\"title\":\"%s\",\"version\":\"%s\"},\n",
		   package, dot ? dot + 1 : package);
	buf_puts(out, "\"externalDocs\":{\"url\":\"https://connectrpc.com/docs/protocol\"},\n"
		      "\"tags\":[");
	put_tags(m, out);
	buf_puts(out, "],\n\"paths\":{");
	put_paths(m, out);
	buf_puts(out, "},\n\"components\":{\"parameters\":{\n"
		      "\"timeout\":{\"name\":\"Connect-Timeout-Ms\",\"in\":\"header\","
		      "\"schema\":{\"type\":\"integer\",\"minimum\":1}},\n"
		      "\"encoding\":{\"name\":\"encoding\",\"in\":\"query\",\"required\":true,"
		      "\"schema\":{\"enum\":[\"json\"]}}},\n\"schemas\":{");
	put_schemas(m, out);
	buf_puts(out, "}}}\n");
}

/* The text as string literals, a line each. */
static void put_literals(struct buf *out, const char *text)
{
	for (const char *p = text; *p;) {
		size_t n = strcspn(p, "\n");

		buf_puts(out, "\n\t\"");
		for (size_t i = 0; i < n; i++) {
			if (p[i] == '"' || p[i] == '\\')
				buf_putc(out, '\\');
			buf_putc(out, p[i]);
		}
		buf_puts(out, "\\n\"");
		p += n + (p[n] == '\n');
	}
}

int emit_openapi(struct model *m, struct emit_files *out)
{
	cleanup(buf_deinit) struct buf document = BUF_NULL;
	const char *name = name_snake(m, package_of(m));
	struct buf *text;

	put_document(m, &document);
	if (document.error)
		return document.error;
	text = emit_open(out, "openapi.json");
	buf_puts(text, document.data);
	text = emit_open(out, "openapi.h");
	buf_printf(
		text,
		"/* generated, do not edit */\n#pragma once\n\nextern const char %s_openapi[];\n",
		name);
	text = emit_open(out, "openapi.c");
	buf_printf(
		text,
		"/* generated, do not edit */\n#include \"openapi.h\"\n\nconst char %s_openapi[] =",
		name);
	put_literals(text, document.data);
	buf_puts(text, ";\n");
	return 0;
}
