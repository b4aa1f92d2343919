/* SPDX-License-Identifier: Apache-2.0 */
/* C stubs over api/rpc. Per service: a method table, a struct of handlers, thunks that give handlers
 * their types, and functions for both sides of each method. Stream handles are incomplete types, cast
 * from the runtime's own: they cost nothing and keep a caller from sending the wrong message.
 *
 * Every function is written from a template in which $ words stand for the names of one method; the
 * same templates make the declaration and the body, so the two cannot differ. */
#include <string.h>

#include "emit.h"
#include "names.h"

static const char *const shape_names[] = { "RPC_UNARY", "RPC_SERVER_STREAM", "RPC_CLIENT_STREAM",
					   "RPC_BIDI" };
static const char *const role_names[] = { "RPC_ROLE_UNSPECIFIED", "RPC_ROLE_VIEWER",
					  "RPC_ROLE_OPERATOR", "RPC_ROLE_ADMIN" };

/* The names of one method, as templates use them. */
struct words {
	const char *service; /* $s cleat_v1_containers */
	const char *method;  /* $m logs */
	const char *input;   /* $I Cleat__V1__LogsRequest */
	const char *output;  /* $O Cleat__V1__LogsReply */
	unsigned int index;  /* $i of the method in its service */
};

struct template
{
	unsigned int shapes; /* bits of enum model_shape */
	const char *comment; /* for the declaration, NULL = none */
	const char *head, *body;
};

#define UNARY  (1U << MODEL_UNARY)
#define SERVER (1U << MODEL_SERVER_STREAM)
#define CLIENT (1U << MODEL_CLIENT_STREAM)
#define BIDI   (1U << MODEL_BIDI)

static const struct template functions[] = {
	{ SERVER | BIDI, "Server: sends one message; blocks while the client's window is full.",
	  "int $s_$m_send(struct $s_$m_stream *stream, const $O *msg, struct err *err)",
	  "\treturn rpc_call_send((struct rpc_call *)stream, &msg->base, err);\n" },
	{ CLIENT | BIDI, "Server: 1 and an owned message, 0 when the client has ended, or -errno.",
	  "int $s_$m_recv(struct $s_$m_stream *stream, $I **msg, struct err *err)",
	  "\treturn rpc_call_recv((struct rpc_call *)stream,\n"
	  "\t\t(ProtobufCMessage **)msg, err);\n" },
	{ CLIENT | BIDI, "Server: as _recv(), but never blocks: -EAGAIN when nothing has come.",
	  "int $s_$m_try_recv(struct $s_$m_stream *stream, $I **msg, struct err *err)",
	  "\treturn rpc_call_try_recv((struct rpc_call *)stream,\n"
	  "\t\t(ProtobufCMessage **)msg, err);\n" },
	{ UNARY,
	  "Client: 0 and an owned reply, or -errno with the server's status in *err. Blocks.",
	  "int $s_$m(struct rpc_client *client, const struct rpc_options *options, const $I *req,\n"
	  "\t$O **reply, struct err *err)",
	  "\treturn rpc_client_unary(client, options, &$s_methods[$i], &req->base,\n"
	  "\t\t(ProtobufCMessage **)reply, err);\n" },
	{ SERVER, "Client: begins the call; *out is ended with _client_close().",
	  "int $s_$m_open(struct rpc_client *client, const struct rpc_options *options, const $I "
	  "*req,\n"
	  "\tstruct $s_$m_client **out, struct err *err)",
	  "\treturn rpc_client_call_open(client, options, &$s_methods[$i], &req->base,\n"
	  "\t\t(struct rpc_client_call **)out, err);\n" },
	{ CLIENT | BIDI, "Client: begins the call; *out is ended with _client_close().",
	  "int $s_$m_open(struct rpc_client *client, const struct rpc_options *options,\n"
	  "\tstruct $s_$m_client **out, struct err *err)",
	  "\treturn rpc_client_call_open(client, options, &$s_methods[$i], NULL,\n"
	  "\t\t(struct rpc_client_call **)out, err);\n" },
	{ CLIENT | BIDI, "Client: sends one message; blocks while the server's window is full.",
	  "int $s_$m_client_send(struct $s_$m_client *call, const $I *msg, struct err *err)",
	  "\treturn rpc_client_call_send((struct rpc_client_call *)call, &msg->base, err);\n" },
	{ CLIENT | BIDI,
	  "Client: as _client_send(), but never blocks: -EAGAIN while an earlier one waits.",
	  "int $s_$m_client_try_send(struct $s_$m_client *call, const $I *msg, struct err *err)",
	  "\treturn rpc_client_call_try_send((struct rpc_client_call *)call, &msg->base, err);\n" },
	{ CLIENT | BIDI, "Client: nothing more will be sent.",
	  "int $s_$m_client_end(struct $s_$m_client *call, struct err *err)",
	  "\treturn rpc_client_call_end((struct rpc_client_call *)call, err);\n" },
	{ SERVER | CLIENT | BIDI,
	  "Client: 1 and an owned message, 0 when the call ended with OK, or -errno and its "
	  "status.",
	  "int $s_$m_client_recv(struct $s_$m_client *call, $O **msg, struct err *err)",
	  "\treturn rpc_client_call_recv((struct rpc_client_call *)call, (ProtobufCMessage **)msg, "
	  "err);\n" },
	{ SERVER | CLIENT | BIDI,
	  "Client: as _client_recv(), but never blocks: -EAGAIN when nothing has come.",
	  "int $s_$m_client_try_recv(struct $s_$m_client *call, $O **msg, struct err *err)",
	  "\treturn rpc_client_call_try_recv((struct rpc_client_call *)call, (ProtobufCMessage "
	  "**)msg, "
	  "err);\n" },
	{ SERVER | CLIENT | BIDI, "Client: cancels what has not ended, and frees. Accepts NULL.",
	  "void $s_$m_client_close(struct $s_$m_client *call)",
	  "\trpc_client_call_close((struct rpc_client_call *)call);\n" },
};

