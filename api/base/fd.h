/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors: whole reads and writes, files replaced atomically, locks that work between threads
 * and processes alike, descriptors over sockets, paths that cannot leave a root. Everything is
 * created with O_CLOEXEC. Functions return 0 (or a descriptor or count where said) or -errno and
 * restart on EINTR. */
#pragma once

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "buf.h"
#include "mem.h"

/* Writes all n bytes or fails; blocks as the descriptor does (-EAGAIN on a full nonblocking one). */
int fd_write_all(int fd, const void *data, size_t n) must_check;
/* Reads exactly n bytes; -ENODATA when the end comes first. */
int fd_read_all(int fd, void *data, size_t n) must_check;

/* Whether fewer than the reserve of this process's descriptors are left (a quarter of the limit, at most
 * FD_RESERVE). Who takes on new work asks first, so that what is under way finds those it needs. Never
 * blocks. */
enum { FD_RESERVE = 64 };
bool fd_scarce(void);

/* The whole file `name` below `dir_fd` (AT_FDCWD or a directory) appended to b; -EFBIG beyond `max`
 * bytes. The text in b is NUL-terminated (not counted). */
int fd_read_file(int dir_fd, const char *name, size_t max, struct buf *b) must_check;

/* Replaces the file `name` below dir_fd atomically: temporary file beside it, rename(2). With
 * `sync` the data is on disk before the rename. Readers see the old or the new content, never a mix. */
int fd_replace_file(int dir_fd, const char *name, const void *data, size_t n, mode_t mode,
		    bool sync) must_check;

/* Whether a file that is replaced, never written in place, is the one that was looked at before. Pure. */
bool fd_same_file(const struct stat *a, const struct stat *b);

/* Makes the file `name`, which must not exist (-EEXIST): where nobody reads before the maker says so, at
 * half the cost. On failure there is none. */
int fd_create_file(int dir_fd, const char *name, const void *data, size_t n,
		   mode_t mode) must_check;

/* Exclusive open-file-description lock on `name` below dir_fd, created if absent (fcntl(2),
 * F_OFD_SETLKW). Excludes other threads and other processes. Returns the descriptor that holds the
 * lock until closed. Blocks; with `wait` false returns -EAGAIN instead. */
int fd_lock_file(int dir_fd, const char *name, bool wait) must_check;
/* The same on a file that exists: -ENOENT when it does not. For locks that go with their directory. */
int fd_lock_existing(int dir_fd, const char *name, bool wait) must_check;

/* openat2(2) with RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS: `path` is resolved as if root_fd were
 * the root directory, symbolic links and ".." included. Returns a descriptor. */
int fd_open_in_root(int root_fd, const char *path, int flags, mode_t mode) must_check;

/* openat2(2) with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS: no link in `path` is followed, and nothing leads out of
 * dir_fd. Returns a descriptor. */
int fd_open_beneath(int dir_fd, const char *path, int flags) must_check;

/* A read-only mount of the file `path` in nobody's namespace, close-on-exec: a program that is run from it cannot be
 * written to, whoever gets hold of it. Its last descriptor to be closed waits for all processors
 * (synchronize_rcu_expedited, a millisecond on a busy machine). Returns a descriptor or -errno. */
int fd_open_sealed(const char *path) must_check;

/* A stream over a directory's descriptor, consumed also on failure: NULL with errno. Of a negative one NULL too,
 * with errno as it was. */
DIR *fd_dir(int fd) must_check;

/* mkdir -p below dir_fd. An existing directory is fine. */
int fd_mkdir_all(int dir_fd, const char *path, mode_t mode) must_check;

/* Removes `name` below dir_fd with all below it; does not follow links or cross into other mounts.
 * Absence is success. */
int fd_remove_tree(int dir_fd, const char *name) must_check;
/* The same as long as *stop (NULL = always) is false; -ECANCELED with some of it left. */
int fd_remove_tree_until(int dir_fd, const char *name, const _Atomic bool *stop) must_check;

/* One message of n bytes with n_fds descriptors (at most FD_PASS_MAX) over an AF_UNIX socket, by
 * SCM_RIGHTS (unix(7)). The descriptors are not consumed. Returns 0 or -errno. */
enum { FD_PASS_MAX = 64 };
int fd_send(int sock, const void *data, size_t n, const int *fds, size_t n_fds,
	    int flags) must_check;

/* Receives one message of a UNIX socket, also what a peer sent that then closed without reading what it got. Returns
 * its length (0 = end), with *n_fds set to the descriptors received
 * into fds (owned by the caller, O_CLOEXEC); -EMSGSIZE when it was longer than n. `flags` as for
 * recvmsg(2). */
ssize_t fd_recv(int sock, void *data, size_t n, int *fds, size_t *n_fds, int flags) must_check;

/* AF_UNIX address of `name` below the directory dir_fd, of any length: goes through
 * /proc/self/fd. `type` as for socket(2). fd_unix_listen() replaces what has the name, by rename(2): whoever
 * finds the name finds someone who listens. */
int fd_unix_listen(int dir_fd, const char *name, int type, mode_t mode) must_check;
int fd_unix_connect(int dir_fd, const char *name, int type) must_check;

/* Whether this errno of a call that makes a descriptor means that there is none to be had now: of this process, of the
 * host, or no memory for it. What was to be accepted still waits. */
bool fd_exhausted(int error);

/* CLOCK_MONOTONIC and CLOCK_REALTIME in nanoseconds. */
int64_t fd_monotonic_ns(void);
int64_t fd_realtime_ns(void);
/* A timeout for poll(2), in milliseconds: until `until_ns` (of fd_monotonic_ns()), rounded up, or `ms` if that is sooner; a
 * negative `ms` never is. */
int fd_timeout_ms(int ms, int64_t until_ns);
