/* SPDX-License-Identifier: Apache-2.0 */
/* One table maps ps's format words to a title and a printer. A process is read once (stat, cmdline,
 * owner of its directory) and printed by as many columns as asked for. */
#include "top.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <time.h>

#include "buf.h"
#include "fd.h"
#include "proc.h"
#include "str.h"

struct process {
	pid_t pid;
	uid_t uid;
	struct proc_stat stat;
	struct buf command;
	int64_t started_s, now_s;
	long hz, page;
	uint64_t ram_bytes;
};

typedef void print_fn(const struct process *p, struct buf *out);

static void print_user(const struct process *p, struct buf *out)
{
	char buffer[1024];
	struct passwd entry, *found = NULL;

	if (getpwuid_r(p->uid, &entry, buffer, sizeof(buffer), &found) == 0 && found)
		buf_puts(out, found->pw_name);
	else
		buf_printf(out, "%u", p->uid);
}

static void print_uid(const struct process *p, struct buf *out)
{
	buf_printf(out, "%u", p->uid);
}

static void print_pid(const struct process *p, struct buf *out)
{
	buf_printf(out, "%d", p->pid);
}

static void print_ppid(const struct process *p, struct buf *out)
{
	buf_printf(out, "%" PRId64, p->stat.ppid);
}

static int64_t cpu_seconds(const struct process *p)
{
	return (int64_t)(p->stat.user_ticks + p->stat.system_ticks) / p->hz;
}

static void print_cpu(const struct process *p, struct buf *out)
{
	int64_t age = p->now_s - p->started_s;

	buf_printf(out, "%.1f", age > 0 ? 100.0 * (double)cpu_seconds(p) / (double)age : 0.0);
}

static void print_c(const struct process *p, struct buf *out)
{
	int64_t age = p->now_s - p->started_s;

	buf_printf(out, "%" PRId64, age > 0 ? 100 * cpu_seconds(p) / age : 0);
}

static void print_mem(const struct process *p, struct buf *out)
{
	uint64_t rss = p->stat.rss_pages * (uint64_t)p->page;

	buf_printf(out, "%.1f", p->ram_bytes ? 100.0 * (double)rss / (double)p->ram_bytes : 0.0);
}

static void print_stime(const struct process *p, struct buf *out)
{
	time_t at = (time_t)p->started_s;
	struct tm tm;
	char text[16];

	localtime_r(&at, &tm);
	(void)strftime(text, sizeof(text), p->now_s - at < 86400 ? "%H:%M" : "%b%d", &tm);
	buf_puts(out, text);
}

static void print_tty(const struct process *p, struct buf *out)
{
	unsigned int major = (unsigned int)(p->stat.tty >> 8) & 0xfff;
	unsigned int minor =
		(unsigned int)(p->stat.tty & 0xff) | ((unsigned int)(p->stat.tty >> 12) & 0xfff00);

	if (major >= 136 && major <= 143)
		buf_printf(out, "pts/%u", minor);
	else
		buf_puts(out, p->stat.tty ? "tty" : "?");
}

static void print_time(const struct process *p, struct buf *out)
{
	int64_t s = cpu_seconds(p);

	buf_printf(out, "%02" PRId64 ":%02" PRId64 ":%02" PRId64, s / 3600, s / 60 % 60, s % 60);
}

static void print_etime(const struct process *p, struct buf *out)
{
	int64_t s = p->now_s - p->started_s;

	if (s >= 3600)
		buf_printf(out, "%02" PRId64 ":", s / 3600);
	buf_printf(out, "%02" PRId64 ":%02" PRId64, s / 60 % 60, s % 60);
}

static void print_vsz(const struct process *p, struct buf *out)
{
	buf_printf(out, "%" PRIu64, p->stat.vsize_bytes / 1024);
}

static void print_rss(const struct process *p, struct buf *out)
{
	buf_printf(out, "%" PRIu64, p->stat.rss_pages * (uint64_t)p->page / 1024);
}

static void print_state(const struct process *p, struct buf *out)
{
	buf_putc(out, p->stat.state);
}

static void print_nice(const struct process *p, struct buf *out)
{
	buf_printf(out, "%" PRId64, p->stat.nice);
}

static void print_threads(const struct process *p, struct buf *out)
{
	buf_printf(out, "%" PRId64, p->stat.threads);
}

static void print_comm(const struct process *p, struct buf *out)
{
	buf_puts(out, p->stat.comm);
}

static void print_command(const struct process *p, struct buf *out)
{
	if (p->command.len)
		buf_append(out, p->command.data, p->command.len);
	else
		buf_printf(out, "[%s]", p->stat.comm);
}

static const struct column {
	const char *word, *title;
	print_fn *print;
} columns_known[] = {
	{ "UID", "UID", print_user },
	{ "user", "USER", print_user },
	{ "pid", "PID", print_pid },
	{ "ppid", "PPID", print_ppid },
	{ "c", "C", print_c },
	{ "stime", "STIME", print_stime },
	{ "tty", "TTY", print_tty },
	{ "time", "TIME", print_time },
	{ "CMD", "CMD", print_command },
	{ "%cpu", "%CPU", print_cpu },
	{ "%mem", "%MEM", print_mem },
	{ "vsz", "VSZ", print_vsz },
	{ "rss", "RSS", print_rss },
	{ "stat", "STAT", print_state },
	{ "start", "START", print_stime },
	{ "command", "COMMAND", print_command },
	{ "args", "COMMAND", print_command },
	{ "cmd", "CMD", print_command },
	{ "comm", "COMMAND", print_comm },
	{ "uid", "UID", print_uid },
	{ "euser", "EUSER", print_user },
	{ "ruser", "RUSER", print_user },
	{ "etime", "ELAPSED", print_etime },
	{ "ni", "NI", print_nice },
	{ "nlwp", "NLWP", print_threads },
	{ "s", "S", print_state },
	{ "pcpu", "%CPU", print_cpu },
	{ "pmem", "%MEM", print_mem },
	{ "tname", "TTY", print_tty },
	{ "tt", "TT", print_tty },
};

