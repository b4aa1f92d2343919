/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's parts with a real shim and runtime, without RPC and images: create from a config made
 * here, start, wait, exit code, stop, a killed shim, removal. Needs root and a static busybox; skips
 * itself without. */
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "container/create.h"
#include "container/history.h"
#include "container/lifecycle.h"
#include "container/remains.h"
#include "container/remove.h"
#include "event/journal.h"
#include "fd.h"
#include "reconcile.h"
#include "shim/shimlink.h"
#include "str.h"

#define BUSYBOX "/bin/busybox"

enum { STEP_US = 10000, STEPS = 10000, PATIENCE_MS = 100000 }; /* end a test that hangs */

static char dir[64];
static struct engine engine;

static void copy_busybox(const char *rootfs)
{
	cleanup(buf_deinit) struct buf bytes = BUF_NULL;
	int fd = openat(AT_FDCWD, rootfs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fd_mkdir_all(fd, "bin", 0755), 0);
	assert_int_equal(fd_mkdir_all(fd, "proc", 0755), 0);
	assert_int_equal(fd_read_file(AT_FDCWD, BUSYBOX, 8 << 20, &bytes), 0);
	assert_int_equal(fd_replace_file(fd, "bin/busybox", bytes.data, bytes.len, 0755, false), 0);
	close(fd);
}

static int setup(void **state)
{
	struct err err = ERR_NULL;
	char s[96], r[96], bin[PATH_MAX];

	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/cleat-life-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	(void)snprintf(s, sizeof(s), "%s/s", dir);
	(void)snprintf(r, sizeof(r), "%s/r", dir);
	config_defaults(&engine.config);
	if (engine_open(&engine, s, r, &err) < 0)
		return -1;
	(void)snprintf(bin, sizeof(bin), "%s/../bin", engine.bin_dir);
	free(engine.bin_dir);
	engine.bin_dir = realpath(bin, NULL);
	return history_open(&engine, &err) ||
	       shims_open(&engine.shims, &engine, &reconcile_handlers, &err) ||
	       reconcile_open(&engine.reconciler, &engine, &err);
}

static int teardown(void **state)
{
	(void)state;
	engine.reconciler = reconcile_free(engine.reconciler);
	engine.shims = shims_free(engine.shims);
	engine.journal = journal_free(engine.journal);
	remains_clear_group(&engine);
	engine_close(&engine);
	engine = (struct engine){ 0 };
	return fd_remove_tree(AT_FDCWD, dir);
}

/* Makes a container that runs `script`; its id in `id`. */
static void make(const char *script, char id[65])
{
	Cleat__V1__CreateContainerRequest request = CLEAT__V1__CREATE_CONTAINER_REQUEST__INIT;
	Cleat__V1__ContainerConfig config = CLEAT__V1__CONTAINER_CONFIG__INIT;
	cleanup(create_deinit) struct create create = CREATE_NULL;
	cleanup(buf_deinit) struct buf json = BUF_NULL;
	struct create_parts parts = { .key = "" };
	struct err err = ERR_NULL;
	char rootfs[256];

	request.config = &config;
	assert_int_equal(create_begin(&create, &engine, &request, "", script, &err), 0);
	(void)snprintf(rootfs, sizeof(rootfs), "%s/containers/%s/work", engine.state_dir,
		       create.record.id);
	copy_busybox(rootfs);
	buf_printf(
		&json,
		"{\"ociVersion\":\"1.1.0\",\"process\":{\"args\":[\"/bin/busybox\",\"sh\","
		"\"-c\",\"%s\"],\"cwd\":\"/\",\"env\":[\"PATH=/bin\"],\"user\":{\"uid\":0,"
		"\"gid\":0}},\"root\":{\"path\":\"%s\"},\"mounts\":[{\"destination\":"
		"\"/proc\",\"type\":\"proc\",\"source\":\"proc\"}],\"linux\":{\"cgroupsPath\":\"/"
		"%s/%s\","
		"\"namespaces\":["
		"{\"type\":\"pid\"},{\"type\":\"mount\"},{\"type\":\"ipc\"},"
		"{\"type\":\"uts\"},{\"type\":\"network\"}]}}",
		script, rootfs, engine.cgroup, create.record.id);
	parts.config_json = json.data;
	parts.config_len = json.len;
	assert_int_equal(create_finish(&create, &request, &parts, &err), 0);
	(void)snprintf(id, 65, "%s", create.record.id);
}

