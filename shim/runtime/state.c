/* SPDX-License-Identifier: Apache-2.0 */
/* The record is written once, when the pid is known. A directory without a record is a container
 * still being made. */
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fd.h"
#include "jget.h"
#include "str.h"

enum { RECORD_MAX = 1 << 20 };

int state_check_id(const char *id, struct err *err)
{
	static const char ok[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.";
	size_t n = strlen(id);

	if (!n || n > STATE_ID_MAX || id[0] == '.' || strspn(id, ok) != n)
		return err_set(err, ERR_INVALID, "\"%.80s\" is no usable container id", id);
	return 0;
}

int state_make(const char *root, const char *id, struct err *err)
{
	cleanup_free char *path = str_path(root, id);
	int r;

	if (!path)
		return err_sys(err, ENOMEM, "make %s", id);
	r = mkdir(path, 0711) ? -errno : 0;
	if (r == -ENOENT) {
		r = fd_mkdir_all(AT_FDCWD, root, 0711);
		r = r ? r : mkdir(path, 0711) ? -errno : 0;
	}
	if (r == -EEXIST)
		return err_set(err, ERR_EXISTS, "container %s exists already", id);
	if (r)
		return err_sys(err, r, "make %s", path);
	return state_dir(root, id, err);
}

int state_dir(const char *root, const char *id, struct err *err)
{
	cleanup_free char *path = str_path(root, id);
	int fd = path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd < 0 && path && errno == ENOENT)
		return err_set(err, ERR_NOT_FOUND, "container %s does not exist", id);
	return fd >= 0 ? fd : err_sys(err, path ? errno : ENOMEM, "open container %s", id);
}

int state_remove(const char *root, const char *id, struct err *err)
{
	cleanup_fd int dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char record[STATE_ID_MAX + 32];
	int r;

	if (dir < 0)
		return err_sys(err, errno, "open %s", root);
	(void)snprintf(record, sizeof(record), "%s/state.json", id);
	(void)unlinkat(dir, record, 0);
	if (!unlinkat(dir, id, AT_REMOVEDIR) || errno == ENOENT)
		return 0;
	r = fd_remove_tree(dir, id);
	return r ? err_sys(err, r, "remove the record of %s", id) : 0;
}

/* Fields of proc_pid_stat(5), counted as there. */
enum { STAT_FLAGS = 9, STAT_STARTTIME = 22, STAT_MAX = 1024 };

/* /proc/PID/stat from before its third field on, the state's letter; NULL when there is none. */
static const char *read_stat(pid_t pid, char text[STAT_MAX])
{
	char path[32];
	const char *p;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, STAT_MAX - 1);
	if (n <= 0)
		return NULL;
	text[n] = 0;
	p = strrchr(text, ')'); /* the name before may hold anything */
	return p && p[1] == ' ' ? p + 1 : NULL;
}

static uint64_t stat_number(const char *p, int field)
{
	for (int at = 3; p && at < field; at++)
		p = strchr(p + 1, ' ');
	return p ? strtoull(p + 1, NULL, 10) : 0;
}

uint64_t state_ticks(pid_t pid)
{
	char text[STAT_MAX];
	const char *p = read_stat(pid, text);

	return p && !strchr("ZXx", p[1]) ? stat_number(p, STAT_STARTTIME) : 0;
}

bool state_executed(pid_t pid)
{
	static const uint64_t forknoexec = 0x40; /* PF_FORKNOEXEC of include/linux/sched.h */
	char text[STAT_MAX];
	const char *p = read_stat(pid, text);

	return !p || !(stat_number(p, STAT_FLAGS) & forknoexec);
}

