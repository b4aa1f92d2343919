/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of a client. A call keeps at most one message that waits for window; what is sent without
 * waiting goes into the connection's buffer, which the next flush writes. Received messages stay in
 * the call until taken, and credit follows the taking, so a call nobody reads stalls alone. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client_impl.h"
#include "fd.h"

#define MS 1000000LL

static void notify(struct rpc_client_call *call)
{
	if (call->ready)
		call->ready(call, call->arg);
}

void client_call_fail(struct rpc_client_call *call, const struct err *why, bool not_started)
{
	if (call->done)
		return;
	call->done = true;
	call->status = *why;
	call->status.not_started = not_started;
	list_remove(&call->link);
	notify(call);
}

static void take_status(struct rpc_client_call *call, const Cleat__Rpc__V1__Status *s)
{
	call->done = true;
	call->status = ERR_NULL;
	if (s && s->code) {
		enum err_code code = s->code < ERR_N_CODES ? (enum err_code)s->code : ERR_UNKNOWN;

		(void)err_reason(&call->status, code, s->reason, "%s", s->message);
		call->status.not_started = s->not_started;
	}
	list_remove(&call->link);
}

static void give_credit(struct rpc_client_call *call)
{
	Cleat__Rpc__V1__Frame f = CLEAT__RPC__V1__FRAME__INIT;

	f.credit = call->done ? 0 : call_credit(&call->state);
	if (!f.credit)
		return;
	f.call = call->id;
	f.kind = CLEAT__RPC__V1__KIND__CREDIT;
	client_send(call->client, &f);
}

void client_call_frame(struct rpc_client_call *call, Cleat__Rpc__V1__Frame *f)
{
	bool status = f->kind == CLEAT__RPC__V1__KIND__STATUS;
	struct err bad = ERR_NULL;
	int r = 0;

	if (f->kind == CLEAT__RPC__V1__KIND__CREDIT) {
		call->state.send_window += f->credit;
		client_call_push(call);
		if (!call->tx)
			notify(call);
		return;
	}
	if (!status && f->kind != CLEAT__RPC__V1__KIND__DATA)
		return;
	if (f->has_data || f->data.len) {
		r = call_receive(&call->state, &f->data.data, f->data.len, f->more, !status);
		if (!f->data.data)
			f->data.len = 0;
	}
	if (r < 0) {
		rpc_client_call_cancel(call);
		(void)err_set(&bad, r == -EMSGSIZE ? ERR_EXHAUSTED : ERR_INTERNAL,
			      "%s: the server broke the rules of the wire", call->method->path);
		return client_call_fail(call, &bad, false);
	}
	if (call->state.partial_open)
		give_credit(call);
	if (status)
		take_status(call, f->status);
	notify(call);
}

static void send_end(struct rpc_client_call *call)
{
	Cleat__Rpc__V1__Frame f = CLEAT__RPC__V1__FRAME__INIT;

	if (call_step(&call->state, CALL_SEND_END) < 0)
		return;
	f.call = call->id;
	f.kind = CLEAT__RPC__V1__KIND__DATA;
	f.end = true;
	client_send(call->client, &f);
}

void client_call_push(struct rpc_client_call *call)
{
	bool whole = false;

	while (call->tx && !whole) {
		Cleat__Rpc__V1__Frame f = CLEAT__RPC__V1__FRAME__INIT;
		size_t left = call->tx_len - call->tx_off;
		size_t n = call_chunk(&call->state, left, &whole);

		if (n == 0 && !whole)
			return;
		f.call = call->id;
		f.kind = CLEAT__RPC__V1__KIND__DATA;
		f.has_data = true;
		f.more = !whole;
		f.data = (ProtobufCBinaryData){ n, call->tx + call->tx_off };
		client_send(call->client, &f);
		call->state.send_window -= (int64_t)n;
		call->tx_off += n;
	}
	free(call->tx);
	call->tx = NULL;
	if (call->end_wanted)
		send_end(call);
}

static uint8_t *pack(const ProtobufCMessage *msg, size_t *n)
{
	uint8_t *data;

	*n = protobuf_c_message_get_packed_size(msg);
	data = *n <= RPC_MAX_MESSAGE ? malloc(*n ? *n : 1) : NULL;
	if (data)
		protobuf_c_message_pack(msg, data);
	return data;
}

