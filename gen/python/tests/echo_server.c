/* SPDX-License-Identifier: Apache-2.0 */
/* cleat.test.v1.Echo on the C runtime, for the tests of clients in other languages:
 * `echo_server ipc:///path` says "ready" on stdout and serves until SIGTERM. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "echo.h"

static const struct cleat_test_v1_another_ops nothing = { 0 };

static int serve(struct rpc_server *server, const char *url, const sigset_t *set, struct err *err)
{
	int signal;

	if (cleat_test_v1_echo_register(server, &echo_ops) < 0 ||
	    cleat_test_v1_another_register(server, &nothing) < 0)
		return err_set(err, ERR_EXHAUSTED, "out of memory");
	if (rpc_server_listen(server, url, err) < 0)
		return -1;
	printf("ready\n");
	fflush(stdout);
	sigwait(set, &signal);
	return 0;
}

int main(int argc, char **argv)
{
	struct rpc_server *server = NULL;
	struct err err = ERR_NULL;
	sigset_t set;
	int r;

	/* blocked before the runtime starts threads, which inherit it */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	r = argc == 2 ? rpc_server_new(&server, NULL, &err) : -EINVAL;

	if (r == 0)
		r = serve(server, argv[1], &set, &err);
	if (r < 0)
		fprintf(stderr, "echo_server: %s\n", err.message);
	rpc_server_free(server);
	return r < 0;
}
