/* SPDX-License-Identifier: Apache-2.0 */
/* cleatd: the engine. Opens its state, serves on a socket of its own, points the public link at it,
 * says that it is ready, and only then looks at the containers. SIGTERM and SIGINT drain and end it;
 * containers are not affected, whatever ends it. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "about.h"
#include "chores.h"
#include "container/base.h"
#include "container/history.h"
#include "container/probekeep.h"
#include "container/remains.h"
#include "container/statskeep.h"
#include "engine.h"
#include "fault.h"
#include "journal.h"
#include "layer/layer.h"
#include "link.h"
#include "log.h"
#include "logkeep.h"
#include "network/netwatch.h"
#include "reconcile.h"
#include "server.h"
#include "service/metrics.h"
#include "service/service.h"
#include "str.h"
#include "upgrade.h"
#include "volume/volume.h"

enum { LISTEN_MS = 1000, DRAIN_MS = 10000 };

static const char usage[] = "usage: cleatd [--state DIR] [--run DIR] [--config FILE]\n";

struct options {
	const char *state_dir, *run_dir, *config;
	bool replace;
};

static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{ "state", required_argument, NULL, 's' },
		{ "run", required_argument, NULL, 'r' },
		{ "config", required_argument, NULL, 'c' },
		{ "replace", no_argument, NULL, 'R' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 's')
			options->state_dir = optarg;
		else if (c == 'r')
			options->run_dir = optarg;
		else if (c == 'c')
			options->config = optarg;
		else if (c == 'R')
			options->replace = true;
		else
			return -EINVAL;
	}
	return optind == argc ? 0 : -EINVAL;
}

static int serve(struct engine *engine, struct err *err)
{
	const struct rpc_server_config config = {
		.agent = "cleatd/" CLEAT_VERSION,
		.context = engine,
		.trusted_uid = (uid_t)-1,
		.ended = metrics_call_ended,
	};
	char name[LINK_NAME_MAX];
	cleanup_free char *url = NULL;
	int r;

	engine->metrics = metrics_new();
	r = engine->metrics ? rpc_server_new(&engine->server, &config, err) : -ENOMEM;

	if (r == 0)
		r = service_register_containers(engine->server);
	if (r == 0)
		r = service_register_exec(engine->server);
	if (r == 0)
		r = service_register_system(engine->server);
	if (r == 0)
		r = service_register_images(engine->server);
	if (r == 0)
		r = service_register_networks(engine->server);
	if (r == 0)
		r = service_register_volumes(engine->server);
	if (r < 0)
		return err_wrap(err, r, "set up the server");
	link_socket_name(engine, name);
	url = str_printf("ipc://%s/%s", engine->run_dir, name);
	if (!url)
		return err_sys(err, ENOMEM, "set up the server");
	r = rpc_server_listen(engine->server, url, err);
	return r < 0 ? r : link_take(engine, err);
}

static int open_layers(struct engine *engine, struct err *err)
{
	const struct layers_options options = {
		.state_dir = engine->state_dir,
		.bin_dir = engine->bin_dir,
		.state_fd = engine->state_fd,
		.driver = engine->config.layer_driver,
		.max_bytes = engine->config.layer_max_bytes,
	};

	return layers_open(&engine->layers, &options, err);
}

static int open_parts(struct engine *engine, struct err *err)
{
	int r = base_make(engine, err);

	if (r == 0 &&
	    (!(engine->statskeep = statskeep_new()) || !(engine->probekeep = probekeep_new())))
		r = err_sys(err, ENOMEM, "start");
	if (r == 0)
		r = history_open(engine, err);
	if (r == 0)
		r = open_layers(engine, err);
	if (r == 0)
		r = logkeep_open(&engine->logkeep, engine->containers_fd,
				 engine->config.log_compress_after_s, err);
	if (r == 0)
		r = chores_open(&engine->chores, engine, err);
	if (r == 0)
		volume_recover(engine);
	if (r == 0)
		r = netwatch_open(&engine->netwatch, engine, err);
	if (r == 0)
		r = shims_open(&engine->shims, engine, &reconcile_handlers, err);
	return r < 0 ? r : reconcile_open(&engine->reconciler, engine, err);
}

static void close_parts(struct engine *engine)
{
	engine->server = rpc_server_free(engine->server);
	engine->metrics = metrics_free(engine->metrics);
	engine->reconciler = reconcile_free(engine->reconciler);
	engine->netwatch = netwatch_free(engine->netwatch);
	engine->chores = chores_free(engine->chores);
	engine->statskeep = statskeep_free(engine->statskeep);
	engine->shims = shims_free(engine->shims);
	engine->probekeep = probekeep_free(engine->probekeep);
	engine->logkeep = logkeep_free(engine->logkeep);
	engine->journal = journal_free(engine->journal);
	engine->layers = layers_free(engine->layers);
}

static void wait_for_end(const sigset_t *signals)
{
	int number;

	while (sigwait(signals, &number) != 0)
		;
	log_info("ending signal=%d", number);
}

static int run(struct engine *engine, const struct options *options, const sigset_t *signals,
	       struct err *err)
{
	cleanup_fd int claim = link_claim(engine, options->replace, err);
	int r = claim < 0 ? claim : open_parts(engine, err);

	if (r == 0)
		r = serve(engine, err);
	if (r == 0) {
		upgrade_ready(options->replace);
		log_info("serving state=%s run=%s", engine->state_dir, engine->run_dir);
		reconcile_all(engine->reconciler);
		wait_for_end(signals);
		engine->leaving = true;
		engine->last = link_drop(engine);
		if (rpc_server_drain(engine->server, LISTEN_MS, DRAIN_MS) < 0)
			log_warn("ending with calls under way");
	}
	close_parts(engine);
	if (r == 0)
		remains_clear_group(engine);
	return r;
}

/* Many small threads share one heap; open files: a connection a shim and some. */
static void tune(void)
{
	struct rlimit files;

	(void)mallopt(M_ARENA_MAX, 1);
	(void)mallopt(M_TRIM_THRESHOLD, 256 << 10);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
}

static void block_signals(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGINT);
	(void)pthread_sigmask(SIG_BLOCK, signals, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv)
{
	if (about(argc, argv, "cleatd", usage))
		return 0;

	struct options options = { .state_dir = "/var/lib/cleat", .run_dir = "/run/cleat" };
	struct engine engine = {
		.state_fd = -1, .run_fd = -1, .containers_fd = -1, .volumes_fd = -1, .shims_fd = -1
	};
	struct err err = ERR_NULL;
	sigset_t signals;
	int r = parse_options(argc, argv, &options);

	if (fault_setup() < 0) {
		(void)fprintf(stderr,
			      "cleat: CLEAT_FAULT=%s: expected a step of api/base/fault.h\n",
			      getenv("CLEAT_FAULT"));
		return 2;
	}
	if (r < 0) {
		(void)fputs(usage, stderr);
		return 2;
	}
	tune();
	block_signals(&signals);
	config_defaults(&engine.config);
	if (options.config) {
		engine.config_path = realpath(options.config, NULL);
		r = config_load(options.config, &engine.config, &err);
	}
	log_setup("cleatd", engine.config.debug ? LOG_DEBUG : LOG_INFO);
	if (r == 0)
		r = engine_open(&engine, options.state_dir, options.run_dir, &err);
	if (r == 0)
		r = run(&engine, &options, &signals, &err);
	if (r < 0)
		(void)fprintf(stderr, "cleat: %s\n", err.message);
	engine_close(&engine);
	return r < 0;
}