static void send_open(struct rpc_client_call *call, const struct rpc_options *o,
		      const Cleat__Rpc__V1__Meta *meta, bool end)
{
	Cleat__Rpc__V1__Open open = CLEAT__RPC__V1__OPEN__INIT;
	Cleat__Rpc__V1__Frame f = CLEAT__RPC__V1__FRAME__INIT;
	Cleat__Rpc__V1__Meta *refs[64];
	bool whole = true;
	size_t n = 0;

	for (size_t i = 0; o && i < o->n_meta && i < ARRAY_LEN(refs); i++) {
		refs[i] = (Cleat__Rpc__V1__Meta *)(uintptr_t)&meta[i];
		open.n_meta = i + 1;
	}
	open.meta = refs;
	open.method = (char *)(uintptr_t)call->method->path;
	open.timeout_ms = o ? o->timeout_ms : 0;
	if (o && o->request_key)
		open.request_key = (char *)(uintptr_t)o->request_key;
	if (o && o->trace)
		open.trace = (char *)(uintptr_t)o->trace;
	open.window = o ? o->window : 0;
	f.call = call->id;
	f.kind = CLEAT__RPC__V1__KIND__OPEN;
	f.open = &open;
	if (call->tx) {
		n = call_chunk(&call->state, call->tx_len, &whole);
		f.has_data = true;
		f.more = !whole;
		f.data = (ProtobufCBinaryData){ n, call->tx };
		call->state.send_window -= (int64_t)n;
		call->tx_off = n;
	}
	call->end_wanted = end;
	f.end = end && whole;
	client_send(call->client, &f);
	if (whole) {
		free(call->tx);
		call->tx = NULL;
		if (end)
			(void)!call_step(&call->state, CALL_SEND_END);
	} else {
		client_call_push(call);
	}
}

/* Dials if needed, again and again for retry_ms where that is safe. */
static int ensure(struct rpc_client *c, int64_t until_ns, struct err *err)
{
	for (;;) {
		int r = client_ensure(c, err);

		if (r == 0 || (err && err->code != ERR_UNAVAILABLE) ||
		    fd_monotonic_ns() > until_ns || !list_empty(&c->calls))
			return r;
		(void)usleep(5000);
	}
}

int rpc_client_call_open(struct rpc_client *client, const struct rpc_options *options,
			 const struct rpc_method *method, const ProtobufCMessage *first,
			 struct rpc_client_call **out, struct err *err)
{
	cleanup(rpc_client_call_closep) struct rpc_client_call *call = calloc(1, sizeof(*call));
	Cleat__Rpc__V1__Meta meta[64];
	struct err why = ERR_NULL;
	int r = ensure(client, fd_monotonic_ns() + client->retry_ms * MS, &why);

	if (!call)
		return err_sys(err, ENOMEM, "call %s", method->path);
	list_init(&call->link);
	call->client = client;
	call->method = method;
	call->done = true;
	call_init(&call->state, client->window,
		  options && options->window ? options->window : RPC_WINDOW);
	if (r < 0) {
		if (err)
			*err = why;
		return r;
	}
	if (first) {
		call->tx = pack(first, &call->tx_len);
		if (!call->tx)
			return err_set(err, ERR_EXHAUSTED, "%s: request too large", method->path);
	}
	for (size_t i = 0; options && i < options->n_meta && i < ARRAY_LEN(meta); i++) {
		cleat__rpc__v1__meta__init(&meta[i]);
		meta[i].key = (char *)(uintptr_t)options->meta[i].key;
		meta[i].value.data = (uint8_t *)(uintptr_t)options->meta[i].value;
		meta[i].value.len = options->meta[i].size_bytes;
	}
	call->id = client->next_id++;
	call->done = false;
	list_append(&client->calls, &call->link);
	if (options && options->timeout_ms)
		call->deadline_ns = fd_monotonic_ns() + options->timeout_ms * MS;
	if (options) {
		call->ready = options->ready;
		call->arg = options->arg;
	}
	send_open(call, options, meta,
		  first && (method->shape == RPC_UNARY || method->shape == RPC_SERVER_STREAM));
	r = client_flush(client, err);
	if (r < 0)
		return r;
	*out = steal(&call);
	return 0;
}

static int ended(const struct rpc_client_call *call, struct err *err)
{
	if (call->status.code == ERR_OK)
		return 0;
	if (err)
		*err = call->status;
	return err_to_errno(call->status.code);
}

int rpc_client_call_try_send(struct rpc_client_call *call, const ProtobufCMessage *msg,
			     struct err *err)
{
	int r;

	if (call->done) {
		r = ended(call, err);
		return r ? r : -EPIPE;
	}
	if (call->end_wanted || call->state.phase == CALL_HALF_LOCAL)
		return -EPIPE;
	if (call->tx)
		return -EAGAIN;
	call->tx = pack(msg, &call->tx_len);
	call->tx_off = 0;
	if (!call->tx)
		return err_set(err, ERR_EXHAUSTED, "%s: message too large", call->method->path);
	client_call_push(call);
	(void)client_flush(call->client, NULL);
	return 0;
}

