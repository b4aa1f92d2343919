/* SPDX-License-Identifier: Apache-2.0 */
/* cleat.test.v1.Echo on the C runtime, for the tests of clients in other languages:
 * `echo_server ipc:///path` says "ready" on stdout and serves until SIGTERM. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "small.rpc.h"

static int once(struct rpc_call *call, const Cleat__Test__V1__Text *req,
		Cleat__Test__V1__Text *reply, struct err *err)
{
	(void)call;
	reply->text = strdup(req->text);
	return reply->text ? 0 : err_set(err, ERR_EXHAUSTED, "out of memory");
}

static int fail(struct rpc_call *call, const Cleat__Test__V1__Number *req,
		Cleat__Test__V1__None *reply, struct err *err)
{
	(void)call;
	(void)reply;
	return err_reason(err, (enum err_code)req->value, "ASKED", "as asked");
}

static int count_up(struct rpc_call *call, const Cleat__Test__V1__Number *req,
		    struct cleat_test_v1_echo_count_up_stream *out, struct err *err)
{
	int r = 0;

	(void)call;
	for (uint32_t i = 1; i <= req->value && r == 0; i++) {
		Cleat__Test__V1__Number number = CLEAT__TEST__V1__NUMBER__INIT;

		number.value = i;
		r = cleat_test_v1_echo_count_up_send(out, &number, err);
	}
	return r;
}

static int sum(struct rpc_call *call, struct cleat_test_v1_echo_sum_stream *in,
	       Cleat__Test__V1__Number *reply, struct err *err)
{
	Cleat__Test__V1__Number *number;
	int r;

	(void)call;
	while ((r = cleat_test_v1_echo_sum_recv(in, &number, err)) > 0) {
		reply->value += number->value;
		cleat__test__v1__number__free_unpacked(number, NULL);
	}
	return r;
}

static int import(struct rpc_call *call, struct cleat_test_v1_echo_import_stream *io,
		  struct err *err)
{
	Cleat__Test__V1__Text *text;
	int r;

	(void)call;
	while ((r = cleat_test_v1_echo_import_recv(io, &text, err)) > 0) {
		r = cleat_test_v1_echo_import_send(io, text, err);
		cleat__test__v1__text__free_unpacked(text, NULL);
		if (r < 0)
			return r;
	}
	return r;
}

static const struct cleat_test_v1_echo_ops ops = {
	.once = once,
	.fail = fail,
	.count_up = count_up,
	.sum = sum,
	.import = import,
};

static const struct cleat_test_v1_another_ops nothing = { 0 };

static int serve(struct rpc_server *server, const char *url, struct err *err)
{
	sigset_t set;
	int signal;

	/* blocked before the runtime starts threads, which inherit it */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (cleat_test_v1_echo_register(server, &ops) < 0 ||
	    cleat_test_v1_another_register(server, &nothing) < 0)
		return err_set(err, ERR_EXHAUSTED, "out of memory");
	if (rpc_server_listen(server, url, err) < 0)
		return -1;
	printf("ready\n");
	fflush(stdout);
	sigwait(&set, &signal);
	return 0;
}

int main(int argc, char **argv)
{
	struct rpc_server *server = NULL;
	struct err err = ERR_NULL;
	int r = argc == 2 ? rpc_server_new(&server, NULL, &err) : -EINVAL;

	if (r == 0)
		r = serve(server, argv[1], &err);
	if (r < 0)
		fprintf(stderr, "echo_server: %s\n", err.message);
	rpc_server_free(server);
	return r < 0;
}
