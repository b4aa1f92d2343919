/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "files_part.h"
#include "str.h"

int files_find(struct engine *engine, const char *reference, struct record *out, struct err *err)
{
	int r = record_find(engine->store, reference, out, err);

	if (r == 0 && out->intent[0])
		r = err_reason(err, ERR_PRECONDITION, "REMOVING", "container %.12s is being %s",
			       out->id, out->intent[0] == 'c' ? "made" : "removed");
	return r;
}

int files_upper(struct engine *engine, const struct record *record, struct err *err)
{
	char path[80];

	(void)snprintf(path, sizeof(path), "%.64s/upper", record->id);
	int fd = openat(engine->containers_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? err_sys(err, errno, "open the files of container %.12s", record->id) : fd;
}

char *files_text(const char *bytes)
{
	const char *end = bytes + strlen(bytes);
	struct buf out = BUF_NULL;

	while (bytes < end) {
		size_t n = str_utf8_len((const unsigned char *)bytes, (size_t)(end - bytes));

		buf_append(&out, n ? bytes : "\xef\xbf\xbd", n ? n : 3);
		bytes += n ? n : 1;
	}
	return buf_steal(&out);
}

int files_finish(struct worker *worker, struct err *err)
{
	cleanup(buf_deinit) struct buf none = BUF_NULL;
	int r = worker_finish(worker, &none, err);

	if (r < 0 && err && err->code == ERR_NOT_FOUND)
		(void)snprintf(err->reason, sizeof(err->reason), "PATH_NOT_FOUND");
	return r;
}
