/* SPDX-License-Identifier: Apache-2.0 */
/* cleat-shim --id ID --state DIR --run DIR --oci-root DIR --cgroup PATH, with the listening socket as
 * descriptor 3. Spawned by the engine in a session of its own; lives as long as its container. It has no
 * other argument, but for a successor's --kept 4 (keep.c), and reads no other configuration than
 * DIR/shim.pb. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"
#include "fd.h"
#include "log.h"
#include "shim.h"
#include "str.h"

enum { SPEC_MAX = 1 << 20 };

struct arguments {
	const char *id, *state, *run, *oci_root, *cgroup, *kept;
};

static int parse(int argc, char **argv, struct arguments *args)
{
	const struct {
		const char *name;
		const char **value;
	} options[] = {
		{ "--id", &args->id },         { "--state", &args->state },
		{ "--run", &args->run },       { "--oci-root", &args->oci_root },
		{ "--cgroup", &args->cgroup }, { "--kept", &args->kept },
	};

	for (int i = 1; i < argc; i += 2) {
		size_t k = 0;

		while (k < ARRAY_LEN(options) && strcmp(argv[i], options[k].name) != 0)
			k++;
		if (k == ARRAY_LEN(options) || i + 1 == argc) {
			fprintf(stderr, "cleat: cleat-shim: unknown or incomplete argument: %s\n",
				argv[i]);
			return -EINVAL;
		}
		*options[k].value = argv[i + 1];
	}
	for (size_t k = 0; k < ARRAY_LEN(options); k++)
		if (!*options[k].value && options[k].value != &args->kept) {
			fprintf(stderr, "cleat: cleat-shim: %s is missing\n", options[k].name);
			return -EINVAL;
		}
	return 0;
}

static int read_spec(struct shim *shim)
{
	cleanup(buf_deinit) struct buf b = BUF_NULL;
	int r = fd_read_file(shim->state_fd, "shim.pb", SPEC_MAX, &b);

	if (r < 0)
		return r;
	shim->spec = cleat__shim__v1__shim_spec__unpack(NULL, b.len, (const uint8_t *)b.data);
	if (!shim->spec)
		return -EBADMSG;
	if (shim->spec->cgroup[0])
		shim->cgroup = shim->spec->cgroup;
	return 0;
}

static void apply_spec(struct shim *shim)
{
	const Cleat__Shim__V1__RestartPolicy *restart = shim->spec->restart;
	const Cleat__Shim__V1__Logging *logging = shim->spec->logging;

	shim->policy = (struct policy){
		.kind = restart ? (enum policy_kind)restart->kind : POLICY_NO,
		.max_retries = restart ? restart->max_retries : 0,
		.delay_ms = restart && restart->delay_ms ? restart->delay_ms : 100,
		.max_delay_ms = restart && restart->max_delay_ms ? restart->max_delay_ms : 60000,
		.on_unhealthy = restart && restart->on_unhealthy,
	};
	shim->log = (struct logfile){
		.driver = logging ? (enum log_driver)logging->driver : LOG_DRIVER_LOCAL,
		.max_size =
			logging && logging->max_size_bytes ? logging->max_size_bytes : 20u << 20,
		.max_files = logging && logging->max_files ? logging->max_files : 5,
		.id = shim->id,
	};
	shim->io.tty = shim->spec->tty;
	shim->io.stdin_once = shim->spec->stdin_once;
}

/* cleat-oci stands beside this program. */
static char *runtime_program(void)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n < 0)
		return NULL;
	self[n] = '\0';
	slash = strrchr(self, '/');
	return slash ? str_printf("%.*s/cleat-oci", (int)(slash - self), self) : NULL;
}

static int open_dirs(struct shim *shim, const struct arguments *args)
{
	shim->state_fd = open(args->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	shim->run_fd = open(args->run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (shim->state_fd < 0 || shim->run_fd < 0)
		return -errno;
	/* The console socket is given to the runtime by a relative path. */
	return fchdir(shim->run_fd) < 0 ? -errno : 0;
}

static void stop_timed_out(struct timer *timer)
{
	life_event(container_of(timer, struct shim, stop_timer), EV_TIMEOUT, 0);
}

static void delay_over(struct timer *timer)
{
	life_event(container_of(timer, struct shim, delay_timer), EV_DELAY_OVER, 0);
}

static int open_shim(struct shim *shim, const struct arguments *args)
{
	int r;

	shim->id = args->id;
	shim->state_path = args->state;
	shim->oci_root = args->oci_root;
	shim->cgroup = args->cgroup;
	shim->orphan.fd = -1;
	shim->netns = -1;
	shim->oci_sealed = -1;
	join_close(shim);
	shim->root_fd = -1;
	shim->stop_timer.fire = stop_timed_out;
	shim->delay_timer.fire = delay_over;
	list_init(&shim->conns);
	list_init(&shim->execs);
	list_init(&shim->launches);
	list_init(&shim->laters);
	r = open_dirs(shim, args);
	if (r < 0)
		return r;
	shim->lock_fd = fd_lock_file(shim->run_fd, "lock", false);
	if (shim->lock_fd < 0)
		return shim->lock_fd;
	r = loop_init(&shim->loop);
	if (r == 0)
		r = read_spec(shim);
	if (r < 0)
		return r;
	io_init(shim, &shim->io, &shim->log);
	apply_spec(shim);
	shim->oci_program = runtime_program();
	if (!shim->oci_program)
		return -ENOMEM;
	r = probe_open(shim);
	if (r == 0)
		r = status_load(shim);
	if (r == 0)
		r = logfile_open(&shim->log, shim->state_fd, shim->status.position);
	if (r == 0)
		r = reap_open(shim);
	return r == 0 ? control_open(shim) : r;
}

int main(int argc, char **argv)
{
	static struct shim shim;
	struct arguments args = { 0 };
	int r;

	log_setup("cleat-shim", LOG_INFO);
	if (parse(argc, argv, &args) < 0 || fault_setup() < 0)
		return 2;
	/* Whatever else was inherited would be held open for the container's life. */
	close_range(args.kept ? SHIM_KEPT_FD + 1 : SHIM_LISTEN_FD + 1, ~0U, 0);
	signal(SIGPIPE, SIG_IGN);
	umask(0077);
	r = open_shim(&shim, &args);
	if (r == -EAGAIN) {
		log_info("another shim holds the container id=%.12s", args.id);
		return 0;
	}
	if (r == 0 && args.kept)
		keep_load(&shim, SHIM_KEPT_FD);
	if (r == 0)
		r = adopt(&shim);
	if (r >= 0)
		r = loop_run(&shim.loop);
	if (r < 0)
		log_error("cannot go on id=%.12s error=%s", args.id, strerror(-r));
	return r < 0 ? 1 : 0;
}