int state_save(int dir, const struct state *s, struct err *err)
{
	cleanup(buf_deinit) struct buf b = BUF_NULL;
	cleanup_fd int fd = -1;
	int r;

	buf_printf(&b,
		   "{\"id\":\"%s\",\"pid\":%d,\"start\":%llu,\"created\":%lld,\"bundle\":", s->id,
		   (int)s->pid, (unsigned long long)s->start_ticks, (long long)s->created_ns);
	buf_json_string(&b, s->bundle, strlen(s->bundle));
	buf_puts(&b, ",\"cgroup\":");
	buf_json_string(&b, s->cgroup, strlen(s->cgroup));
	buf_puts(&b, ",\"annotations\":");
	if (s->annotations)
		j_dump(s->annotations, JSON_COMPACT, &b);
	else
		buf_puts(&b, "{}");
	buf_puts(&b, "}\n");
	fd = openat(dir, "state.json", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(err, errno, "write the record");
	r = b.error ? b.error : fd_write_all(fd, b.data, b.len);
	return r ? err_sys(err, r, "write the record") : 0;
}

static int read_record(const struct jval *doc, struct state *s, struct err *err)
{
	struct jval id = j_get(doc, "id"), pid = j_get(doc, "pid"), start = j_get(doc, "start");
	struct jval created = j_get(doc, "created"), bundle = j_get(doc, "bundle");
	struct jval cgroup = j_get(doc, "cgroup"), annotations = j_get(doc, "annotations");
	const char *name = "", *dir = "", *group = "";
	int64_t number = 0;
	int r = j_need_string(&id, &name, err);

	r = r ? r : j_int(&pid, 0, INT32_MAX, &number, err);
	r = r ? r : j_u64(&start, &s->start_ticks, err);
	r = r ? r : j_int(&created, 0, INT64_MAX, &s->created_ns, err);
	r = r ? r : j_need_string(&bundle, &dir, err);
	r = r ? r : j_need_string(&cgroup, &group, err);
	r = r ? r : j_object(&annotations, err);
	if (r)
		return r;
	s->pid = (pid_t)number;
	(void)snprintf(s->id, sizeof(s->id), "%s", name);
	(void)snprintf(s->bundle, sizeof(s->bundle), "%s", dir);
	(void)snprintf(s->cgroup, sizeof(s->cgroup), "%s", group);
	s->annotations = json_incref(annotations.v);
	return 0;
}

int state_parse(const char *text, size_t n, struct state *s, struct err *err)
{
	struct jval doc = { .v = json_loadb(text, n, 0, NULL) };
	int r;

	memset(s, 0, sizeof(*s));
	r = doc.v ? read_record(&doc, s, err) : err_set(err, ERR_DATA_LOSS, "damaged record");
	json_decref(doc.v);
	return r ? err_wrap(err, r, "state.json") : 0;
}

int state_load(int dir, struct state *s, struct err *err)
{
	cleanup(buf_deinit) struct buf b = BUF_NULL;
	int r = fd_read_file(dir, "state.json", RECORD_MAX, &b);

	return r ? err_sys(err, r, "read the record") : state_parse(b.data, b.len, s, err);
}

void state_free(struct state *s)
{
	json_decref(s->annotations);
	s->annotations = NULL;
}

static bool is_paused(const struct state *s)
{
	char path[STATE_PATH_MAX + 64], text[16] = "";

	(void)snprintf(path, sizeof(path), "/sys/fs/cgroup/freezer/%s/freezer.state", s->cgroup);
	cleanup_fd int v1 = open(path, O_RDONLY | O_CLOEXEC);
	(void)snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/cgroup.freeze", s->cgroup);
	cleanup_fd int v2 = v1 < 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (read(v1 >= 0 ? v1 : v2, text, sizeof(text) - 1) < 0)
		return false;
	return text[0] == 'F' || text[0] == '1'; /* FROZEN or FREEZING */
}

enum state_status state_status(int dir, const struct state *s)
{
	uint64_t ticks = state_ticks(s->pid);

	if (!ticks || ticks != s->start_ticks)
		return STATUS_STOPPED;
	if (!faccessat(dir, "exec.fifo", F_OK, 0))
		return STATUS_CREATED;
	return is_paused(s) ? STATUS_PAUSED : STATUS_RUNNING;
}

char *state_json(const struct state *s, enum state_status status)
{
	static const char *const names[] = { "created", "running", "paused", "stopped" };
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	char created[STR_TIME_MAX];
	json_t *v;

	str_format_time(s->created_ns, created);
	v = json_pack("{ss ss ss si ss ss sO?}", "ociVersion", "1.1.0", "id", s->id, "status",
		      names[status], "pid", status == STATUS_STOPPED ? 0 : (int)s->pid, "bundle",
		      s->bundle, "created", created, "annotations", s->annotations);
	if (!v)
		return NULL;
	j_dump(v, JSON_INDENT(2), &text);
	json_decref(v);
	return buf_steal(&text);
}