static int wait_stopped(const char *id, struct status *status)
{
	cleanup(record_deinit) struct record record = { 0 };
	struct err err = ERR_NULL;

	assert_int_equal(record_find(engine.store, id, &record, &err), 0);
	return lifecycle_wait(&engine, &record, UNTIL_STOPPED, 0, PATIENCE_MS, INTERRUPT_NONE,
			      status, &err);
}

static void start(const char *id)
{
	struct err err = ERR_NULL;
	bool already = false;
	int r = lifecycle_start(&engine, id, "", &already, &err);

	if (r < 0)
		print_error("start: %s (%s)\n", err.message, err.reason);
	assert_int_equal(r, 0);
	assert_false(already);
}

static void test_exit_code(void **state)
{
	struct status status = { 0 };
	struct err err = ERR_NULL;
	char id[65];

	(void)state;
	make("exit 7", id);
	start(id);
	assert_int_equal(wait_stopped(id, &status), 0);
	assert_int_equal(status.exit_code, 7);
	assert_int_equal(status.exits, 1);
	assert_int_equal(remove_container(&engine, id, false, "", INTERRUPT_NONE, &err), 0);
	assert_int_equal(faccessat(engine.containers_fd, id, F_OK, 0), -1);
	assert_int_equal(faccessat(engine.shims_fd, id, F_OK, 0), -1);
}

static void wait_for_output(const char *id)
{
	char path[96];
	struct stat st = { .st_size = 0 };

	(void)snprintf(path, sizeof(path), "%s/log/000001.log", id);
	for (int i = 0; i < STEPS && st.st_size == 0; i++, usleep(STEP_US))
		(void)fstatat(engine.containers_fd, path, &st, 0);
	assert_int_not_equal(st.st_size, 0);
}

static void test_stop_and_force(void **state)
{
	struct status status = { 0 };
	struct err err = ERR_NULL;
	bool was_stopped = true;
	char id[65];

	(void)state;
	make("trap 'exit 3' TERM; echo set; while :; do sleep 0.05; done", id);
	start(id);
	assert_true(remove_container(&engine, id, false, "", INTERRUPT_NONE, &err) < 0);
	assert_string_equal(err.reason, "RUNNING");
	wait_for_output(id);
	assert_int_equal(
		lifecycle_stop(&engine, id, "", 0, PATIENCE_MS, INTERRUPT_NONE, &was_stopped, &err),
		0);
	assert_false(was_stopped);
	assert_int_equal(wait_stopped(id, &status), 0);
	assert_int_equal(status.exit_code, 3);
	start(id);
	assert_int_equal(remove_container(&engine, id, true, "", INTERRUPT_NONE, &err), 0);
}

/* The shim is killed while its container runs: a successor adopts it, and the exit is right. */
static void test_killed_shim(void **state)
{
	cleanup(record_deinit) struct record record = { 0 };
	struct status before = { 0 }, after = { 0 };
	struct err err = ERR_NULL;
	char id[65], go[96];

	(void)state;
	make("while ! [ -e /go ]; do sleep 0.02; done; exit 5", id);
	start(id);
	assert_int_equal(record_find(engine.store, id, &record, &err), 0);
	status_read(&engine, &record, &before);
	assert_true(before.shim_pid > 0);
	assert_int_equal(kill(before.shim_pid, SIGKILL), 0);
	status_read(&engine, &record, &after);
	for (int i = 0; i < STEPS && after.shim_pid == before.shim_pid; i++, usleep(STEP_US))
		status_read(&engine, &record, &after);
	assert_int_equal(after.pid, before.pid);
	assert_int_not_equal(after.shim_pid, before.shim_pid);
	(void)snprintf(go, sizeof(go), "%s/work/go", id);
	assert_int_equal(fd_replace_file(engine.containers_fd, go, "", 0, 0644, false), 0);
	assert_int_equal(wait_stopped(id, &after), 0);
	assert_int_equal(after.exit_code, 5);
	assert_int_equal(remove_container(&engine, id, false, "", INTERRUPT_NONE, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_exit_code, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stop_and_force, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed_shim, setup, teardown),
	};

	if (geteuid() != 0 || access(BUSYBOX, X_OK) < 0)
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
