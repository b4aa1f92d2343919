/* SPDX-License-Identifier: Apache-2.0 */
/* What the emitters see: the files of one CodeGeneratorRequest as named, resolved, sorted things.
 * Names and comments borrow from the request, which must outlive the model; everything else is owned
 * by the model's arena. Running out of memory ends the program: this is a build tool. */
#pragma once

#include <google/protobuf/compiler/plugin.pb-c.h>
#include <stdbool.h>
#include <stddef.h>

#include "mem.h"

enum model_shape { MODEL_UNARY, MODEL_SERVER_STREAM, MODEL_CLIENT_STREAM, MODEL_BIDI };

struct model_file;
struct model_message;

struct model_value {
	const char *name, *comment;
	int number;
};

struct model_enum {
	const char *full_name; /* "cleat.v1.Role" */
	const char *name, *comment;
	const struct model_file *file;
	const struct model_message *parent; /* NULL at file level */
	struct model_value *values;
	size_t n_values;
};

struct model_field {
	const char *name, *comment;
	int number;
	Google__Protobuf__FieldDescriptorProto__Type type;
	bool repeated;
	bool optional;                       /* proto3 `optional` */
	int oneof;                           /* index into the message's oneofs, -1 = none */
	const struct model_message *message; /* of message fields; a map's entry */
	const struct model_enum *enumeration;
	int line;
};

struct model_message {
	const char *full_name, *name, *comment;
	const struct model_file *file;
	const struct model_message *parent; /* NULL at file level */
	struct model_field *fields;         /* in order of number */
	size_t n_fields;
	const char **oneofs;
	size_t n_oneofs;
	bool map_entry;
	const Google__Protobuf__DescriptorProto *proto;
};

struct model_method {
	const char *name, *comment;
	const char *snake; /* "inspect_all" */
	enum model_shape shape;
	const struct model_message *input, *output;
	int role; /* cleat.v1.Role, 0 = unspecified */
	bool idempotent, no_side_effects;
	int line;
};

struct model_service {
	const char *full_name, *name, *comment;
	const char *prefix; /* "cleat_v1_containers" */
	const struct model_file *file;
	struct model_method *methods; /* in the order of the proto */
	size_t n_methods;
	int line;
};

struct model_file {
	const char *name;    /* "cleat/v1/containers.proto" */
	const char *stem;    /* without ".proto" */
	const char *package; /* "" = none */
	bool generate;
	struct model_message *messages; /* every one, nested ones after their parent */
	size_t n_messages;
	struct model_enum *enums;
	size_t n_enums;
	struct model_service *services; /* by name */
	size_t n_services;
	const Google__Protobuf__FileDescriptorProto *proto;
};

enum { MODEL_ERROR_MAX = 512 };

struct model {
	struct model_file *files; /* by name */
	size_t n_files;
	char error[MODEL_ERROR_MAX]; /* "" or the first error, "file:line: sentence" */
	struct arena *arena;
};

/* Fills *m from the request. Returns 0, or -EINVAL with m->error set. model_deinit() either way. */
int model_init(struct model *m,
	       const Google__Protobuf__Compiler__CodeGeneratorRequest *request) must_check;
void model_deinit(struct model *m);

/* Zeroed memory, or formatted text, that lives as long as the model. */
void *model_alloc(struct model *m, size_t count, size_t size);
const char *model_printf(struct model *m, const char *fmt, ...) printf_like(2, 3);

/* Keeps the first error: "file:line: sentence" (no line when 0). Returns -EINVAL. */
int model_fail(struct model *m, const struct model_file *file, int line, const char *fmt, ...)
	printf_like(4, 5);
