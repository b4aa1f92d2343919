/* SPDX-License-Identifier: Apache-2.0 */
/* protoc has checked the language; here is what its rules allow and our output does not: constructs
 * protoc-c refuses or loses (proto2, optional, groups), and names that become equal or reserved in C.
 * All identifiers of a run share one scope, so they are collected in one list. */
#include "check.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

enum { ROLE_MAX = 3 };

struct taken {
	const char *ident; /* generated C identifier */
	const char *what;  /* the method or service it belongs to */
	const struct model_file *file;
	int line;
};

struct scope {
	struct taken *taken;
	size_t n, cap;
};

static int check_fields(struct model *m, const struct model_message *msg)
{
	for (size_t i = 0; i < msg->n_fields; i++) {
		const struct model_field *f = &msg->fields[i];

		if (f->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_GROUP)
			return model_fail(m, msg->file, f->line, "group %s is not supported",
					  f->name);
		if (f->optional)
			return model_fail(
				m, msg->file, f->line,
				"optional field %s is not supported: use a oneof of one member",
				f->name);
	}
	return 0;
}

static int take(struct model *m, struct scope *s, const struct taken *t)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->taken[i].ident, t->ident))
			return model_fail(m, t->file, t->line, "%s and %s both become %s in C",
					  t->what, s->taken[i].what, t->ident);
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 64;
		struct taken *grown = model_alloc(m, cap, sizeof(*grown));

		if (s->n)
			memcpy(grown, s->taken, s->n * sizeof(*grown));
		s->taken = grown;
		s->cap = cap;
	}
	s->taken[s->n++] = *t;
	return 0;
}

static int check_method(struct model *m, struct scope *scope, const struct model_service *s,
			const struct model_method *method)
{
	static const char *const stream[] = { "_stream",      "_open",
					      "_send",        "_recv",
					      "_try_recv",    "_client",
					      "_client_send", "_client_try_send",
					      "_client_recv", "_client_try_recv",
					      "_client_end",  "_client_close" };
	struct taken t = { .what = model_printf(m, "%s.%s", s->name, method->name),
			   .file = s->file,
			   .line = method->line };
	int r;

	if (name_is_c_keyword(method->snake))
		return model_fail(m, s->file, method->line, "method %s: \"%s\" is reserved in C",
				  method->name, method->snake);
	if (method->role < 0 || method->role > ROLE_MAX)
		return model_fail(m, s->file, method->line, "method %s: there is no role %d",
				  method->name, method->role);
	t.ident = model_printf(m, "%s_%s", s->prefix, method->snake);
	r = take(m, scope, &t);
	for (size_t i = 0; r == 0 && method->shape != MODEL_UNARY && i < ARRAY_LEN(stream); i++) {
		t.ident = model_printf(m, "%s_%s%s", s->prefix, method->snake, stream[i]);
		r = take(m, scope, &t);
	}
	return r;
}

static int check_service(struct model *m, struct scope *scope, const struct model_service *s)
{
	static const char *const suffixes[] = { "", "_ops", "_register" };
	struct taken t = { .what = s->name, .file = s->file, .line = s->line };
	int r = 0;

	if (s->n_methods == 0)
		return model_fail(m, s->file, s->line, "service %s has no methods", s->name);
	for (size_t i = 0; i < ARRAY_LEN(suffixes) && r == 0; i++) {
		t.ident = model_printf(m, "%s%s", s->prefix, suffixes[i]);
		r = take(m, scope, &t);
	}
	for (size_t i = 0; i < s->n_methods && r == 0; i++)
		r = check_method(m, scope, s, &s->methods[i]);
	return r;
}

int check_model(struct model *m)
{
	struct scope scope = { 0 };

	for (size_t i = 0; i < m->n_files; i++) {
		const struct model_file *f = &m->files[i];
		int r = 0;

		if (!f->generate)
			continue;
		if (!f->proto->syntax || strcmp(f->proto->syntax, "proto3") != 0)
			return model_fail(m, f, 0, "only proto3 is supported");
		for (size_t k = 0; k < f->n_messages && r == 0; k++)
			r = check_fields(m, &f->messages[k]);
		for (size_t k = 0; k < f->n_services && r == 0; k++)
			r = check_service(m, &scope, &f->services[k]);
		if (r < 0)
			return r;
	}
	return 0;
}
