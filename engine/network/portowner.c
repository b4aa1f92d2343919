/* SPDX-License-Identifier: Apache-2.0 */
#include "portowner.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "fd.h"

enum { TABLE_MAX = 16 << 20, STATE_LISTEN = 10 };

/* "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000  0 31337 1 ..." */
static uint64_t inode_of(const char *line, uint16_t port, bool listening)
{
	unsigned local, state;
	uint64_t inode;

	if (sscanf(line,
		   " %*d: %*[0-9A-Fa-f]:%4x %*[0-9A-Fa-f]:%*x %2x %*s %*s %*s %*d %*d %" SCNu64,
		   &local, &state, &inode) != 3)
		return 0;
	return local == port && (!listening || state == STATE_LISTEN) ? inode : 0;
}

uint64_t portowner_inode(const char *text, uint16_t port, bool listening)
{
	for (const char *line = text; line; line = strchr(line, '\n')) {
		uint64_t inode;

		line += *line == '\n';
		inode = inode_of(line, port, listening);
		if (inode)
			return inode;
	}
	return 0;
}

static uint64_t find_inode(const char *protocol, uint16_t port)
{
	static const char *const families[] = { "", "6" };
	uint64_t inode = 0;

	for (size_t i = 0; !inode && i < ARRAY_LEN(families); i++) {
		cleanup(buf_deinit) struct buf text = BUF_NULL;
		char path[64];

		(void)snprintf(path, sizeof(path), "/proc/thread-self/net/%.8s%s", protocol,
			       families[i]);
		if (fd_read_file(AT_FDCWD, path, TABLE_MAX, &text) == 0 && text.data)
			inode = portowner_inode(text.data, port, strcmp(protocol, "tcp") == 0);
	}
	return inode;
}

static bool has_socket(int proc, const char *pid, const char *wanted)
{
	char path[300], link[64];
	DIR *dir;
	const struct dirent *entry;
	bool found = false;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/fd", pid);
	fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd_dir(fd);
	while (dir && !found && (entry = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);

		if (n > 0) {
			link[n] = '\0';
			found = strcmp(link, wanted) == 0;
		}
	}
	if (dir)
		closedir(dir);
	return found;
}

static void name_process(int proc, const char *pid, char *out, size_t size)
{
	cleanup(buf_deinit) struct buf comm = BUF_NULL;
	char path[300];

	(void)snprintf(path, sizeof(path), "%s/comm", pid);
	if (fd_read_file(proc, path, 64, &comm) == 0 && comm.data)
		(void)snprintf(out, size, "%.*s (pid %s)", (int)strcspn(comm.data, "\n"), comm.data,
			       pid);
}

void portowner_find(const char *protocol, uint16_t port, char *out, size_t size)
{
	uint64_t inode = find_inode(protocol, port);
	DIR *proc = inode ? opendir("/proc") : NULL;
	const struct dirent *entry;
	char wanted[40];

	(void)snprintf(out, size, "a process of this host");
	(void)snprintf(wanted, sizeof(wanted), "socket:[%" PRIu64 "]", inode);
	while (proc && (entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    has_socket(dirfd(proc), entry->d_name, wanted)) {
			name_process(dirfd(proc), entry->d_name, out, size);
			break;
		}
	if (proc)
		closedir(proc);
}
