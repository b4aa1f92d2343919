/* SPDX-License-Identifier: Apache-2.0 */
#include "accesslog.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fd.h"
#include "str.h"

enum { MAX_QUOTED = 512 }; /* of what a client chose; the rest is left out */

static int file = -1;

int accesslog_open(const char *path, struct err *err)
{
	if (strcmp(path, "-") == 0)
		file = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
	else
		file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	return file < 0 ? err_sys(err, errno, "open the access log %s", path) : 0;
}

int accesslog_give(uid_t uid, gid_t gid, struct err *err)
{
	struct stat st;

	if (file < 0 || fstat(file, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	return fchown(file, uid, gid) < 0 ? err_sys(err, errno, "give the access log to --user")
					  : 0;
}

static void quoted(struct buf *line, const char *key, const char *text)
{
	if (!*text)
		return;
	buf_printf(line, " %s=", key);
	buf_json_string(line, text, strnlen(text, MAX_QUOTED));
}

void accesslog_write(const struct http_request *request, const struct http_outcome *outcome)
{
	cleanup(buf_deinit) struct buf line = BUF_NULL;
	char time[STR_TIME_MAX];

	if (file < 0)
		return;
	str_format_time(fd_realtime_ns(), time);
	buf_printf(&line, "time=%s client=%s", time, outcome->client);
	quoted(&line, "subject", str_or_empty(outcome->subject));
	quoted(&line, "method", request->method);
	quoted(&line, "path", request->path);
	quoted(&line, "agent", outcome->agent);
	buf_printf(&line, " status=%u sent=%llu first_ms=%.3f ms=%.3f complete=%s\n",
		   request->status, (unsigned long long)outcome->sent_bytes,
		   (double)outcome->first_ns / 1e6, (double)outcome->took_ns / 1e6,
		   outcome->complete ? "yes" : "no");
	if (!line.error)
		(void)!write(file, line.data, line.len);
}
