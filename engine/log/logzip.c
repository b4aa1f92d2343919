/* SPDX-License-Identifier: Apache-2.0 */
/* The file ends with a frame that decoders skip: a line of the table for each frame, then a footer. All
 * numbers are little endian, as on every machine this runs on. */
#include "logzip.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "buf.h"
#include "fd.h"

enum {
	FRAME_BYTES = 256 << 10, /* of the segment in one frame */
	FRAMES_MAX = 1 << 16,
	LEVEL = 3,
	SKIPPABLE_MAGIC = 0x184d2a5e,
	SKIPPABLE_HEAD = 8,
};
#define SEEKABLE_MAGIC UINT32_C(0x8f92eab1)

struct line {
	uint32_t stored, size;
};

struct footer {
	uint32_t n_frames;
	uint8_t descriptor; /* 0x80: lines have checksums; 0 here */
	uint8_t magic[4];
} __attribute__((packed));

struct frame {
	uint64_t at;   /* in the file */
	uint64_t from; /* in the segment */
	struct line line;
};

struct logzip {
	int fd;
	uint64_t size;
	struct frame *frames;
	size_t n_frames, cached; /* cached == n_frames: none */
	ZSTD_DCtx *context;
	char *data, *stored; /* of the cached frame; room for the largest stored one */
};

void logzip_freep(struct logzip **zip)
{
	struct logzip *z = *zip;

	if (!z)
		return;
	free(z->frames);
	free(z->data);
	free(z->stored);
	ZSTD_freeDCtx(z->context);
	free(z);
}

uint64_t logzip_size(const struct logzip *z)
{
	return z->size;
}

static int read_exactly(int fd, void *buf, size_t n, uint64_t offset)
{
	ssize_t got = pread(fd, buf, n, (off_t)offset);

	return got < 0 ? -errno : (size_t)got == n ? 0 : -EBADMSG;
}

/* 1 with the footer, 0 when the file is plain. */
static int read_footer(int fd, uint64_t *file_size, struct footer *footer)
{
	uint32_t magic = 0, seekable = SEEKABLE_MAGIC;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	*file_size = (uint64_t)st.st_size;
	if (pread(fd, &magic, sizeof(magic), 0) != sizeof(magic) || magic != ZSTD_MAGICNUMBER)
		return 0;
	if (*file_size < sizeof(*footer) + SKIPPABLE_HEAD ||
	    read_exactly(fd, footer, sizeof(*footer), *file_size - sizeof(*footer)) < 0 ||
	    memcmp(footer->magic, &seekable, sizeof(seekable)) != 0 || footer->descriptor ||
	    footer->n_frames == 0 || footer->n_frames > FRAMES_MAX)
		return -EBADMSG;
	return 1;
}

static int read_table(struct logzip *z, uint64_t file_size, size_t n)
{
	const size_t bytes = n * sizeof(struct line);
	const uint64_t behind = sizeof(struct footer) + bytes;
	cleanup_free struct line *lines = malloc(bytes);
	uint64_t at = 0, from = 0;
	uint32_t largest = 0;

	z->frames = calloc(n, sizeof(*z->frames));
	if (!lines || !z->frames)
		return -ENOMEM;
	if (file_size < behind + SKIPPABLE_HEAD ||
	    read_exactly(z->fd, lines, bytes, file_size - behind) < 0)
		return -EBADMSG;
	for (size_t i = 0; i < n; i++) {
		z->frames[i] = (struct frame){ at, from, lines[i] };
		if (lines[i].size == 0 || lines[i].size > FRAME_BYTES ||
		    lines[i].stored > ZSTD_COMPRESSBOUND(FRAME_BYTES))
			return -EBADMSG;
		at += lines[i].stored;
		from += lines[i].size;
		if (lines[i].stored > largest)
			largest = lines[i].stored;
	}
	if (at + SKIPPABLE_HEAD + behind != file_size)
		return -EBADMSG;
	z->size = from;
	z->n_frames = z->cached = n;
	z->data = malloc(FRAME_BYTES);
	z->stored = malloc(largest + 1);
	z->context = ZSTD_createDCtx();
	return z->data && z->stored && z->context ? 0 : -ENOMEM;
}

int logzip_open(struct logzip **out, int fd)
{
	cleanup(logzip_freep) struct logzip *z = NULL;
	struct footer footer;
	uint64_t file_size = 0;
	int r = read_footer(fd, &file_size, &footer);

	if (r <= 0)
		return r;
	z = calloc(1, sizeof(*z));
	if (!z)
		return -ENOMEM;
	z->fd = fd;
	r = read_table(z, file_size, footer.n_frames);
	if (r < 0)
		return r;
	*out = steal(&z);
	return 1;
}

