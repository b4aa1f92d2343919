/* SPDX-License-Identifier: Apache-2.0 */
/* Left out, as libarchive is known to be another: names that are not ASCII (it converts them), times before
 * 1970 with a fraction, types of entries it takes for files, and tars it does not take for one because of an
 * odd field in the first header. */
#include "tardiff.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "str.h"
#include "tarparse.h"

enum { PIECE = 1000, ENTRIES_MAX = 1000 };

struct seen {
	char *path, *link;
	struct tar_entry e;
	struct tar_piece *pieces;
};

struct both {
	struct seen *v;
	size_t n;
	const char *tar;
	bool odd; /* not to be compared */
};

static int take(struct both *b, const struct tar_entry *e)
{
	struct seen *s = &b->v[b->n];

	if (b->n == ENTRIES_MAX)
		return -E2BIG;
	b->n++;
	*s = (struct seen){ strdup(e->path), strdup(str_or_empty(e->link)), *e,
			    calloc(e->n_pieces + 1, sizeof(*s->pieces)) };
	for (size_t i = 0; i < e->n_pieces; i++)
		s->pieces[i] = e->pieces[i];
	b->odd = b->odd || (e->mtime_s < 0 && e->mtime_ns) || e->type < TAR_FILE ||
		 e->type > TAR_FIFO;
	return 0;
}

static bool parse(struct both *b, size_t len)
{
	cleanup(tarparse_freep) struct tarparse *p = NULL;
	struct tarparse_data data;
	int r = tarparse_new(&p);

	for (size_t at = 0; r >= 0 && r != TARPARSE_END && at < len; at += PIECE) {
		size_t n = len - at < PIECE ? len - at : PIECE;
		const char *bytes = b->tar + at;

		while ((r = tarparse_step(p, &bytes, &n, &data, NULL)) == TARPARSE_ENTRY ||
		       r == TARPARSE_DATA)
			if (r == TARPARSE_ENTRY && (r = take(b, tarparse_entry(p))) < 0)
				return false;
	}
	return r >= 0 && tarparse_end(p, NULL) == 0;
}

static void fail(const char *what, const struct seen *s)
{
	fprintf(stderr, "tardiff: %s differs at \"%.100s\"\n", what, s ? s->path : "");
	abort();
}

static void same_text(const char *what, const char *ours, const char *theirs, const struct seen *s)
{
	for (const char *c = ours; *c; c++)
		if (*c & 0x80)
			return;
	if (strcmp(ours, str_or_empty(theirs)) != 0)
		fail(what, s);
}

/* The byte at a place of the file; in a hole there is none, NULL. */
static const char *byte_at(const struct both *b, const struct seen *s, uint64_t at)
{
	if (!s->e.sparse)
		return at < s->e.size_bytes ? b->tar + s->e.offset + at : NULL;
	for (size_t i = 0; i < s->e.n_pieces; i++)
		if (at >= s->pieces[i].at && at - s->pieces[i].at < s->pieces[i].len)
			return b->tar + s->pieces[i].offset + (at - s->pieces[i].at);
	return NULL;
}

static uint64_t bytes_of(const struct seen *s)
{
	uint64_t n = s->e.sparse ? 0 : s->e.size_bytes;

	for (size_t i = 0; i < s->e.n_pieces; i++)
		n += s->pieces[i].len;
	return n;
}

static void same_bytes(const struct both *b, struct archive *a, const struct seen *s)
{
	const void *data;
	uint64_t found = 0;
	int64_t at;
	size_t n;
	int r;

	while ((r = archive_read_data_block(a, &data, &n, &at)) == ARCHIVE_OK)
		for (size_t i = 0; i < n; i++, found++) {
			const char *ours = byte_at(b, s, (uint64_t)at + i);

			if (!ours || *ours != ((const char *)data)[i])
				fail("contents", s);
		}
	if (r != ARCHIVE_EOF || found != bytes_of(s))
		fail("size", s);
}

static void same_entry(const struct both *b, struct archive *a, struct archive_entry *e,
		       const struct seen *s)
{
	static const unsigned int types[] = { AE_IFREG, AE_IFREG, AE_IFLNK, AE_IFCHR,
					      AE_IFBLK, AE_IFDIR, AE_IFIFO };
	const char *hard = archive_entry_hardlink(e);

	same_text("path", s->path, archive_entry_pathname(e), s);
	if ((s->e.type == TAR_HARDLINK) != (hard != NULL))
		fail("hard link", s);
	if (hard || s->e.type == TAR_SYMLINK)
		same_text("link", s->link, hard ? hard : archive_entry_symlink(e), s);
	if (!hard && archive_entry_filetype(e) != types[s->e.type - TAR_FILE])
		fail("type", s);
	if ((archive_entry_perm(e) & 07777) != s->e.mode)
		fail("mode", s);
	if (archive_entry_uid(e) != s->e.uid || archive_entry_gid(e) != s->e.gid)
		fail("owner", s);
	if (archive_entry_mtime(e) != s->e.mtime_s ||
	    (uint32_t)archive_entry_mtime_nsec(e) != s->e.mtime_ns)
		fail("time", s);
	if (s->e.type == TAR_FILE && (uint64_t)archive_entry_size(e) != s->e.size_bytes)
		fail("length", s);
	if (s->e.type == TAR_FILE)
		same_bytes(b, a, s);
}

static void compare(const struct both *b, size_t len)
{
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	size_t n = 0;
	int r;

	archive_read_support_format_tar(a);
	r = archive_read_open_memory(a, b->tar, len);
	while (r == ARCHIVE_OK &&
	       ((r = archive_read_next_header(a, &e)) == ARCHIVE_OK || r == ARCHIVE_WARN)) {
		if (n == b->n)
			fail("number of entries", NULL);
		same_entry(b, a, e, &b->v[n++]);
		r = ARCHIVE_OK;
	}
	if (n && (r != ARCHIVE_EOF || n != b->n))
		fail("the end", NULL);
	archive_read_free(a);
}

int tardiff(const void *tar, size_t n)
{
	struct both b = { .v = calloc(ENTRIES_MAX, sizeof(*b.v)), .tar = tar };
	bool good = b.v && parse(&b, n);

	if (good && !b.odd)
		compare(&b, n);
	for (size_t i = 0; i < b.n; i++) {
		free(b.v[i].path);
		free(b.v[i].link);
		free(b.v[i].pieces);
	}
	free(b.v);
	return good;
}
