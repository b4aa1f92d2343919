/* SPDX-License-Identifier: Apache-2.0 */
/* cleat-gateway: HTTP on a local socket, calls to the engine behind it. Holds no state: it may be ended and started at
 * any time, and with SIGHUP it goes over to a new process (of a new version, say) without a moment at which nobody
 * listens. */
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "about.h"
#include "accesslog.h"
#include "gateway.h"
#include "gwoptions.h"
#include "listen.h"
#include "log.h"
#include "str.h"
#include "succeed.h"

/* Of a client that is the next to send, when a successor serves. */
enum { LAST_IDLE_S = 2 };

static struct http_service service = {
	.handle = gateway_handle,
	.streams_body = gateway_streams_body,
	.is_quick = gateway_is_quick,
	.is_shared = gateway_is_shared,
	.ended = gateway_ended,
};

/* A connection needs a descriptor, a request at work a second one. */
static void allow_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return;
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		log_warn("the limit of open files stays as it is");
}

/* With the user's groups, of which one must be that of the engine's socket. */
static int become(const char *user, struct err *err)
{
	const struct passwd *p = getpwnam(user);
	int r;

	if (!p)
		return err_set(err, ERR_INVALID, "--user %s: there is no such user", user);
	if (getuid() == p->pw_uid)
		return 0; /* as a successor */
	r = accesslog_give(p->pw_uid, p->pw_gid, err);
	if (r < 0)
		return r;
	if (initgroups(user, p->pw_gid) < 0 || setgid(p->pw_gid) < 0 || setuid(p->pw_uid) < 0)
		return err_sys(err, errno, "become %s", user);
	return 0;
}

static struct {
	int fds[OPTIONS_MAX_LISTENERS];
	size_t n_open;
	bool handed_down;    /* the sockets are others' too */
	char path[PATH_MAX]; /* of this program */
	char **argv;
} self;

static enum listen_reach reach_of(const struct options *o)
{
	return o->tls_verify ? LISTEN_ALL : o->plain_tcp ? LISTEN_LOOPBACK : LISTEN_UNIX;
}

static int open_listeners(const struct options *o, int fds[], struct err *err)
{
	int r = succeed_inherited(fds, o->n_listen, err);

	self.handed_down = r > 0;
	if (r)
		return r < 0 ? r : 0;
	for (size_t i = 0; i < o->n_listen; i++) {
		fds[i] = listen_at(o->listen[i], reach_of(o), err);
		if (fds[i] < 0)
			return fds[i];
		self.n_open++;
	}
	return 0;
}

/* Nobody will answer there. */
static void remove_sockets(const struct options *o)
{
	for (size_t i = 0; i < self.n_open && !self.handed_down; i++)
		if (listen_path(o->listen[i]))
			unlink(listen_path(o->listen[i]));
}

/* The files are read as the user who has to read them again, as a successor. */
static int serve_at(int fd, const struct options *o, struct err *err)
{
	bool tcp = false;
	int r = listen_check(fd, reach_of(o), &tcp, err);

	return r < 0 ? r : http_start(fd, &service, tcp && o->tls ? &o->tls_files : NULL, err);
}

static int start(struct options *o, struct err *err)
{
	int r = open_listeners(o, self.fds, err);

	if (r == 0 && o->access_log)
		r = accesslog_open(o->access_log, err);
	if (r == 0 && o->user)
		r = become(o->user, err);
	for (size_t i = 0; r == 0 && i < o->n_listen; i++)
		r = serve_at(self.fds[i], o, err);
	if (r == 0)
		succeed_ready();
	return r;
}

/* A successor serves what comes from now on, this one what it has begun. */
static bool hand_over(const struct options *o)
{
	struct err err = ERR_NULL;

	if (succeed_start(self.path, self.argv, self.fds, o->n_listen, &err) < 0) {
		log_error("serving on: %s", err.message);
		return false;
	}
	self.handed_down = true;
	http_stop_listening();
	return true;
}

/* SIGHUP makes a successor; then the last connection's end is the end. */
static void wait_for_end(const struct options *o, const sigset_t *signals)
{
	static const struct timespec step = { .tv_sec = 1 };
	bool last = false;
	int number;

	do {
		number = sigtimedwait(signals, NULL, &step);
		http_sweep(last ? LAST_IDLE_S : o->limits.idle_s + o->limits.request_s);
		if (number == SIGHUP && !last)
			last = hand_over(o);
	} while ((number < 0 || number == SIGHUP) && !(last && http_connections() == 0));
}

static int serve(struct options *o, struct err *err)
{
	cleanup_free char *url = str_printf("ipc://%s/cleat.sock", o->run_dir);
	cleanup_free char *local = str_printf("unix:%s/docker.sock", o->run_dir);
	sigset_t ends;
	int r;

	if (!url || !local)
		return err_sys(err, ENOMEM, "start");
	if (o->n_listen == 0)
		o->listen[o->n_listen++] = local;
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGHUP);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	signal(SIGPIPE, SIG_IGN);
	allow_files();
	service.limits = o->limits;
	service.arg = url;
	r = start(o, err);
	if (r < 0) {
		remove_sockets(o);
		return r;
	}
	wait_for_end(o, &ends);
	remove_sockets(o);
	_exit(0); /* calls in flight end with their connections */
}

static const char usage[] =
	"usage: cleat-gateway [--run DIR] [--listen unix:PATH|tcp://ADDRESS:PORT]... [--user "
	"NAME]\n"
	"  [--access-log FILE] [--unauthenticated-loopback-tcp]\n"
	"  [--tlsverify --tlscacert FILE --tlscert FILE --tlskey FILE]\n"
	"  [--tls --tlscert FILE --tlskey FILE] [--max-body BYTES] [--max-head BYTES]\n"
	"  [--max-connections N] [--max-requests N] [--idle-timeout SECONDS] "
	"[--request-timeout SECONDS]\n";

int main(int argc, char **argv)
{
	if (about(argc, argv, "cleat-gateway", usage))
		return 0;

	struct options options;
	struct err err = ERR_NULL;

	log_setup("cleat-gateway", LOG_INFO);
	self.argv = argv;
	if (readlink("/proc/self/exe", self.path, sizeof(self.path) - 1) < 0)
		return 1;
	if (options_parse(&options, argc, argv, &err) < 0) {
		(void)fprintf(stderr, "cleat-gateway: %s\n%s", err.message, usage);
		return 2;
	}
	serve(&options, &err);
	log_error("%s", err.message);
	return 1;
}