static int load_frame(struct logzip *z, size_t i)
{
	const struct frame *f = &z->frames[i];
	size_t got;
	int r;

	if (z->cached == i)
		return 0;
	z->cached = z->n_frames;
	r = read_exactly(z->fd, z->stored, f->line.stored, f->at);
	if (r < 0)
		return r;
	got = ZSTD_decompressDCtx(z->context, z->data, FRAME_BYTES, z->stored, f->line.stored);
	if (ZSTD_isError(got) || got != f->line.size)
		return -EBADMSG;
	z->cached = i;
	return 0;
}

/* The frame that holds `offset`; all but the last are of one size in what logzip_write() makes, but the
 * format does not say so. */
static size_t frame_at(const struct logzip *z, uint64_t offset)
{
	size_t low = 0, high = z->n_frames;

	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (z->frames[middle].from <= offset)
			low = middle;
		else
			high = middle;
	}
	return low;
}

ssize_t logzip_read(struct logzip *z, void *buf, size_t n, uint64_t offset)
{
	size_t done = 0;

	while (done < n && offset < z->size) {
		const size_t i = frame_at(z, offset);
		const struct frame *f = &z->frames[i];
		const size_t skip = (size_t)(offset - f->from);
		size_t take = f->line.size - skip;
		int r = load_frame(z, i);

		if (r < 0)
			return r;
		if (take > n - done)
			take = n - done;
		memcpy((char *)buf + done, z->data + skip, take);
		done += take;
		offset += take;
	}
	return (ssize_t)done;
}

/* ---- writing */

struct writer {
	int from_fd, to_fd;
	ZSTD_CCtx *context;
	char *plain, *packed;
	struct buf table;
};

static void writer_deinit(struct writer *w)
{
	ZSTD_freeCCtx(w->context);
	free(w->plain);
	free(w->packed);
	buf_deinit(&w->table);
}

static ssize_t read_frame(struct writer *w)
{
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && len < FRAME_BYTES) {
		n = read(w->from_fd, w->plain + len, FRAME_BYTES - len);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			len += (size_t)n;
	}
	return n < 0 ? -errno : (ssize_t)len;
}

/* Bytes of the segment that went into a frame, 0 at its end. */
static ssize_t write_frame(struct writer *w)
{
	const size_t room = ZSTD_COMPRESSBOUND(FRAME_BYTES);
	ssize_t n = read_frame(w);
	struct line line;
	size_t packed;
	int r;

	if (n <= 0)
		return n;
	packed = ZSTD_compressCCtx(w->context, w->packed, room, w->plain, (size_t)n, LEVEL);
	if (ZSTD_isError(packed))
		return -ENOMEM;
	line = (struct line){ (uint32_t)packed, (uint32_t)n };
	buf_append(&w->table, &line, sizeof(line));
	r = fd_write_all(w->to_fd, w->packed, packed);
	return r < 0 ? r : n;
}

static int write_table(struct writer *w)
{
	struct footer footer = { .n_frames = (uint32_t)(w->table.len / sizeof(struct line)) };
	const uint32_t seekable = SEEKABLE_MAGIC;
	const uint32_t head[2] = { SKIPPABLE_MAGIC, (uint32_t)(w->table.len + sizeof(footer)) };
	int r = w->table.error;

	memcpy(footer.magic, &seekable, sizeof(seekable));
	buf_append(&w->table, &footer, sizeof(footer));
	if (r == 0)
		r = fd_write_all(w->to_fd, head, sizeof(head));
	return r < 0 ? r : fd_write_all(w->to_fd, w->table.data, w->table.len);
}

int logzip_write(int from_fd, int to_fd)
{
	cleanup(writer_deinit) struct writer w = {
		.from_fd = from_fd,
		.to_fd = to_fd,
		.context = ZSTD_createCCtx(),
		.plain = malloc(FRAME_BYTES),
		.packed = malloc(ZSTD_COMPRESSBOUND(FRAME_BYTES)),
	};
	ssize_t n = w.context && w.plain && w.packed ? 1 : -ENOMEM;

	while (n > 0)
		n = write_frame(&w);
	if (n < 0)
		return (int)n;
	return w.table.len ? write_table(&w) : -ENODATA;
}
