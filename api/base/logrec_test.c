/* SPDX-License-Identifier: Apache-2.0 */
#include "logrec.h"

#include <errno.h>
#include <string.h>

#include "base_test.h"
#include "buf.h"

static void append(struct buf *b, const struct logrec *rec)
{
	uint8_t head[LOGREC_HEAD_BYTES], tail[LOGREC_TAIL_BYTES];

	logrec_encode(rec, head, tail);
	buf_append(b, head, sizeof(head));
	buf_append(b, rec->data, rec->size);
	buf_append(b, tail, sizeof(tail));
}

static const struct logrec first = { 1, 0, "one\n", 4, 1, false };
static const struct logrec second = { -5, 4, "t", 1, 2, true };

static void same(const struct logrec *a, const struct logrec *b)
{
	assert_true(a->time_ns == b->time_ns && a->position == b->position);
	assert_int_equal(a->stream, b->stream);
	assert_int_equal(a->partial, b->partial);
	assert_int_equal(a->size, b->size);
	assert_memory_equal(a->data, b->data, a->size);
}

static void both_directions(void **state)
{
	cleanup(buf_deinit) struct buf b = BUF_NULL;
	struct logrec rec;
	ptrdiff_t n;

	(void)state;
	append(&b, &first);
	append(&b, &second);
	n = logrec_decode(b.data, b.len, &rec);
	assert_int_equal(n, logrec_size(&first));
	same(&rec, &first);
	assert_int_equal(logrec_decode(b.data + n, b.len - (size_t)n, &rec), logrec_size(&second));
	same(&rec, &second);
	n = logrec_decode_last(b.data, b.len, &rec);
	same(&rec, &second);
	assert_int_equal(logrec_decode_last(b.data, b.len - (size_t)n, &rec), logrec_size(&first));
	same(&rec, &first);
	assert_int_equal(logrec_decode_last(b.data, 0, &rec), 0);
}

static void every_cut_is_torn(void **state)
{
	cleanup(buf_deinit) struct buf b = BUF_NULL;
	struct logrec rec;

	(void)state;
	append(&b, &first);
	for (size_t n = 0; n < b.len; n++)
		assert_int_equal(logrec_decode(b.data, n, &rec), 0);
}

static void foreign_bytes_are_refused(void **state)
{
	cleanup(buf_deinit) struct buf b = BUF_NULL;
	struct logrec rec;
	char zeroes[64] = { 0 };

	(void)state;
	assert_int_equal(logrec_decode(zeroes, sizeof(zeroes), &rec), -EBADMSG);
	append(&b, &first);
	b.data[b.len - 1] ^= 1;
	assert_int_equal(logrec_decode(b.data, b.len, &rec), -EBADMSG);
	assert_int_equal(logrec_decode_last(b.data, b.len, &rec), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_directions),
		cmocka_unit_test(every_cut_is_torn),
		cmocka_unit_test(foreign_bytes_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
