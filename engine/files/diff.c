/* SPDX-License-Identifier: Apache-2.0 */
/* The worker tells the changes through a pipe: a letter, a path and a NUL for each. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fd.h"
#include "files.h"
#include "files_part.h"
#include "str.h"

/* What fits a message, of which each path takes a few bytes more. */
enum { DIFF_BYTES_MAX = 12 << 20, READ_BYTES = 64 << 10 };

static int read_all(int fd, struct buf *out)
{
	for (;;) {
		if (buf_reserve(out, READ_BYTES) < 0)
			return out->error;
		ssize_t n = read(fd, out->data + out->len, READ_BYTES);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		out->len += (size_t)n;
		if (out->len > DIFF_BYTES_MAX)
			return -EFBIG;
	}
}

static int add_change(Cleat__V1__DiffReply *reply, char kind, const char *path)
{
	static const char letters[] = { [CLEAT__V1__CHANGE_KIND__CHANGE_KIND_MODIFIED] = 'C',
					[CLEAT__V1__CHANGE_KIND__CHANGE_KIND_ADDED] = 'A',
					[CLEAT__V1__CHANGE_KIND__CHANGE_KIND_DELETED] = 'D' };
	const char *letter = memchr(letters, kind, sizeof(letters));
	Cleat__V1__DiffReply__Change *c = letter ? malloc(sizeof(*c)) : NULL;

	if (!c)
		return letter ? -ENOMEM : -EBADMSG;
	cleat__v1__diff_reply__change__init(c);
	reply->changes[reply->n_changes++] = c;
	c->kind = (Cleat__V1__ChangeKind)(letter - letters);
	c->path = files_text(path);
	return c->path ? 0 : -ENOMEM;
}

static int fill(const struct buf *text, Cleat__V1__DiffReply *reply)
{
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < text->len; i++)
		n += text->data[i] == '\0';
	reply->changes = calloc(n + 1, sizeof(*reply->changes));
	if (!reply->changes)
		return -ENOMEM;
	for (size_t at = 0; r == 0 && at < text->len;) {
		size_t len = strnlen(text->data + at, text->len - at);

		r = at + len < text->len && len > 1
			    ? add_change(reply, text->data[at], text->data + at + 1)
			    : -EBADMSG;
		at += len + 1;
	}
	return r;
}

static int run(struct engine *engine, const struct root *root, struct buf *text, struct err *err)
{
	cleanup(worker_deinit) struct worker worker = WORKER_NULL;
	cleanup(buf_deinit) struct buf lines = BUF_NULL;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_sys(err, errno, "make a pipe");
	int r = root_start(root, engine, "diff", fds[1], &worker, err);

	close(fds[1]);
	int read = r ? r : read_all(fds[0], text);

	close(fds[0]);
	if (r < 0)
		return r;
	if (read == -EFBIG)
		return err_set(err, ERR_EXHAUSTED,
			       "the names of what was changed are longer than %d MiB together",
			       DIFF_BYTES_MAX >> 20);
	r = worker_finish(&worker, &lines, err);
	return r == 0 && read < 0 ? err_sys(err, read, "read the changes") : r;
}

int files_diff(struct engine *engine, const char *reference, Cleat__V1__DiffReply *reply,
	       struct err *err)
{
	cleanup(record_deinit) struct record record = { 0 };
	cleanup(root_deinit) struct root root = ROOT_NULL;
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	char number[16];
	int r = files_find(engine, reference, &record, err);

	r = r ? r : root_open(&root, engine, &record, ROOT_LAYERS, err);
	int upper = r ? r : files_upper(engine, &record, err);

	if (upper < 0)
		return upper;
	upper = root_hand(&root, upper);
	(void)snprintf(number, sizeof(number), "%d", upper);
	if (upper < 0 || root_word(&root, number) < 0)
		return err_sys(err, ENOMEM, "diff");
	r = run(engine, &root, &text, err);
	if (r < 0)
		return r;
	r = fill(&text, reply);
	return r < 0 ? err_set(err, ERR_INTERNAL, "cleat-worker's result cannot be read") : 0;
}