bool rpc_client_call_may_send(const struct rpc_client_call *call)
{
	/* The socket too: the buffer must not grow with what the server does not read. */
	return call->done || (!call->tx && call->client->out.len <= RPC_MAX_OUTPUT);
}

int rpc_client_call_send(struct rpc_client_call *call, const ProtobufCMessage *msg, struct err *err)
{
	while (!rpc_client_call_may_send(call))
		(void)client_wait(call->client, INT64_MAX, NULL);
	return rpc_client_call_try_send(call, msg, err);
}

int rpc_client_call_end(struct rpc_client_call *call, struct err *err)
{
	if (call->done || call->end_wanted)
		return 0;
	call->end_wanted = true;
	if (!call->tx)
		send_end(call);
	return client_flush(call->client, err);
}

int rpc_client_call_try_recv(struct rpc_client_call *call, ProtobufCMessage **msg, struct err *err)
{
	struct call_message *m = call_take(&call->state);

	if (!m)
		return call->done ? ended(call, err) : -EAGAIN;
	*msg = protobuf_c_message_unpack(call->method->output, NULL, m->size, m->data);
	call_message_free(m);
	give_credit(call);
	(void)client_flush(call->client, NULL);
	if (!*msg)
		return err_set(err, ERR_INTERNAL, "%s: malformed reply", call->method->path);
	return 1;
}

int rpc_client_call_recv(struct rpc_client_call *call, ProtobufCMessage **msg, struct err *err)
{
	for (;;) {
		int r = rpc_client_call_try_recv(call, msg, err);

		if (r != -EAGAIN || call->done)
			return r;
		(void)client_wait(call->client, INT64_MAX, NULL);
	}
}

void rpc_client_call_cancel(struct rpc_client_call *call)
{
	Cleat__Rpc__V1__Frame f = CLEAT__RPC__V1__FRAME__INIT;

	if (call->done || call->cancelled)
		return;
	call->cancelled = true;
	f.call = call->id;
	f.kind = CLEAT__RPC__V1__KIND__CANCEL;
	client_send(call->client, &f);
	(void)client_flush(call->client, NULL);
}

struct rpc_client_call *rpc_client_call_close(struct rpc_client_call *call)
{
	if (!call)
		return NULL;
	call->ready = NULL;
	rpc_client_call_cancel(call);
	list_remove(&call->link);
	call_deinit(&call->state);
	free(call->tx);
	free(call);
	return NULL;
}

void rpc_client_call_closep(struct rpc_client_call **call)
{
	rpc_client_call_close(*call);
}

struct rpc_client *rpc_client_call_client(const struct rpc_client_call *call)
{
	return call->client;
}

const struct rpc_method *rpc_client_call_method(const struct rpc_client_call *call)
{
	return call->method;
}

static int unary_once(struct rpc_client *client, const struct rpc_options *options,
		      const struct rpc_method *method, const ProtobufCMessage *req,
		      ProtobufCMessage **reply, struct err *err)
{
	cleanup(rpc_client_call_closep) struct rpc_client_call *call = NULL;
	ProtobufCMessage *msg = NULL, *more = NULL;
	int r = rpc_client_call_open(client, options, method, req, &call, err);

	if (r < 0)
		return r;
	r = rpc_client_call_recv(call, &msg, err);
	if (r == 0)
		return err_set(err, ERR_INTERNAL, "%s: no reply", method->path);
	if (r < 0)
		return r;
	r = rpc_client_call_recv(call, &more, err);
	if (more)
		protobuf_c_message_free_unpacked(more, NULL);
	if (r != 0) {
		protobuf_c_message_free_unpacked(msg, NULL);
		return r < 0 ? r : err_set(err, ERR_INTERNAL, "%s: two replies", method->path);
	}
	*reply = msg;
	return 0;
}

int rpc_client_unary(struct rpc_client *client, const struct rpc_options *options,
		     const struct rpc_method *method, const ProtobufCMessage *req,
		     ProtobufCMessage **reply, struct err *err)
{
	int64_t until = fd_monotonic_ns() + client->retry_ms * MS;

	for (;;) {
		struct err why = ERR_NULL;
		int r = unary_once(client, options, method, req, reply, &why);
		bool again = r < 0 && why.not_started && why.code == ERR_UNAVAILABLE;

		if (again && list_empty(&client->calls) && fd_monotonic_ns() < until) {
			(void)usleep(5000);
			continue;
		}
		if (r < 0 && err)
			*err = why;
		return r;
	}
}
