/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "frame.h"

static void test_hello(void **state)
{
	static const struct {
		const char *bytes;
		int r;
	} cases[] = {
		{ "\0SP\0\0\x10\0\0", SP_PAIR0 }, { "\0SP\0\0\x30\0\0", SP_REQ0 },
		{ "\0SP\1\0\x10\0\0", -EPROTO },  { "GET / HT", -EPROTO },
		{ "\0SP\0\1\x10\0\0", -EPROTO },  { "\0SP\0\0\x10\0\1", -EPROTO },
	};
	uint8_t out[FRAME_HELLO_BYTES];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(frame_parse_hello((const uint8_t *)cases[i].bytes), cases[i].r);
	frame_hello(out, SP_PAIR1);
	assert_memory_equal(out, "\0SP\0\0\x11\0\0", sizeof(out));
}

static void test_parse(void **state)
{
	static const struct {
		bool ipc;
		unsigned protocol;
		const char *bytes;
		size_t n;
		int64_t r;
		size_t body, header;
	} cases[] = {
		{ true, SP_PAIR0, "", 0, 0, 0, 0 },
		{ true, SP_PAIR0, "\2", 1, -EPROTO, 0, 0 },
		{ true, SP_PAIR0, "\1\0\0\0\0\0\0\0\2ab", 10, 0, 0, 0 },
		{ true, SP_PAIR0, "\1\0\0\0\0\0\0\0\2abc", 12, 11, 2, 0 },
		{ false, SP_PAIR0, "\0\0\0\0\0\0\0\2ab", 10, 10, 2, 0 },
		{ false, SP_PAIR0, "\0\0\0\0\0\0\0\0", 8, 8, 0, 0 },
		{ true, SP_PAIR0, "\1\0\0\0\2\0\0\0\0", 9, -EMSGSIZE, 0, 0 },
		{ true, SP_PAIR0, "\1\xff\xff\xff\xff\xff\xff\xff\xff", 9, -EMSGSIZE, 0, 0 },
		{ true, SP_PAIR0, "\1\0\0\0\0\0\0\0\x66", 9, 0, 0, 0 },
		{ true, SP_PAIR1, "\1\0\0\0\0\0\0\0\5\0\0\0\1a", 14, 14, 1, 4 },
		{ true, SP_PAIR1, "\1\0\0\0\0\0\0\0\2ab", 11, -EPROTO, 0, 0 },
		{ true, SP_REQ0, "\1\0\0\0\0\0\0\0\5\x80\0\0\1a", 14, 14, 1, 4 },
		{ true, SP_REQ0, "\1\0\0\0\0\0\0\0\x9\0\0\0\7\x80\0\0\1a", 18, 18, 1, 8 },
		{ true, SP_REQ0, "\1\0\0\0\0\0\0\0\4\0\0\0\1", 13, -EPROTO, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct frame_format format = { cases[i].ipc, cases[i].protocol };
		uint8_t header[FRAME_HEADER_MAX];
		size_t body_len = 0, header_len = 0;
		const uint8_t *body;

		assert_int_equal(frame_parse(&format, (const uint8_t *)cases[i].bytes, cases[i].n,
					     100, &body, &body_len, header, &header_len),
				 cases[i].r);
		assert_int_equal(body_len, cases[i].body);
		assert_int_equal(header_len, cases[i].header);
	}
}

/* What is appended parses back, in every format. */
static void test_append(void **state)
{
	static const unsigned protocols[] = { SP_PAIR0, SP_PAIR1, SP_REQ0 };

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(protocols); i++) {
		struct frame_format format = { i % 2, protocols[i / 2] };
		Cleat__Rpc__V1__Frame f = CLEAT__RPC__V1__FRAME__INIT, *back;
		cleanup(buf_deinit) struct buf b = BUF_NULL;
		uint8_t header[FRAME_HEADER_MAX];
		size_t body_len, header_len;
		const uint8_t *body;

		f.call = 7;
		f.has_data = true;
		frame_append(&format, &b, &f, (const uint8_t *)"\x80\0\0\5", 4);
		assert_int_equal(b.error, 0);
		assert_int_equal(frame_parse(&format, (uint8_t *)b.data, b.len, 100, &body,
					     &body_len, header, &header_len),
				 b.len);
		back = cleat__rpc__v1__frame__unpack(NULL, body_len, body);
		assert_non_null(back);
		assert_int_equal(back->call, 7);
		cleat__rpc__v1__frame__free_unpacked(back, NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hello),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_append),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
