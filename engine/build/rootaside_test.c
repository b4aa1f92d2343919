/* SPDX-License-Identifier: Apache-2.0 */
#include "rootaside.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base_test.h"
#include "buf.h"
#include "fd.h"

enum { LAYERS = 129, ENTRY_LEN = 16 }; /* of an image, and the engine's base */

struct place {
	char path[40];
	int fd, lower[LAYERS], upper, work;
	char names[LAYERS + 2][ENTRY_LEN];
	const char *entries[LAYERS];
	struct overlay overlay;
};

static int make_dir(int at, const char *name)
{
	assert_int_equal(mkdirat(at, name, 0755), 0);
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static const char *name(struct place *p, size_t i, int fd)
{
	(void)snprintf(p->names[i], ENTRY_LEN, "fd:%d", fd);
	return p->names[i];
}

/* Layers with a file each, "0" on top, that all say what "top" is; in the lowest a directory. */
static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	char text[16];

	assert_non_null(p);
	strcpy(p->path, "/tmp/cleat-rootaside-XXXXXX");
	assert_non_null(mkdtemp(p->path));
	p->fd = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(p->fd >= 0);
	close(make_dir(p->fd, "rootfs"));
	for (int i = 0; i < LAYERS; i++) {
		(void)snprintf(text, sizeof(text), "layer%d", i);
		p->lower[i] = make_dir(p->fd, text);
		(void)snprintf(text, sizeof(text), "%d", i);
		assert_int_equal(fd_create_file(p->lower[i], text, text, strlen(text), 0644), 0);
		assert_int_equal(fd_create_file(p->lower[i], "top", text, strlen(text), 0644), 0);
		p->entries[i] = name(p, (size_t)i, p->lower[i]);
	}
	close(make_dir(p->lower[LAYERS - 1], "dir"));
	p->upper = make_dir(p->fd, "upper");
	p->work = make_dir(p->fd, "work");
	p->overlay = (struct overlay){
		.lower = p->entries, .n_lower = LAYERS, .is_volatile = true, .is_plain = true
	};
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	for (int i = 0; i < LAYERS; i++)
		close(p->lower[i]);
	close(p->upper);
	close(p->work);
	close(p->fd);
	assert_int_equal(fd_remove_tree(AT_FDCWD, p->path), 0);
	free(p);
	return 0;
}

/* What others mount on this host meanwhile is not mounted here. */
static int leave_host(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNS) < 0)
		return -1;
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

static void read_mounts(struct buf *out)
{
	assert_int_equal(fd_read_file(AT_FDCWD, "/proc/self/mountinfo", 1 << 20, out), 0);
}

/* By their numbers. One that was copied from the host's namespace goes when somebody removes the directory it is on. */
static void assert_none_new(const struct buf *before)
{
	cleanup(buf_deinit) struct buf now = BUF_NULL;

	read_mounts(&now);
	for (const char *line = now.data; *line; line = strchr(line, '\n') + 1) {
		char wanted[24];
		const int n = snprintf(wanted, sizeof(wanted), "\n%d ", atoi(line));

		assert_true(strncmp(before->data, wanted + 1, (size_t)n - 1) == 0 ||
			    strstr(before->data, wanted));
	}
}

static void assert_file(int at, const char *name, const char *text)
{
	cleanup(buf_deinit) struct buf found = BUF_NULL;

	assert_int_equal(fd_read_file(at, name, 64, &found), 0);
	assert_string_equal(found.data, text);
}

/* Whatever the kernel that runs this: as many layers as there may be, in their order. */
static void shows_all_layers(void **state)
{
	cleanup(buf_deinit) struct buf before = BUF_NULL;
	struct place *p = *state;
	struct err err = ERR_NULL;
	char text[16];

	read_mounts(&before);
	cleanup_fd int root = rootaside_open(&p->overlay, p->path, &err);

	assert_string_equal(err.message, "");
	assert_true(root >= 0);
	assert_file(root, "top", "0");
	for (int i = 0; i < LAYERS; i++) {
		(void)snprintf(text, sizeof(text), "%d", i);
		assert_file(root, text, text);
	}
	assert_int_equal(mkdirat(root, "new", 0755), -1);
	assert_int_equal(errno, EROFS);
	assert_none_new(&before);
}

/* What is written is in the upper directory, as a layer can say it: a directory of a lower layer is not renamed. */
static void takes_what_is_written(void **state)
{
	cleanup(buf_deinit) struct buf before = BUF_NULL;
	struct place *p = *state;
	struct err err = ERR_NULL;
	struct stat st;

	p->overlay.upper = name(p, LAYERS, p->upper);
	p->overlay.work = name(p, LAYERS + 1, p->work);
	read_mounts(&before);
	cleanup_fd int root = rootaside_open(&p->overlay, p->path, &err);

	assert_string_equal(err.message, "");
	assert_true(root >= 0);
	assert_int_equal(fd_create_file(root, "dir/file", "x", 1, 0644), 0);
	assert_file(p->upper, "dir/file", "x");
	assert_int_equal(unlinkat(root, "top", 0), 0);
	assert_int_equal(fstatat(p->upper, "top", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISCHR(st.st_mode) && st.st_rdev == 0);
	assert_int_equal(renameat(root, "dir", root, "other"), -1);
	assert_int_equal(errno, EXDEV);
	assert_none_new(&before);
}

/* One that has another name by now has that one; one without a name is refused. */
static void follows_names(void **state)
{
	struct place *p = *state;
	struct err err = ERR_NULL;

	assert_int_equal(renameat(p->fd, "layer3", p->fd, "moved"), 0);
	cleanup_fd int root = rootaside_open(&p->overlay, p->path, &err);

	assert_true(root >= 0);
	assert_file(root, "3", "3");
	assert_int_equal(fd_remove_tree(p->fd, "layer4"), 0);
	assert_int_equal(rootaside_open(&p->overlay, p->path, &err), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(shows_all_layers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(takes_what_is_written, set_up, tear_down),
		cmocka_unit_test_setup_teardown(follows_names, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, leave_host, NULL);
}
