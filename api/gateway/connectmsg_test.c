/* SPDX-License-Identifier: Apache-2.0 */
#include "connectmsg.h"

#include <errno.h>
#include <string.h>

#include "base_test.h"
#include "cleat/v1/containers.pb-c.h"

static void codings(void **state)
{
	static const struct {
		const char *accepted;
		bool gzip;
	} cases[] = {
		{ "", false },
		{ "gzip", true },
		{ "br, gzip", true },
		{ "GZIP;q=0.5", true },
		{ "gzip;q=0", false },
		{ "gzip;q=0.000, br", false },
		{ "gzipped, x", false },
		{ ",,", false },
		{ "identity,gzip ;q=1", true },
		{ "gzip;q=0 ", false },
		{ "gzip;q=0 , br", false },
		{ "gzip;q=0.1 ", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(connect_accepts(cases[i].accepted, "gzip"), cases[i].gzip);
}

static const struct connect_form forms[] = {
	{ 0 },
	{ .gzip_read = true, .gzip_sent = true },
	{ .binary = true },
	{ .binary = true, .gzip_read = true, .gzip_sent = true },
};

static void there_and_back(void **state)
{
	static char name[4000];
	Cleat__V1__InspectContainerRequest m = CLEAT__V1__INSPECT_CONTAINER_REQUEST__INIT;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	m.container = name;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		cleanup(buf_deinit) struct buf bytes = BUF_NULL;
		ProtobufCMessage *back = NULL;
		bool compressed;

		assert_int_equal(connect_print(&forms[i], &m.base, &bytes, &compressed, NULL), 0);
		assert_int_equal(compressed, forms[i].gzip_read);
		assert_true(!compressed || bytes.len < sizeof(name) / 2);
		assert_int_equal(connect_parse(&forms[i], compressed, m.base.descriptor, bytes.data,
					       bytes.len, &back, NULL),
				 0);
		assert_string_equal(((Cleat__V1__InspectContainerRequest *)back)->container, name);
		protobuf_c_message_free_unpacked(back, NULL);
	}
}

static void what_is_no_message(void **state)
{
	const ProtobufCMessageDescriptor *kind = &cleat__v1__inspect_container_request__descriptor;
	ProtobufCMessage *out = NULL;
	struct err err = ERR_NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		assert_true(connect_parse(&forms[i], false, kind, "\xff{", 2, &out, &err) < 0);
		assert_int_equal(err.code, ERR_INVALID);
		assert_true(connect_parse(&forms[i], true, kind, "{}", 2, &out, &err) < 0);
		assert_int_equal(err.code, ERR_INVALID);
	}
}

static void envelopes(void **state)
{
	struct buf body = BUF_NULL;
	char head[CONNECT_ENVELOPE_BYTES];
	const char *data;
	bool compressed;
	size_t n;

	(void)state;
	connect_envelope(CONNECT_FLAG_COMPRESSED, 2, head);
	buf_append(&body, head, sizeof(head));
	assert_int_equal(connect_unwrap(&body, &data, &n, &compressed, NULL), -EINVAL);
	buf_puts(&body, "{}");
	assert_int_equal(connect_unwrap(&body, &data, &n, &compressed, NULL), 0);
	assert_true(compressed && n == 2 && memcmp(data, "{}", 2) == 0);
	buf_puts(&body, " ");
	assert_int_equal(connect_unwrap(&body, &data, &n, &compressed, NULL), -EINVAL);
	buf_deinit(&body);
}

static void errors(void **state)
{
	cleanup(buf_deinit) struct buf out = BUF_NULL;
	struct err err = ERR_NULL;

	(void)state;
	(void)err_reason(&err, ERR_NOT_FOUND, "GONE", "no \"x\"");
	connect_print_error(&out, &err);
	assert_string_equal(
		out.data, "{\"code\":\"not_found\",\"message\":\"no \\\"x\\\"\",\"details\":["
			  "{\"type\":\"google.rpc.ErrorInfo\",\"value\":\"CgRHT05FEghjbGVhdC52MQ\","
			  "\"debug\":{\"reason\":\"GONE\",\"domain\":\"cleat.v1\"}}]}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codings),   cmocka_unit_test(there_and_back),
		cmocka_unit_test(envelopes), cmocka_unit_test(what_is_no_message),
		cmocka_unit_test(errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