static int add_columns(struct top_columns *columns, const char *list, struct err *err)
{
	cleanup_free char *copy = strdup(list);
	char *rest = copy, *word;

	if (!copy)
		return err_sys(err, ENOMEM, "top");
	while ((word = strsep(&rest, ", "))) {
		size_t i = 0;

		if (!*word)
			continue;
		while (i < ARRAY_LEN(columns_known) && strcmp(columns_known[i].word, word))
			i++;
		if (i == ARRAY_LEN(columns_known) || columns->n == TOP_COLUMNS_MAX)
			return err_set(err, ERR_INVALID, "top: column \"%s\" is not supported",
				       word);
		columns->index[columns->n++] = (int)i;
	}
	return 0;
}

#define LONG_COLUMNS "UID,pid,ppid,c,stime,tty,time,CMD"
#define USER_COLUMNS "user,pid,%cpu,%mem,vsz,rss,tty,stat,start,time,command"

static int add_argument(struct top_columns *columns, const char *arg, const char *next,
			struct err *err)
{
	const char *letters = arg[0] == '-' ? arg + 1 : arg;
	const char *o = strchr(letters, 'o');

	if (o && strspn(letters, "eAaxo") >= (size_t)(o - letters) + 1) {
		if (!o[1] && !next)
			return err_set(err, ERR_INVALID, "top: %s needs a list of columns", arg);
		return add_columns(columns, o[1] ? o + 1 : next, err);
	}
	if (!strcmp(arg, "aux") || !strcmp(arg, "-aux") || !strcmp(arg, "u"))
		return add_columns(columns, USER_COLUMNS, err);
	if (strspn(letters, "eAaxfFlww") == strlen(letters))
		return 0;
	return err_set(err, ERR_INVALID, "top: ps option \"%s\" is not supported", arg);
}

int top_parse(const char *const *args, size_t n_args, struct top_columns *columns, struct err *err)
{
	struct top_columns result = { 0 };

	for (size_t i = 0; i < n_args; i++) {
		int before = result.n;
		const char *next = i + 1 < n_args ? args[i + 1] : NULL;
		int r = add_argument(&result, args[i], next, err);

		if (r < 0)
			return r;
		if (result.n > before && str_has_suffix(args[i], "o"))
			i++;
	}
	if (!result.n) {
		int r = add_columns(&result, LONG_COLUMNS, err);

		if (r < 0)
			return r;
	}
	*columns = result;
	return 0;
}

const char *top_title(const struct top_columns *columns, int i)
{
	return columns_known[columns->index[i]].title;
}

static int read_command(int dir, struct buf *out)
{
	int r = fd_read_file(dir, "cmdline", 1 << 20, out);

	while (r == 0 && out->len && !out->data[out->len - 1])
		out->len--;
	for (size_t i = 0; i < out->len; i++)
		if (!out->data[i])
			out->data[i] = ' ';
	return r;
}

static int read_process(struct process *p, pid_t pid)
{
	cleanup_free char *path = str_printf("/proc/%d", pid);
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	struct sysinfo info;
	struct stat owner;
	cleanup_fd int dir = path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (dir < 0 || fstat(dir, &owner) < 0 || fd_read_file(dir, "stat", 4096, &text) < 0 ||
	    proc_parse_stat(text.data, text.len, &p->stat) < 0 ||
	    read_command(dir, &p->command) < 0 || sysinfo(&info) < 0)
		return -ESRCH;
	p->pid = pid;
	p->uid = owner.st_uid;
	p->hz = sysconf(_SC_CLK_TCK);
	p->page = sysconf(_SC_PAGESIZE);
	p->ram_bytes = (uint64_t)info.totalram * info.mem_unit;
	p->now_s = (int64_t)time(NULL);
	p->started_s = p->now_s - info.uptime + (int64_t)p->stat.start_ticks / p->hz;
	return 0;
}

void top_row_free(const struct top_columns *columns, char **cells)
{
	for (int i = 0; cells && i < columns->n; i++)
		free(cells[i]);
	free(cells);
}

static int print_cells(const struct top_columns *columns, const struct process *p, char **cells)
{
	for (int i = 0; i < columns->n; i++) {
		struct buf cell = BUF_NULL;

		columns_known[columns->index[i]].print(p, &cell);
		cells[i] = buf_steal(&cell);
		if (!cells[i])
			return -ENOMEM;
	}
	return 0;
}

int top_row(const struct top_columns *columns, pid_t pid, char ***cells)
{
	struct process process = { 0 };
	char **row = calloc((size_t)columns->n, sizeof(*row));
	int r = row ? read_process(&process, pid) : -ENOMEM;

	if (r == 0)
		r = print_cells(columns, &process, row);
	buf_deinit(&process.command);
	if (r < 0) {
		top_row_free(columns, row);
		return r;
	}
	*cells = row;
	return 0;
}