static const struct template ops[] = {
	{ UNARY, NULL,
	  "\tint (*$m)(struct rpc_call *call, const $I *req, $O *reply, struct err *err);\n",
	  "o->$m(call, (const $I *)req, ($O *)reply, err)" },
	{ SERVER, NULL,
	  "\tint (*$m)(struct rpc_call *call, const $I *req, struct $s_$m_stream *out, struct err "
	  "*err);\n",
	  "o->$m(call, (const $I *)req, (struct $s_$m_stream *)call, err)" },
	{ CLIENT, NULL,
	  "\tint (*$m)(struct rpc_call *call, struct $s_$m_stream *in, $O *reply, struct err "
	  "*err);\n",
	  "o->$m(call, (struct $s_$m_stream *)call, ($O *)reply, err)" },
	{ BIDI, NULL,
	  "\tint (*$m)(struct rpc_call *call, struct $s_$m_stream *io, struct err *err);\n",
	  "o->$m(call, (struct $s_$m_stream *)call, err)" },
};

static void expand(struct buf *b, const char *text, const struct words *w)
{
	for (; *text; text++) {
		if (*text != '$') {
			buf_putc(b, *text);
			continue;
		}
		switch (*++text) {
		case 's':
			buf_puts(b, w->service);
			break;
		case 'm':
			buf_puts(b, w->method);
			break;
		case 'I':
			buf_puts(b, w->input);
			break;
		case 'O':
			buf_puts(b, w->output);
			break;
		case 'i':
			buf_printf(b, "%u", w->index);
			break;
		}
	}
}

static struct words words_of(struct model *m, const struct model_service *s, size_t i)
{
	const struct model_method *method = &s->methods[i];

	return (struct words){ .service = s->prefix,
			       .method = method->snake,
			       .input = name_c_type(m, method->input->full_name),
			       .output = name_c_type(m, method->output->full_name),
			       .index = (unsigned int)i };
}

/* A proto comment as a C comment; an end of comment within it is broken up. */
static void comment(struct buf *b, const char *indent, const char *text)
{
	size_t n = strlen(text);
	bool first = true;

	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' '))
		n--;
	if (n == 0)
		return;
	buf_printf(b, "%s/*", indent);
	for (const char *p = text, *end = text + n; p < end; first = false) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		const char *stop = eol ? eol : end;

		if (!first)
			buf_printf(b, "\n%s *", indent);
		for (; p < stop; p++) {
			buf_putc(b, *p);
			if (p[0] == '*' && p + 1 < stop && p[1] == '/')
				buf_putc(b, ' ');
		}
		p = eol ? eol + 1 : end;
	}
	buf_puts(b, " */\n");
}

