/* SPDX-License-Identifier: Apache-2.0 */
/* The claim is an open-file-description lock on STATE/lock: an engine that starts alone must get it
 * exclusively and then keeps it shared, one that replaces another takes it shared at once. The
 * kernel drops it with the process, however that ends. RUN/cleat.lock is held only while the link
 * moves. */
#include "link.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "fd.h"
#include "log.h"
#include "str.h"

#define PUBLIC_NAME "cleat.sock"

/* An engine that was told to end drains for at most 10 s (main.c). */
enum { LEAVE_MS = 15000, STEP_US = 10000, GREET_MS = 2000 };

static int set_lock(int fd, short type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_SETLK, &lock) < 0 ? -errno : 0;
}

/* Whether who listens greets; one that does not within the time may be busy. A process that was killed still
 * takes connections for a moment, and then they end. */
static bool greets(int fd)
{
	static const char hello[] = "\0SP\0\0\x10\0\0"; /* SP PAIR0 */
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char byte;

	return send(fd, hello, 8, MSG_NOSIGNAL) == 8 &&
	       (poll(&p, 1, GREET_MS) == 0 || recv(fd, &byte, 1, MSG_DONTWAIT) == 1);
}

/* Whether an engine answers at the public name there. */
static bool answers(int run_fd)
{
	cleanup_fd int fd = fd_unix_connect(run_fd, PUBLIC_NAME, SOCK_STREAM | SOCK_NONBLOCK);

	return fd == -EAGAIN || (fd >= 0 && greets(fd));
}

/* Whether the engine that holds the claim answers: its directory of sockets is in the lock file. */
static bool is_served(int lock_fd)
{
	char run_dir[PATH_MAX];
	ssize_t n = pread(lock_fd, run_dir, sizeof(run_dir) - 1, 0);
	cleanup_fd int dir_fd = -1;

	run_dir[n > 0 ? n : 0] = 0;
	dir_fd = open(run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return dir_fd >= 0 && answers(dir_fd);
}

/* Without it others only wait longer. */
static void leave_name(const struct engine *engine, int lock_fd)
{
	size_t n = strlen(engine->run_dir);

	if (ftruncate(lock_fd, 0) < 0 || pwrite(lock_fd, engine->run_dir, n, 0) != (ssize_t)n)
		log_warn("%s/lock cannot be written", engine->state_dir);
}

/* One that holds the state and serves nobody is about to end, or was killed and is not gone yet. */
static int lock_alone(int fd)
{
	int64_t until_ns = fd_monotonic_ns() + LEAVE_MS * INT64_C(1000000);
	int r;

	while ((r = set_lock(fd, F_WRLCK)) < 0 && (r == -EAGAIN || r == -EACCES) &&
	       !is_served(fd) && fd_monotonic_ns() < until_ns)
		usleep(STEP_US);
	return r;
}

int link_claim(const struct engine *engine, bool replace, struct err *err)
{
	cleanup_fd int fd = openat(engine->state_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return err_sys(err, errno, "open %s/lock", engine->state_dir);
	r = replace ? 0 : lock_alone(fd);
	if (r == 0)
		r = set_lock(fd, F_RDLCK);
	if (r == 0)
		leave_name(engine, fd);
	if (r == -EAGAIN || r == -EACCES)
		return err_set(err, ERR_PRECONDITION, "another engine is using %s",
			       engine->state_dir);
	if (r < 0)
		return err_sys(err, r, "lock %s", engine->state_dir);
	/* none of this state, as that is claimed: whoever uses it would lose its name */
	if (!replace && answers(engine->run_fd))
		return err_set(
			err, ERR_PRECONDITION,
			"another engine, of another state directory, serves at %s/" PUBLIC_NAME,
			engine->run_dir);
	return steal_fd(&fd);
}

void link_socket_name(const struct engine *engine, char out[LINK_NAME_MAX])
{
	(void)snprintf(out, LINK_NAME_MAX, "engine-%.12s.sock", engine->instance);
}

/* A socket file that nobody listens on refuses connections at once. */
static void remove_if_dead(int run_fd, const char *name)
{
	int fd = fd_unix_connect(run_fd, name, SOCK_STREAM | SOCK_NONBLOCK);

	if (fd == -ECONNREFUSED)
		(void)unlinkat(run_fd, name, 0);
	closep(&fd);
}

static void remove_dead_sockets(int run_fd)
{
	int fd = openat(run_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd_dir(fd);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (str_has_prefix(entry->d_name, "engine-") &&
		    str_has_suffix(entry->d_name, ".sock"))
			remove_if_dead(run_fd, entry->d_name);
	closedir(dir);
}

int link_take(const struct engine *engine, struct err *err)
{
	char name[LINK_NAME_MAX], temporary[LINK_NAME_MAX + 8];
	cleanup_fd int lock = fd_lock_file(engine->run_fd, "cleat.lock", true);

	if (lock < 0)
		return err_sys(err, lock, "lock %s/cleat.lock", engine->run_dir);
	link_socket_name(engine, name);
	(void)snprintf(temporary, sizeof(temporary), "%s.link", name);
	(void)unlinkat(engine->run_fd, temporary, 0);
	if (symlinkat(name, engine->run_fd, temporary) < 0 ||
	    renameat(engine->run_fd, temporary, engine->run_fd, PUBLIC_NAME) < 0)
		return err_sys(err, errno, "make %s/" PUBLIC_NAME, engine->run_dir);
	remove_dead_sockets(engine->run_fd);
	return 0;
}

bool link_drop(const struct engine *engine)
{
	char name[LINK_NAME_MAX], target[LINK_NAME_MAX];
	cleanup_fd int lock = fd_lock_file(engine->run_fd, "cleat.lock", true);
	ssize_t n = readlinkat(engine->run_fd, PUBLIC_NAME, target, sizeof(target) - 1);

	(void)lock; /* held to the end */
	link_socket_name(engine, name);
	target[n > 0 ? n : 0] = '\0';
	bool ours = strcmp(target, name) == 0;

	if (ours)
		(void)unlinkat(engine->run_fd, PUBLIC_NAME, 0);
	(void)unlinkat(engine->run_fd, name, 0);
	return ours;
}
