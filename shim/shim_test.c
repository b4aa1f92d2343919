/* SPDX-License-Identifier: Apache-2.0 */
/* A real shim, a real runtime, a real container: busybox below a directory of our own. Talks to the
 * shim as an engine does. Without root or a static busybox there is nothing to test. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base_test.h"
#include "cleat/shim/v1/shim.pb-c.h"
#include "fd.h"
#include "str.h"

#define ID "00000000000000000000000000000000000000000000000000000000000000aa"

enum { WAIT_MS = 100000 }; /* ends a test that hangs */

struct box {
	char root[64], cgroup[64];
	int listener, sock, attach;
	pid_t shim;
	char output[4096];
	size_t n_output;
	int early[8]; /* exit codes of events that came before an answer did */
	size_t n_early, n_taken;
	uint64_t seq; /* of the last event that came */
};

static int under(const char *root, const char *name, const char *text)
{
	cleanup_fd int dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd_replace_file(dir, name, text, strlen(text), 0644, false);
}

static void write_bundle(const struct box *b, const char *script)
{
	cleanup(buf_deinit) struct buf json = BUF_NULL;
	char path[128];

	buf_puts(&json, "{\"ociVersion\":\"1.1.0\",\"root\":{\"path\":\"rootfs\"},\"process\":{"
			"\"user\":{\"uid\":0,\"gid\":0},\"cwd\":\"/\",\"env\":[\"PATH=/bin\"],"
			"\"args\":[\"/bin/busybox\",\"sh\",\"-c\",");
	buf_json_string(&json, script, strlen(script));
	buf_printf(
		&json,
		"]},\"mounts\":[{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"}"
		"],\"linux\":{\"cgroupsPath\":\"/%s\",\"namespaces\":[{\"type\":\"pid\"},"
		"{\"type\":\"mount\"},{\"type\":\"ipc\"},{\"type\":\"uts\"}]}}",
		b->cgroup);
	snprintf(path, sizeof(path), "%s/state", b->root);
	assert_int_equal(under(path, "config.json", json.data), 0);
}

static void write_spec(const struct box *b, Cleat__Shim__V1__ShimSpec *spec)
{
	uint8_t bytes[1024];
	char path[128];
	size_t n;

	spec->id = (char *)(uintptr_t)ID;
	n = cleat__shim__v1__shim_spec__pack(spec, bytes);
	snprintf(path, sizeof(path), "%s/state", b->root);
	cleanup_fd int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(fd_replace_file(dir, "shim.pb", bytes, n, 0600, false), 0);
}

static void copy_busybox(const struct box *b)
{
	cleanup(buf_deinit) struct buf bytes = BUF_NULL;
	char path[128];

	snprintf(path, sizeof(path), "%s/state/rootfs/bin", b->root);
	cleanup_fd int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(fd_read_file(AT_FDCWD, "/bin/busybox", 8 << 20, &bytes), 0);
	assert_int_equal(fd_replace_file(dir, "busybox", bytes.data, bytes.len, 0755, false), 0);
}