static void header_service(struct model *m, struct buf *b, const struct model_service *s)
{
	buf_putc(b, '\n');
	comment(b, "", s->comment);
	buf_printf(b, "extern const struct rpc_service %s;\n\n", s->prefix);
	for (size_t i = 0; i < s->n_methods; i++)
		if (s->methods[i].shape != MODEL_UNARY)
			buf_printf(b, "struct %s_%s_stream;\nstruct %s_%s_client;\n", s->prefix,
				   s->methods[i].snake, s->prefix, s->methods[i].snake);
	buf_printf(b,
		   "\n/* Handlers return 0 or -errno with *err set; NULL is UNIMPLEMENTED. */\n"
		   "struct %s_ops {\n",
		   s->prefix);
	for (size_t i = 0; i < s->n_methods; i++) {
		struct words w = words_of(m, s, i);

		comment(b, "\t", s->methods[i].comment);
		expand(b, ops[s->methods[i].shape].head, &w);
	}
	buf_printf(b,
		   "};\n\n/* Serves the service with `ops`, which must outlive the server. */\n"
		   "int %s_register(struct rpc_server *server, const struct %s_ops *ops);\n",
		   s->prefix, s->prefix);
	for (size_t i = 0; i < s->n_methods; i++) {
		struct words w = words_of(m, s, i);

		buf_printf(b, "\n/* %s */\n", s->methods[i].name);
		for (size_t k = 0; k < ARRAY_LEN(functions); k++)
			if (functions[k].shapes & (1U << s->methods[i].shape)) {
				buf_printf(b, "/* %s */\n", functions[k].comment);
				expand(b, functions[k].head, &w);
				buf_puts(b, ";\n");
			}
	}
}

static void source_tables(struct model *m, struct buf *b, const struct model_service *s)
{
	buf_printf(b, "\nstatic const struct rpc_method %s_methods[] = {\n", s->prefix);
	for (size_t i = 0; i < s->n_methods; i++) {
		const struct model_method *d = &s->methods[i];

		buf_printf(b, "\t{ .name = \"%s\", .path = \"%s/%s\", .shape = %s,\n", d->name,
			   s->full_name, d->name, shape_names[d->shape]);
		buf_printf(b, "\t  .input = &%s__descriptor, .output = &%s__descriptor,\n",
			   name_c_lower(m, d->input->full_name),
			   name_c_lower(m, d->output->full_name));
		buf_printf(b, "\t  .role = %s, .idempotent = %s, .no_side_effects = %s },\n",
			   role_names[d->role], d->idempotent ? "true" : "false",
			   d->no_side_effects ? "true" : "false");
	}
	buf_printf(b,
		   "};\n\nconst struct rpc_service %s = { .name = \"%s\", .methods = %s_methods,\n"
		   "\t.n_methods = %zu };\n",
		   s->prefix, s->full_name, s->prefix, s->n_methods);
}

static void source_thunks(struct model *m, struct buf *b, const struct model_service *s)
{
	for (size_t i = 0; i < s->n_methods; i++) {
		struct words w = words_of(m, s, i);

		expand(b,
		       "\nstatic int $s_$m_thunk(struct rpc_call *call, const void *ops,\n"
		       "\tconst ProtobufCMessage *req, ProtobufCMessage *reply, struct err "
		       "*err)\n{\n"
		       "\tconst struct $s_ops *o = ops;\n\n\t(void)req;\n\t(void)reply;\n\treturn "
		       "o->$m ? ",
		       &w);
		expand(b, ops[s->methods[i].shape].body, &w);
		expand(b, " :\n\t\trpc_call_unimplemented(call, err);\n}\n", &w);
	}
	buf_printf(b, "\nstatic const rpc_thunk %s_thunks[] = {\n", s->prefix);
	for (size_t i = 0; i < s->n_methods; i++)
		buf_printf(b, "\t%s_%s_thunk,\n", s->prefix, s->methods[i].snake);
	buf_printf(b,
		   "};\n\nint %s_register(struct rpc_server *server, const struct %s_ops *ops)\n{\n"
		   "\treturn rpc_server_add(server, &%s, ops, %s_thunks);\n}\n",
		   s->prefix, s->prefix, s->prefix, s->prefix);
}

static void source_service(struct model *m, struct buf *b, const struct model_service *s)
{
	source_tables(m, b, s);
	source_thunks(m, b, s);
	for (size_t i = 0; i < s->n_methods; i++) {
		struct words w = words_of(m, s, i);

		for (size_t k = 0; k < ARRAY_LEN(functions); k++)
			if (functions[k].shapes & (1U << s->methods[i].shape)) {
				buf_putc(b, '\n');
				expand(b, functions[k].head, &w);
				buf_puts(b, "\n{\n");
				expand(b, functions[k].body, &w);
				buf_puts(b, "}\n");
			}
	}
}

