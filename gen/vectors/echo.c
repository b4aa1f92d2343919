/* SPDX-License-Identifier: Apache-2.0 */
/* Each handler does what small.proto says about its method, and nothing more. */
#include "echo.h"

#include <string.h>

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

const struct cleat_test_v1_echo_ops echo_ops = {
	.once = once,
	.fail = fail,
	.count_up = count_up,
	.sum = sum,
	.import = import,
};