/* The shim is found beside the test's folder: build/test, build/bin. */
static void spawn_shim(struct box *b)
{
	char self[4000], program[4096], state[128], run[128], oci[128];
	posix_spawn_file_actions_t actions;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	snprintf(program, sizeof(program), "%s/../bin/cleat-shim", self);
	snprintf(state, sizeof(state), "%s/state", b->root);
	snprintf(run, sizeof(run), "%s/run", b->root);
	snprintf(oci, sizeof(oci), "%s/oci", b->root);
	char *const argv[] = { program, "--id",       ID,  "--state",  state,     "--run",
			       run,     "--oci-root", oci, "--cgroup", b->cgroup, NULL };
	cleanup_fd int dir = open(run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	closep(&b->listener);
	b->listener = fd_unix_listen(dir, "sock", SOCK_SEQPACKET, 0600);
	assert_true(b->listener >= 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, b->listener, 3);
	assert_int_equal(posix_spawn(&b->shim, program, &actions, NULL, argv, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	b->sock = fd_unix_connect(dir, "sock", SOCK_SEQPACKET);
	assert_true(b->sock >= 0);
}

static void box_open(struct box *b, const char *script, Cleat__Shim__V1__ShimSpec *spec)
{
	static const char *const dirs[] = { "state/rootfs/bin", "state/rootfs/proc", "run", "oci" };

	*b = (struct box){ .listener = -1, .sock = -1, .attach = -1 };
	snprintf(b->root, sizeof(b->root), "/tmp/cleat-shim-test-XXXXXX");
	assert_non_null(mkdtemp(b->root));
	snprintf(b->cgroup, sizeof(b->cgroup), "cleat-test-%d", getpid());
	cleanup_fd int dir = open(b->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		assert_int_equal(fd_mkdir_all(dir, dirs[i], 0755), 0);
	copy_busybox(b);
	write_bundle(b, script);
	write_spec(b, spec);
	spawn_shim(b);
}

static void box_close(struct box *b)
{
	closep(&b->sock);
	closep(&b->attach);
	closep(&b->listener);
	if (b->shim > 0)
		assert_int_equal(waitpid(b->shim, NULL, 0), b->shim);
	assert_int_equal(fd_remove_tree(AT_FDCWD, b->root), 0);
}

static void send_request(struct box *b, Cleat__Shim__V1__ShimRequest *q, int kind, int fd)
{
	uint8_t bytes[4096];

	q->id = 1;
	q->request_case = (Cleat__Shim__V1__ShimRequest__RequestCase)kind;
	assert_int_equal(fd_send(b->sock, bytes, cleat__shim__v1__shim_request__pack(q, bytes), &fd,
				 fd >= 0 ? 1 : 0, 0),
			 0);
}

static Cleat__Shim__V1__ShimMessage *receive(struct box *b)
{
	Cleat__Shim__V1__ShimMessage *message;
	static uint8_t bytes[65536];
	struct pollfd p = { .fd = b->sock, .events = POLLIN };
	ssize_t n;

	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	n = fd_recv(b->sock, bytes, sizeof(bytes), NULL, NULL, 0);
	assert_true(n > 0);
	message = cleat__shim__v1__shim_message__unpack(NULL, (size_t)n, bytes);
	assert_non_null(message);
	if (message->message_case == CLEAT__SHIM__V1__SHIM_MESSAGE__MESSAGE_EVENT)
		b->seq = message->event->seq;
	return message;
}

/* Skips to the answer and returns its code. */
static uint32_t answer(struct box *b)
{
	for (;;) {
		Cleat__Shim__V1__ShimMessage *m = receive(b);
		const bool is = m->message_case == CLEAT__SHIM__V1__SHIM_MESSAGE__MESSAGE_REPLY;
		const uint32_t code = is ? m->reply->code : 0;

		if (code)
			print_message("shim: %s\n", m->reply->message);
		if (m->message_case == CLEAT__SHIM__V1__SHIM_MESSAGE__MESSAGE_EVENT &&
		    m->event->kind == CLEAT__SHIM__V1__EVENT_KIND__EVENT_EXITED) {
			assert_true(b->n_early < ARRAY_LEN(b->early));
			b->early[b->n_early++] = m->event->exit_code;
		}
		cleat__shim__v1__shim_message__free_unpacked(m, NULL);
		if (is)
			return code;
	}
}

/* Skips to the next end of the container and returns its exit code. */
static int exited(struct box *b)
{
	if (b->n_taken < b->n_early)
		return b->early[b->n_taken++];
	for (;;) {
		Cleat__Shim__V1__ShimMessage *m = receive(b);
		const bool is = m->message_case == CLEAT__SHIM__V1__SHIM_MESSAGE__MESSAGE_EVENT &&
				m->event->kind == CLEAT__SHIM__V1__EVENT_KIND__EVENT_EXITED;
		const int code = is ? m->event->exit_code : 0;

		cleat__shim__v1__shim_message__free_unpacked(m, NULL);
		if (is)
			return code;
	}
}

static void subscribe_from(struct box *b, uint64_t seq)
{
	Cleat__Shim__V1__ShimRequest q = CLEAT__SHIM__V1__SHIM_REQUEST__INIT;
	Cleat__Shim__V1__SubscribeRequest body = CLEAT__SHIM__V1__SUBSCRIBE_REQUEST__INIT;

	body.from_seq = seq;
	q.subscribe = &body;
	send_request(b, &q, CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_SUBSCRIBE, -1);
	assert_int_equal(answer(b), 0);
}

static void subscribe(struct box *b)
{
	subscribe_from(b, 0);
}

static void start(struct box *b)
{
	Cleat__Shim__V1__ShimRequest q = CLEAT__SHIM__V1__SHIM_REQUEST__INIT;
	Cleat__Shim__V1__StartRequest body = CLEAT__SHIM__V1__START_REQUEST__INIT;

	q.start = &body;
	send_request(b, &q, CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_START, -1);
	assert_int_equal(answer(b), 0);
}

static void stop(struct box *b, int timeout_ms)
{
	Cleat__Shim__V1__ShimRequest q = CLEAT__SHIM__V1__SHIM_REQUEST__INIT;
	Cleat__Shim__V1__StopRequest body = CLEAT__SHIM__V1__STOP_REQUEST__INIT;

	body.timeout_ms = timeout_ms;
	q.stop = &body;
	send_request(b, &q, CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_STOP, -1);
	assert_int_equal(answer(b), 0);
}

static void attach(struct box *b)
{
	Cleat__Shim__V1__ShimRequest q = CLEAT__SHIM__V1__SHIM_REQUEST__INIT;
	Cleat__Shim__V1__AttachRequest body = CLEAT__SHIM__V1__ATTACH_REQUEST__INIT;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	body.stdin = body.stdout = body.stderr = body.lossless = true;
	q.attach = &body;
	send_request(b, &q, CLEAT__SHIM__V1__SHIM_REQUEST__REQUEST_ATTACH, pair[1]);
	close(pair[1]);
	b->attach = pair[0];
	assert_int_equal(answer(b), 0);
}

/* Reads output until the last frame; its exit code. */
static int read_to_end(struct box *b)
{
	for (;;) {
		static uint8_t bytes[65536];
		struct pollfd p = { .fd = b->attach, .events = POLLIN };
		Cleat__Shim__V1__StreamFrame *f;
		ssize_t n;
		bool ended;
		int code;

		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		n = fd_recv(b->attach, bytes, sizeof(bytes), NULL, NULL, 0);
		assert_true(n > 0);
		f = cleat__shim__v1__stream_frame__unpack(NULL, (size_t)n, bytes);
		if (b->n_output + f->data.len < sizeof(b->output) && f->data.len)
			memcpy(b->output + b->n_output, f->data.data, f->data.len);
		b->n_output += f->data.len;
		ended = f->ended;
		code = f->exit_code;
		cleat__shim__v1__stream_frame__free_unpacked(f, NULL);
		if (ended)
			return code;
	}
}

static void output_and_exit_code(void **state)
{
	Cleat__Shim__V1__ShimSpec spec = CLEAT__SHIM__V1__SHIM_SPEC__INIT;
	struct box b;

	(void)state;
	box_open(&b, "echo out; exit 3", &spec);
	subscribe(&b);
	attach(&b);
	start(&b);
	assert_int_equal(exited(&b), 3);
	assert_int_equal(read_to_end(&b), 3);
	assert_int_equal(b.n_output, 4);
	assert_memory_equal(b.output, "out\n", 4);
	box_close(&b);
}

static void input_before_the_start(void **state)
{
	Cleat__Shim__V1__ShimSpec spec = CLEAT__SHIM__V1__SHIM_SPEC__INIT;
	Cleat__Shim__V1__StreamFrame f = CLEAT__SHIM__V1__STREAM_FRAME__INIT;
	uint8_t bytes[64];
	struct box b;

	(void)state;
	spec.open_stdin = spec.stdin_once = true;
	box_open(&b, "exec busybox cat", &spec);
	attach(&b);
	f.data.data = (uint8_t *)(uintptr_t) "hello\n";
	f.data.len = 6;
	assert_int_equal(fd_send(b.attach, bytes, cleat__shim__v1__stream_frame__pack(&f, bytes),
				 NULL, 0, 0),
			 0);
	shutdown(b.attach, SHUT_WR);
	start(&b);
	assert_int_equal(read_to_end(&b), 0);
	assert_int_equal(b.n_output, 6);
	box_close(&b);
}

static void a_stop_that_times_out(void **state)
{
	Cleat__Shim__V1__ShimSpec spec = CLEAT__SHIM__V1__SHIM_SPEC__INIT;
	Cleat__Shim__V1__RestartPolicy always = CLEAT__SHIM__V1__RESTART_POLICY__INIT;
	struct box b;

	(void)state;
	always.kind = CLEAT__SHIM__V1__RESTART_POLICY__KIND__ALWAYS;
	spec.restart = &always;
	box_open(&b, "trap '' TERM; while :; do busybox sleep 1; done", &spec);
	subscribe(&b);
	start(&b);
	stop(&b, 100);
	assert_int_equal(exited(&b), 137);
	box_close(&b);
}

static void restarts_until_the_limit(void **state)
{
	Cleat__Shim__V1__ShimSpec spec = CLEAT__SHIM__V1__SHIM_SPEC__INIT;
	Cleat__Shim__V1__RestartPolicy policy = CLEAT__SHIM__V1__RESTART_POLICY__INIT;
	struct box b;

	(void)state;
	policy.kind = CLEAT__SHIM__V1__RESTART_POLICY__KIND__ON_FAILURE;
	policy.max_retries = 2;
	policy.delay_ms = 10;
	spec.restart = &policy;
	box_open(&b, "exit 9", &spec);
	subscribe(&b);
	attach(&b);
	start(&b);
	for (int i = 0; i < 3; i++)
		assert_int_equal(exited(&b), 9);
	assert_int_equal(read_to_end(&b), 9);
	box_close(&b);
}

static void a_killed_shim_has_a_successor(void **state)
{
	Cleat__Shim__V1__ShimSpec spec = CLEAT__SHIM__V1__SHIM_SPEC__INIT;
	struct box b;
	char rootfs[128];

	(void)state;
	box_open(&b, "while ! [ -e /go ]; do busybox sleep 0.02; done; echo last; exit 5", &spec);
	start(&b);
	assert_int_equal(kill(b.shim, SIGKILL), 0);
	assert_int_equal(waitpid(b.shim, NULL, 0), b.shim);
	closep(&b.sock);
	spawn_shim(&b);
	subscribe(&b);
	attach(&b);
	snprintf(rootfs, sizeof(rootfs), "%s/state/rootfs", b.root);
	assert_int_equal(under(rootfs, "go", ""), 0);
	assert_int_equal(exited(&b), 5);
	assert_int_equal(read_to_end(&b), 5);
	assert_memory_equal(b.output, "last\n", 5);
	box_close(&b);
}

/* An engine takes no event twice, so one whose number it had before would be lost. */
static void events_go_on_behind_what_the_engine_has(void **state)
{
	Cleat__Shim__V1__ShimSpec spec = CLEAT__SHIM__V1__SHIM_SPEC__INIT;
	struct box b;

	(void)state;
	box_open(&b, "exit 4", &spec);
	subscribe_from(&b, 1001);
	attach(&b);
	start(&b);
	assert_int_equal(exited(&b), 4);
	assert_int_equal(b.seq, 1002);
	assert_int_equal(read_to_end(&b), 4);
	box_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_and_exit_code),
		cmocka_unit_test(input_before_the_start),
		cmocka_unit_test(a_stop_that_times_out),
		cmocka_unit_test(restarts_until_the_limit),
		cmocka_unit_test(a_killed_shim_has_a_successor),
		cmocka_unit_test(events_go_on_behind_what_the_engine_has),
	};

	if (geteuid() != 0 || access("/bin/busybox", X_OK) < 0) {
		print_message("skipped: needs root and busybox\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