static void emit_proto(struct model *m, struct emit_files *out, const struct model_file *f)
{
	struct buf *b = emit_open(out, model_printf(m, "%s.rpc.h", f->stem));

	buf_printf(b,
		   "/* generated, do not edit: from %s */\n#pragma once\n\n"
		   "#include \"%s.pb-c.h\"\n#include \"client.h\"\n#include \"rpc.h\"\n"
		   "#include \"server.h\"\n",
		   f->name, f->stem);
	for (size_t i = 0; i < f->n_services; i++)
		header_service(m, b, &f->services[i]);
	b = emit_open(out, model_printf(m, "%s.rpc.c", f->stem));
	buf_printf(b, "/* generated, do not edit: from %s */\n#include \"%s.rpc.h\"\n", f->name,
		   f->stem);
	for (size_t i = 0; i < f->n_services; i++)
		source_service(m, b, &f->services[i]);
}

static void emit_table_head(struct model *m, struct buf *b, const struct model_file *first)
{
	const char *prefix = name_snake(m, first->package);

	buf_printf(b,
		   "/* generated, do not edit */\n#pragma once\n\n#include <stddef.h>\n\n"
		   "#include \"rpc.h\"\n\n/* Every service, by file and name. */\n"
		   "extern const struct rpc_service *const %s_services[];\n"
		   "extern const size_t %s_n_services;\n\n"
		   "/* The entry message of every map field: on the wire a map is a repeated "
		   "entry. */\n"
		   "extern const ProtobufCMessageDescriptor *const %s_map_entries[];\n"
		   "extern const size_t %s_n_map_entries;\n",
		   prefix, prefix, prefix, prefix);
}

static void emit_table_body(struct model *m, struct buf *b, const struct model_file *first)
{
	const char *prefix = name_snake(m, first->package);
	size_t n_services = 0, n_maps = 0;

	for (size_t i = 0; i < m->n_files; i++)
		if (m->files[i].generate) {
			buf_printf(b, "#include \"%s.pb-c.h\"\n", m->files[i].stem);
			if (m->files[i].n_services)
				buf_printf(b, "#include \"%s.rpc.h\"\n", m->files[i].stem);
		}
	buf_printf(b, "\nconst struct rpc_service *const %s_services[] = {\n", prefix);
	for (size_t i = 0; i < m->n_files; i++)
		for (size_t k = 0; m->files[i].generate && k < m->files[i].n_services;
		     k++, n_services++)
			buf_printf(b, "\t&%s,\n", m->files[i].services[k].prefix);
	buf_printf(b, "\tNULL,\n};\nconst size_t %s_n_services = %zu;\n", prefix, n_services);
	buf_printf(b, "\nconst ProtobufCMessageDescriptor *const %s_map_entries[] = {\n", prefix);
	for (size_t i = 0; i < m->n_files; i++)
		for (size_t k = 0; m->files[i].generate && k < m->files[i].n_messages; k++)
			if (m->files[i].messages[k].map_entry) {
				buf_printf(b, "\t&%s__descriptor,\n",
					   name_c_lower(m, m->files[i].messages[k].full_name));
				n_maps++;
			}
	buf_printf(b, "\tNULL,\n};\nconst size_t %s_n_map_entries = %zu;\n", prefix, n_maps);
}

int emit_c(struct model *m, struct emit_files *out)
{
	const struct model_file *first = NULL;
	const char *slash, *dir;
	struct buf *b;

	for (size_t i = 0; i < m->n_files; i++) {
		const struct model_file *f = &m->files[i];

		if (!f->generate)
			continue;
		if (first && strcmp(first->package, f->package) != 0)
			return model_fail(m, f, 0, "package %s and package %s in one run",
					  f->package, first->package);
		first = first ? first : f;
		if (f->n_services)
			emit_proto(m, out, f);
	}
	if (!first)
		return 0;
	slash = strrchr(first->stem, '/');
	dir = slash ? model_printf(m, "%.*s/", (int)(slash - first->stem), first->stem) : "";
	b = emit_open(out, model_printf(m, "%sservices.rpc.h", dir));
	emit_table_head(m, b, first);
	b = emit_open(out, model_printf(m, "%sservices.rpc.c", dir));
	buf_printf(b, "/* generated, do not edit */\n#include \"%sservices.rpc.h\"\n\n", dir);
	emit_table_body(m, b, first);
	return 0;
}
