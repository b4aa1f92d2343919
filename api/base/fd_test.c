/* SPDX-License-Identifier: Apache-2.0 */
#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base_test.h"

static char dir_path[64];
static int dir_fd, fds_before;

static int setup(void **state)
{
	(void)state;
	fds_before = test_count_fds();
	strcpy(dir_path, "/tmp/cleat-fd-test-XXXXXX");
	if (!mkdtemp(dir_path))
		return -1;
	dir_fd = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir_fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	close(dir_fd);
	if (fd_remove_tree(AT_FDCWD, dir_path) < 0)
		return -1;
	return test_count_fds() == fds_before ? 0 : -1;
}

static void files_are_replaced_whole(void **state)
{
	cleanup(buf_deinit) struct buf b = BUF_NULL;

	(void)state;
	assert_int_equal(fd_replace_file(dir_fd, "f", "one", 3, 0600, false), 0);
	assert_int_equal(fd_replace_file(dir_fd, "f", "second", 6, 0600, true), 0);
	assert_int_equal(fd_read_file(dir_fd, "f", 100, &b), 0);
	assert_string_equal(b.data, "second");
	assert_int_equal(fd_read_file(dir_fd, "f", 5, &b), -EFBIG);
	assert_int_equal(fd_read_file(dir_fd, "absent", 5, &b), -ENOENT);
}

static void locks_exclude_within_a_process(void **state)
{
	cleanup_fd int first = fd_lock_file(dir_fd, "lock", true);

	(void)state;
	assert_true(first >= 0);
	assert_int_equal(fd_lock_file(dir_fd, "lock", false), -EAGAIN);
	close(steal_fd(&first));
	first = fd_lock_file(dir_fd, "lock", false);
	assert_true(first >= 0);
}

static void paths_stay_in_their_root(void **state)
{
	cleanup_fd int root = -1, fd = -1;

	(void)state;
	assert_int_equal(fd_mkdir_all(dir_fd, "root/a/b", 0755), 0);
	assert_int_equal(fd_create_file(dir_fd, "secret", "x", 1, 0600), 0);
	assert_int_equal(fd_create_file(dir_fd, "secret", "y", 1, 0600), -EEXIST);
	assert_int_equal(fd_replace_file(dir_fd, "secret", "s", 1, 0600, false), 0);
	root = openat(dir_fd, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(symlinkat("../../../secret", root, "up"), 0);
	assert_int_equal(symlinkat("/a/b", root, "absolute"), 0);
	assert_int_equal(fd_open_in_root(root, "up", O_RDONLY, 0), -ENOENT);
	assert_int_equal(fd_open_in_root(root, "../secret", O_RDONLY, 0), -ENOENT);
	fd = fd_open_in_root(root, "absolute", O_RDONLY | O_DIRECTORY, 0);
	assert_true(fd >= 0);
}

static void descriptors_pass_over_long_paths(void **state)
{
	cleanup_fd int deep = -1, listener = -1, client = -1, server = -1;
	char text[8];
	int pipe_fds[2], got[4];
	size_t n_got = ARRAY_LEN(got);
	char path[201];

	(void)state;
	memset(path, 'd', 200);
	path[200] = '\0';
	assert_int_equal(fd_mkdir_all(dir_fd, path, 0700), 0);
	deep = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	listener = fd_unix_listen(deep, "sock", SOCK_SEQPACKET, 0600);
	assert_true(listener >= 0);
	client = fd_unix_connect(deep, "sock", SOCK_SEQPACKET);
	assert_true(client >= 0);
	server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	assert_int_equal(fd_send(client, "hi", 2, &pipe_fds[1], 1, 0), 0);
	close(pipe_fds[1]);
	assert_int_equal(fd_recv(server, text, sizeof(text), got, &n_got, 0), 2);
	assert_int_equal(n_got, 1);
	assert_int_equal(fd_write_all(got[0], "x", 1), 0);
	assert_int_equal(fd_read_all(pipe_fds[0], text, 1), 0);
	close(got[0]);
	assert_int_equal(fd_read_all(pipe_fds[0], text, 1), -ENODATA);
	close(pipe_fds[0]);
	assert_int_equal(fd_send(client, "too long a message", 18, NULL, 0, 0), 0);
	assert_int_equal(fd_recv(server, text, 4, NULL, NULL, 0), -EMSGSIZE);
}

static void what_was_sent_comes_before_a_reset(void **state)
{
	int pair[2];
	char text[16];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(fd_send(pair[0], "unread", 6, NULL, 0, 0), 0);
	assert_int_equal(fd_send(pair[1], "one", 3, NULL, 0, 0), 0);
	assert_int_equal(fd_send(pair[1], "more", 4, NULL, 0, 0), 0);
	close(pair[1]);
	assert_int_equal(fd_recv(pair[0], text, sizeof(text), NULL, NULL, 0), 3);
	assert_int_equal(fd_recv(pair[0], text, sizeof(text), NULL, NULL, 0), 4);
	assert_int_equal(fd_recv(pair[0], text, sizeof(text), NULL, NULL, 0), 0);
	close(pair[0]);
}

enum { REPLACED = 500, WAITING_MAX = 1000 };

static atomic_int n_listening;

static void *listen_again(void *arg)
{
	int *listeners = arg;

	for (int i = 0; i < REPLACED; i++) {
		listeners[i] = fd_unix_listen(dir_fd, "again", SOCK_STREAM, 0600);
		atomic_fetch_add(&n_listening, 1);
	}
	return NULL;
}

/* A name is there with its listener, also while it goes over to another: the earlier ones serve on. */
static void whoever_finds_the_name_can_connect(void **state)
{
	static int listeners[REPLACED];
	pthread_t thread;
	int n, seen = 0, waiting = 0;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, listen_again, listeners), 0);
	while (faccessat(dir_fd, "again", F_OK, 0) < 0)
		sched_yield();
	while ((n = atomic_load(&n_listening)) < REPLACED) {
		waiting = n == seen ? waiting : 0;
		seen = n;
		/* nobody accepts, and with a full queue the next would wait for ever */
		if (waiting == WAITING_MAX) {
			sched_yield();
			continue;
		}
		cleanup_fd int fd = fd_unix_connect(dir_fd, "again", SOCK_STREAM);

		assert_true(fd >= 0);
		waiting++;
	}
	pthread_join(thread, NULL);
	for (int i = 0; i < REPLACED; i++) {
		assert_true(listeners[i] >= 0);
		close(listeners[i]);
	}
}

