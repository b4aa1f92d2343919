/* SPDX-License-Identifier: Apache-2.0 */
#include "jsonlog.h"

#include <string.h>

#include "str.h"

void jsonlog_deinit(struct jsonlog *log)
{
	for (size_t i = 0; i < ARRAY_LEN(log->held); i++)
		buf_deinit(&log->held[i]);
}

static void put_line(struct buf *out, uint8_t stream, const char *line, size_t n, int64_t time_ns)
{
	char time[STR_TIME_MAX];

	str_format_time(time_ns, time);
	buf_puts(out, "{\"log\":");
	buf_json_string(out, line, n);
	buf_printf(out, ",\"stream\":\"%s\",\"time\":\"%s\"}\n", stream == 1 ? "stdout" : "stderr",
		   time);
}

/* Bytes of `data` that end the line at hand, which has `held` bytes already; 0 = it goes on. */
static size_t line_end(const char *data, size_t n, size_t held)
{
	size_t room = JSONLOG_LINE_MAX - held;
	const char *newline = memchr(data, '\n', n < room ? n : room);

	if (newline)
		return (size_t)(newline + 1 - data);
	return n >= room ? room : 0;
}

void jsonlog_take(struct jsonlog *log, uint8_t stream, const char *data, size_t n, int64_t time_ns,
		  struct buf *out)
{
	struct buf *held = &log->held[stream - 1];

	while (n > 0) {
		size_t part = line_end(data, n, held->len);

		if (part == 0) {
			buf_append(held, data, n);
			return;
		}
		if (held->len == 0) {
			put_line(out, stream, data, part, time_ns);
		} else {
			buf_append(held, data, part);
			put_line(out, stream, held->data, held->len, time_ns);
			held->len = 0;
		}
		data += part;
		n -= part;
	}
}

void jsonlog_flush(struct jsonlog *log, int64_t time_ns, struct buf *out)
{
	for (uint8_t i = 0; i < ARRAY_LEN(log->held); i++) {
		struct buf *held = &log->held[i];

		if (held->len)
			put_line(out, (uint8_t)(i + 1), held->data, held->len, time_ns);
		buf_deinit(held);
	}
}
