/* SPDX-License-Identifier: Apache-2.0 */
#include "tar.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "str.h"

/* Offsets and lengths of the fields of a ustar header (tar(5)). */
enum {
	AT_NAME = 0,
	NAME_LEN = 100,
	AT_MODE = 100,
	AT_UID = 108,
	AT_GID = 116,
	AT_SIZE = 124,
	AT_MTIME = 136,
	AT_SUM = 148,
	AT_TYPE = 156,
	AT_LINK = 157,
	AT_MAGIC = 257,
	AT_MAJOR = 329,
	AT_MINOR = 337,
	SHORT_LEN = 8,
	LONG_LEN = 12,
};

/* Digits in front of the closing NUL. */
static const uint64_t short_max = 07777777, long_max = 077777777777;

static void octal(char *block, int at, int len, uint64_t value)
{
	(void)snprintf(block + at, (size_t)len, "%0*llo", len - 1, (unsigned long long)value);
}

static void text(char *block, int at, const char *value)
{
	size_t n = strlen(value);

	memcpy(block + at, value, n < NAME_LEN ? n : NAME_LEN);
}

/* "LENGTH key=value\n", where the length counts its own digits. */
static void record(struct buf *out, const char *key, const void *value, size_t len)
{
	size_t rest = 1 + strlen(key) + 1 + len + 1, digits = 1, before;

	do {
		char number[24];

		before = digits;
		digits = (size_t)snprintf(number, sizeof(number), "%zu", rest + before);
	} while (digits != before);
	buf_printf(out, "%zu %s=", rest + digits, key);
	buf_append(out, value, len);
	buf_putc(out, '\n');
}

static void number_record(struct buf *out, const char *key, uint64_t value, uint64_t max)
{
	char digits[24];

	if (value > max)
		record(out, key, digits,
		       (size_t)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value));
}

/* A time before 1970 with a fraction counts down: -1.25 is -2 s and 750000000 ns. */
static void time_record(struct buf *out, const struct tar_entry *e)
{
	int64_t s = e->mtime_s;
	uint32_t ns = e->mtime_ns;
	char digits[40];

	if (ns == 0 && s >= 0 && (uint64_t)s <= long_max)
		return;
	const char *sign = s < 0 ? "-" : "";

	if (s < 0 && ns) {
		s++;
		ns = 1000000000 - ns;
	}
	unsigned long long whole = s < 0 ? 0 - (unsigned long long)s : (unsigned long long)s;
	int n = snprintf(digits, sizeof(digits), ns ? "%s%llu.%09u" : "%s%llu", sign, whole, ns);

	while (ns && digits[n - 1] == '0')
		n--;
	record(out, "mtime", digits, (size_t)n);
}

static void path_record(struct buf *out, const char *key, const char *path)
{
	if (path && strlen(path) > NAME_LEN)
		record(out, key, path, strlen(path));
}

/* The text of records is UTF-8 unless a first one says that there is no encoding. */
static bool is_binary(const char *path)
{
	return path && strlen(path) > NAME_LEN && !str_is_utf8(path);
}

static void records(struct buf *out, const struct tar_entry *e)
{
	if (is_binary(e->path) || is_binary(e->link))
		record(out, "hdrcharset", "BINARY", 6);
	path_record(out, "path", e->path);
	path_record(out, "linkpath", e->link);
	number_record(out, "size", e->size_bytes, long_max);
	number_record(out, "uid", e->uid, short_max);
	number_record(out, "gid", e->gid, short_max);
	time_record(out, e);
	for (size_t i = 0; i < e->n_xattrs; i++) {
		cleanup_free char *key = str_printf("SCHILY.xattr.%s", e->xattrs[i].name);

		if (key)
			record(out, key, e->xattrs[i].value, e->xattrs[i].len);
		else
			out->error = -ENOMEM;
	}
}

/* The checksum counts its own field as blanks. */
static void seal(char block[TAR_BLOCK])
{
	unsigned int sum = 0;

	memset(block + AT_SUM, ' ', SHORT_LEN);
	for (int i = 0; i < TAR_BLOCK; i++)
		sum += (unsigned char)block[i];
	(void)snprintf(block + AT_SUM, SHORT_LEN, "%06o", sum);
}

static uint64_t fitting(uint64_t value, uint64_t max)
{
	return value > max ? 0 : value;
}

static void ustar(const struct tar_entry *e, char type, struct buf *out)
{
	bool late = e->mtime_s < 0 || (uint64_t)e->mtime_s > long_max;
	char block[TAR_BLOCK] = { 0 };

	text(block, AT_NAME, e->path);
	octal(block, AT_MODE, SHORT_LEN, e->mode & 07777);
	octal(block, AT_UID, SHORT_LEN, fitting(e->uid, short_max));
	octal(block, AT_GID, SHORT_LEN, fitting(e->gid, short_max));
	octal(block, AT_SIZE, LONG_LEN, fitting(e->size_bytes, long_max));
	octal(block, AT_MTIME, LONG_LEN, late ? 0 : (uint64_t)e->mtime_s);
	block[AT_TYPE] = type;
	text(block, AT_LINK, str_or_empty(e->link));
	memcpy(block + AT_MAGIC,
	       "ustar\0"
	       "00",
	       8);
	octal(block, AT_MAJOR, SHORT_LEN, e->major);
	octal(block, AT_MINOR, SHORT_LEN, e->minor);
	seal(block);
	buf_append(out, block, sizeof(block));
}

static void pad(struct buf *out, size_t n)
{
	static const char zeros[TAR_BLOCK];

	buf_append(out, zeros, n);
}

void tar_head(const struct tar_entry *entry, struct buf *out)
{
	cleanup(buf_deinit) struct buf extended = BUF_NULL;

	records(&extended, entry);
	if (extended.error)
		out->error = extended.error;
	if (extended.len) {
		const struct tar_entry head = { .path = "PaxHeaders/entry",
						.mode = 0644,
						.size_bytes = extended.len };

		ustar(&head, 'x', out);
		buf_append(out, extended.data, extended.len);
		pad(out, tar_padding(extended.len));
	}
	ustar(entry, (char)entry->type, out);
}

size_t tar_padding(uint64_t size_bytes)
{
	return (size_t)((TAR_BLOCK - size_bytes % TAR_BLOCK) % TAR_BLOCK);
}

void tar_end(struct buf *out)
{
	pad(out, TAR_BLOCK);
	pad(out, TAR_BLOCK);
}