static void trees_go_without_following_links(void **state)
{
	(void)state;
	assert_int_equal(fd_mkdir_all(dir_fd, "keep/inner", 0755), 0);
	assert_int_equal(fd_mkdir_all(dir_fd, "gone/a/b/c", 0755), 0);
	assert_int_equal(symlinkat("../keep", dir_fd, "gone/link"), 0);
	assert_int_equal(fd_remove_tree(dir_fd, "gone"), 0);
	assert_int_equal(faccessat(dir_fd, "gone", F_OK, 0), -1);
	assert_int_equal(faccessat(dir_fd, "keep/inner", F_OK, 0), 0);
	assert_int_equal(fd_remove_tree(dir_fd, "gone"), 0);
}

/* What is not taken over is closed all the same. */
static void test_dir(void **state)
{
	(void)state;
	DIR *dir = fd_dir(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));

	assert_non_null(dir);
	closedir(dir);
	int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	assert_null(fd_dir(file));
	assert_int_equal(errno, ENOTDIR);
	assert_int_equal(fcntl(file, F_GETFD), -1);
	errno = EXDEV;
	assert_null(fd_dir(-1));
	assert_int_equal(errno, EXDEV);
}

static void the_sooner_of_two_timeouts(void **state)
{
	const int64_t now = fd_monotonic_ns(), hour_ns = INT64_C(3600000000000);

	(void)state;
	assert_int_equal(fd_timeout_ms(-1, now - hour_ns), 0);
	assert_int_equal(fd_timeout_ms(7, now - hour_ns), 0);
	assert_int_equal(fd_timeout_ms(7, now + hour_ns), 7);
	assert_in_range(fd_timeout_ms(-1, now + hour_ns), 1, 3600001);
	assert_int_equal(fd_timeout_ms(-1, INT64_MAX), INT_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(files_are_replaced_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(locks_exclude_within_a_process, setup, teardown),
		cmocka_unit_test_setup_teardown(paths_stay_in_their_root, setup, teardown),
		cmocka_unit_test_setup_teardown(descriptors_pass_over_long_paths, setup, teardown),
		cmocka_unit_test(what_was_sent_comes_before_a_reset),
		cmocka_unit_test_setup_teardown(whoever_finds_the_name_can_connect, setup,
						teardown),
		cmocka_unit_test_setup_teardown(trees_go_without_following_links, setup, teardown),
		cmocka_unit_test(test_dir),
		cmocka_unit_test(the_sooner_of_two_timeouts)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
