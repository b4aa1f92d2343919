/* SPDX-License-Identifier: Apache-2.0 */
/* protoc-gen-cleat: reads a CodeGeneratorRequest on stdin and answers with the files of one language,
 * chosen by the parameter: `protoc --cleat_out=c:DIR` or `python:DIR`. What is wrong with the input
 * goes into the answer's error, which protoc prints; only a broken pipe or request ends with 1. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "emit.h"

typedef Google__Protobuf__Compiler__CodeGeneratorRequest request_type;
typedef Google__Protobuf__Compiler__CodeGeneratorResponse response_type;
typedef Google__Protobuf__Compiler__CodeGeneratorResponse__File file_type;

enum { REQUEST_MAX = 64 << 20, FEATURE_PROTO3_OPTIONAL = 1 };

static const struct {
	const char *name;
	int (*emit)(struct model *m, struct emit_files *out);
} languages[] = {
	{ "c", emit_c },
	{ "python", emit_python },
	{ "wire", emit_wire },
	{ "openapi", emit_openapi },
};

struct buf *emit_open(struct emit_files *out, const char *name)
{
	if (out->n == out->cap) {
		size_t cap = out->cap ? 2 * out->cap : 16;
		struct emit_file *grown = realloc(out->files, cap * sizeof(*grown));

		if (!grown)
			abort();
		out->files = grown;
		out->cap = cap;
	}
	out->files[out->n] = (struct emit_file){ .name = name, .text = BUF_NULL };
	return &out->files[out->n++].text;
}

void emit_deinit(struct emit_files *out)
{
	for (size_t i = 0; i < out->n; i++)
		buf_deinit(&out->files[i].text);
	free(out->files);
	*out = (struct emit_files){ 0 };
}

static int read_all(FILE *in, struct buf *b)
{
	while (buf_reserve(b, 65536) == 0) {
		size_t n = fread(b->data + b->len, 1, 65536, in);

		b->len += n;
		if (n == 0)
			return ferror(in) ? -EIO : 0;
	}
	return b->error;
}

static int generate(struct model *m, const request_type *request, struct emit_files *out)
{
	const char *parameter = request->parameter ? request->parameter : "";

	for (size_t i = 0; i < ARRAY_LEN(languages); i++)
		if (!strcmp(languages[i].name, parameter)) {
			int r = model_init(m, request);

			return r < 0 ? r : languages[i].emit(m, out);
		}
	return model_fail(m, NULL, 0,
			  "unknown parameter \"%.100s\": want c, python, wire or openapi",
			  parameter);
}

static int write_response(const response_type *response)
{
	size_t size =
		google__protobuf__compiler__code_generator_response__get_packed_size(response);
	cleanup_free uint8_t *bytes = malloc(size + 1);

	if (!bytes)
		return -ENOMEM;
	google__protobuf__compiler__code_generator_response__pack(response, bytes);
	if (fwrite(bytes, 1, size, stdout) != size || fflush(stdout) != 0)
		return -EIO;
	return 0;
}

static int answer(struct model *m, struct emit_files *out)
{
	response_type response = GOOGLE__PROTOBUF__COMPILER__CODE_GENERATOR_RESPONSE__INIT;
	file_type *files = model_alloc(m, out->n, sizeof(*files));
	file_type **list = model_alloc(m, out->n, sizeof(*list));

	for (size_t i = 0; i < out->n; i++) {
		if (out->files[i].text.error)
			return out->files[i].text.error;
		google__protobuf__compiler__code_generator_response__file__init(&files[i]);
		files[i].name = (char *)(uintptr_t)out->files[i].name;
		files[i].content = out->files[i].text.data;
		list[i] = &files[i];
	}
	/* declared so that the refusal of `optional` is ours, with a line */
	response.has_supported_features = true;
	response.supported_features = FEATURE_PROTO3_OPTIONAL;
	if (m->error[0]) {
		response.error = m->error;
	} else {
		response.n_file = out->n;
		response.file = list;
	}
	return write_response(&response);
}

int main(void)
{
	cleanup(buf_deinit) struct buf input = { .max = REQUEST_MAX };
	request_type *request = NULL;
	struct model m = { 0 };
	struct emit_files out = { 0 };
	int r = read_all(stdin, &input);

	if (r == 0)
		request = google__protobuf__compiler__code_generator_request__unpack(
			NULL, input.len, (const uint8_t *)input.data);
	if (!request) {
		fprintf(stderr, "protoc-gen-cleat: stdin holds no CodeGeneratorRequest\n");
		return 1;
	}
	(void)!generate(&m, request, &out);
	r = answer(&m, &out);
	emit_deinit(&out);
	model_deinit(&m);
	google__protobuf__compiler__code_generator_request__free_unpacked(request, NULL);
	if (r < 0)
		fprintf(stderr, "protoc-gen-cleat: %s\n", strerror(-r));
	return r < 0;
}
