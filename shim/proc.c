/* SPDX-License-Identifier: Apache-2.0 */
/* The second field is the program's name in parentheses and may hold anything, blanks and parentheses
 * included: fields are counted from the last ')'. */
#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "fd.h"

enum { FIELD_STATE = 3, FIELD_FLAGS = 9, FIELD_START = 22, FIELD_EXIT = 52 };
enum { EXITING = 4 }; /* PF_EXITING of linux/sched.h */
enum { STAT_MAX = 8192 };

static int number(const char **p, const char *end, uint64_t *value)
{
	uint64_t v = 0;

	if (*p == end || **p < '0' || **p > '9')
		return -EBADMSG;
	for (; *p < end && **p >= '0' && **p <= '9'; (*p)++)
		if (__builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(**p - '0'), &v))
			return -EBADMSG;
	*value = v;
	return 0;
}

int proc_parse_stat(const char *text, size_t len, struct proc_stat *stat)
{
	const char *end = text + len, *p = memrchr(text, ')', len);
	struct proc_stat out = { 0 };
	uint64_t exit_status = 0, flags = 0;

	if (!p || end - p < 3 || p[1] != ' ')
		return -EBADMSG;
	p += 2;
	for (int field = FIELD_STATE; field <= FIELD_EXIT; field++) {
		if (field == FIELD_STATE)
			out.state = *p;
		else if (field == FIELD_FLAGS && number(&p, end, &flags) < 0)
			return -EBADMSG;
		else if (field == FIELD_START && number(&p, end, &out.start_ticks) < 0)
			return -EBADMSG;
		else if (field == FIELD_EXIT && number(&p, end, &exit_status) < 0)
			return -EBADMSG;
		if (field == FIELD_EXIT)
			break;
		p = memchr(p, ' ', (size_t)(end - p));
		if (!p)
			return -EBADMSG;
		p++;
	}
	out.exit_status = (int)exit_status;
	out.exiting = flags & EXITING;
	*stat = out;
	return 0;
}

int proc_read_stat(pid_t pid, struct proc_stat *stat)
{
	cleanup(buf_deinit) struct buf b = BUF_NULL;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (fd_read_file(AT_FDCWD, path, STAT_MAX, &b) < 0)
		return -ESRCH;
	return proc_parse_stat(b.data, b.len, stat);
}

bool proc_lives(int dir_fd, uint64_t start_ticks)
{
	cleanup(buf_deinit) struct buf b = BUF_NULL;
	struct proc_stat stat;

	return fd_read_file(dir_fd, "stat", STAT_MAX, &b) == 0 &&
	       proc_parse_stat(b.data, b.len, &stat) == 0 && stat.start_ticks == start_ticks &&
	       !stat.exiting && stat.state != 'Z';
}

int proc_open(pid_t pid, uint64_t start_ticks)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d", pid);
	cleanup_fd int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return dir >= 0 && proc_lives(dir, start_ticks) ? steal_fd(&dir) : -ESRCH;
}

uint64_t proc_start_ticks_of(pid_t pid)
{
	struct proc_stat stat;

	return proc_read_stat(pid, &stat) == 0 ? stat.start_ticks : 0;
}
