/* SPDX-License-Identifier: Apache-2.0 */
/* The connection: a nonblocking socket, one buffer each way, the caller's thread. The client's HELLO
 * is left in the output buffer, so that it travels in one write with the first OPEN. A lost
 * connection fails its calls once; the next call dials again. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "client_impl.h"
#include "fd.h"
#include "str.h"

#define MS 1000000LL

static int poll_until(int fd, short events, int64_t until_ns)
{
	struct pollfd p = { .fd = fd, .events = events };
	int64_t left = until_ns == INT64_MAX ? -1 : (until_ns - fd_monotonic_ns() + MS - 1) / MS;
	int r = poll(&p, 1, until_ns == INT64_MAX ? -1 : left < 0 ? 0 : (int)left);

	return r < 0 && errno != EINTR ? -errno : r > 0 ? 1 : 0;
}

static void disconnect(struct rpc_client *c)
{
	client_hang_up(c);
	c->greeted = c->going_away = false;
	c->out_off = 0;
	buf_deinit(&c->in);
	buf_deinit(&c->out);
}

/* Ends the connection and all calls; returns r. */
static int lose(struct rpc_client *c, int r, const struct err *why, struct err *err)
{
	struct rpc_client_call *call, *tmp;

	c->lost = *why;
	if (err)
		*err = *why;
	list_each_safe (call, tmp, &c->calls, link)
		client_call_fail(call, why, c->going_away && call->id > c->last_accepted);
	disconnect(c);
	return r;
}

static int lose_sys(struct rpc_client *c, int r, const char *what, struct err *err)
{
	struct err why = ERR_NULL;
	char words[256];

	if (r == -ECONNRESET && !c->greeted && client_helper_words(c, words, sizeof(words)))
		what = words;
	(void)err_set(&why, r == -EPROTO ? ERR_INTERNAL : ERR_UNAVAILABLE, "%s: %s", c->url, what);
	return lose(c, r, &why, err);
}

void client_send(struct rpc_client *client, const Cleat__Rpc__V1__Frame *frame)
{
	if (client->fd >= 0)
		frame_append(&client->format, &client->out, frame, NULL, 0);
}

int client_flush(struct rpc_client *c, struct err *err)
{
	while (c->fd >= 0 && c->out_off < c->out.len) {
		ssize_t n = send(c->fd, c->out.data + c->out_off, c->out.len - c->out_off,
				 MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0) /* what the server said before it closed is still to be read */
			return errno == EPIPE || errno == ECONNRESET
				       ? 0
				       : lose_sys(c, -errno, "connection lost", err);
		c->out_off += (size_t)n;
	}
	c->out.len = 0;
	c->out_off = 0;
	if (c->out.cap > RPC_CHUNK * 4)
		buf_deinit(&c->out);
	return c->out.error ? lose_sys(c, -ENOMEM, "out of memory", err) : 0;
}

static int take_hello(struct rpc_client *c, const Cleat__Rpc__V1__Frame *f)
{
	Cleat__Rpc__V1__Hello hello = CLEAT__RPC__V1__HELLO__INIT;
	Cleat__Rpc__V1__Frame answer = CLEAT__RPC__V1__FRAME__INIT;

	if (f->kind != CLEAT__RPC__V1__KIND__HELLO || !f->hello || f->hello->version_min > 1 ||
	    f->hello->version_max < 1)
		return -EPROTO;
	if (f->hello->instance.len == sizeof(c->instance))
		memcpy(c->instance, f->hello->instance.data, sizeof(c->instance));
	c->window = f->hello->window ? f->hello->window : RPC_WINDOW;
	hello.version_min = hello.version_max = 1;
	hello.agent = c->agent;
	hello.nonce = f->hello->nonce;
	hello.max_frame = RPC_MAX_FRAME;
	hello.window = RPC_WINDOW;
	answer.kind = CLEAT__RPC__V1__KIND__HELLO;
	answer.hello = &hello;
	client_send(c, &answer);
	c->greeted = true;
	c->next_id = 1;
	return 0;
}

static int take_frame(struct rpc_client *c, Cleat__Rpc__V1__Frame *f)
{
	Cleat__Rpc__V1__Frame pong = CLEAT__RPC__V1__FRAME__INIT;
	struct rpc_client_call *call, *tmp;

	if (!c->greeted)
		return take_hello(c, f);
	if (f->kind == CLEAT__RPC__V1__KIND__PING) {
		pong.kind = CLEAT__RPC__V1__KIND__PONG;
		pong.token = f->token;
		client_send(c, &pong);
	} else if (f->kind == CLEAT__RPC__V1__KIND__GOAWAY) {
		struct err why = ERR_NULL;

		(void)err_set(&why, ERR_UNAVAILABLE, "%s: the server is going away", c->url);
		c->going_away = true;
		c->last_accepted = f->token;
		list_each_safe (call, tmp, &c->calls, link)
			if (call->id > f->token)
				client_call_fail(call, &why, true);
	}
	list_each_safe (call, tmp, &c->calls, link)
		if (f->call && call->id == f->call) {
			client_call_frame(call, f);
			break;
		}
	return 0;
}

static int take_frames(struct rpc_client *c)
{
	uint8_t header[FRAME_HEADER_MAX];
	size_t off = 0, len, header_len;
	const uint8_t *body;
	int64_t n = 0;
	int r = 0;

	if (!c->format.protocol) {
		if (c->in.len < FRAME_HELLO_BYTES)
			return 0;
		if (frame_parse_hello((uint8_t *)c->in.data) != SP_PAIR0)
			return -EPROTO;
		c->format.protocol = SP_PAIR0;
		buf_consume(&c->in, FRAME_HELLO_BYTES);
	}
	while (r == 0 && c->fd >= 0) {
		Cleat__Rpc__V1__Frame *f;

		n = frame_parse(&c->format, (uint8_t *)c->in.data + off, c->in.len - off,
				RPC_MAX_FRAME, &body, &len, header, &header_len);
		if (n <= 0)
			break;
		off += (size_t)n;
		f = cleat__rpc__v1__frame__unpack(NULL, len, body);
		r = f ? take_frame(c, f) : -EPROTO;
		if (f)
			cleat__rpc__v1__frame__free_unpacked(f, NULL);
	}
	if (off && c->in.data)
		buf_consume(&c->in, off);
	return n < 0 ? (int)n : r;
}

/* Reads all there is. Deadlines that have passed end their calls. */
int rpc_client_process(struct rpc_client *c, struct err *err)
{
	struct rpc_client_call *call, *tmp;
	struct err late = ERR_NULL;
	int64_t now;
	int r = client_flush(c, err);

	while (r == 0 && c->fd >= 0) {
		ssize_t n;

		if (buf_reserve(&c->in, c->in.len > RPC_CHUNK ? c->in.len : RPC_CHUNK / 2) < 0)
			return lose_sys(c, -ENOMEM, "out of memory", err);
		n = recv(c->fd, c->in.data + c->in.len, c->in.cap - c->in.len - 1, 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n <= 0)
			return lose_sys(c, -ECONNRESET, "connection closed by the server", err);
		c->in.len += (size_t)n;
		r = take_frames(c);
		if (r < 0)
			return lose_sys(c, r, "malformed data from the server", err);
	}
	if (c->in.len == 0)
		buf_deinit(&c->in); /* connections that are idle share what one of them needs */
	now = fd_monotonic_ns();
	list_each_safe (call, tmp, &c->calls, link)
		if (call->deadline_ns && now >= call->deadline_ns) {
			rpc_client_call_cancel(call);
			(void)err_set(&late, ERR_DEADLINE, "%s: deadline exceeded",
				      call->method->path);
			client_call_fail(call, &late, false);
		}
	return r < 0 ? r : client_flush(c, err);
}

static int64_t next_deadline(const struct rpc_client *c)
{
	const struct rpc_client_call *call;
	int64_t at = INT64_MAX;

	list_each (call, &c->calls, link)
		if (call->deadline_ns && call->deadline_ns < at)
			at = call->deadline_ns;
	return at;
}

int client_wait(struct rpc_client *c, int64_t until_ns, struct err *err)
{
	int64_t deadline = next_deadline(c);
	int r = client_flush(c, err);

	if (r < 0 || c->fd < 0)
		return r < 0 ? r : -ECONNRESET;
	r = poll_until(c->fd, rpc_client_events(c), deadline < until_ns ? deadline : until_ns);
	return r < 0 ? r : rpc_client_process(c, err);
}

static int greet(struct rpc_client *c, int64_t until, struct err *err)
{
	uint8_t hello[FRAME_HELLO_BYTES];
	int r;

	disconnect(c);
	r = client_dial(c, err);
	if (r < 0)
		return r;
	c->format.protocol = 0;
	frame_hello(hello, SP_PAIR0);
	buf_append(&c->out, hello, sizeof(hello));
	while (!c->greeted) {
		r = client_wait(c, until, err);
		if (r == 0 && !c->greeted && fd_monotonic_ns() >= until) {
			disconnect(c);
			r = err_set(err, ERR_UNAVAILABLE, "%s: no answer from the server", c->url);
		}
		if (r < 0) {
			if (err)
				err->not_started = true;
			return r;
		}
	}
	return 0;
}

int client_ensure(struct rpc_client *c, struct err *err)
{
	int64_t until = fd_monotonic_ns() + c->connect_ms * MS;
	bool moved = c->going_away;
	int r;

	if (c->fd >= 0 && !c->going_away)
		return 0;
	if (c->fd >= 0 && !list_empty(&c->calls))
		return err_set(err, ERR_UNAVAILABLE, "%s: the server is going away", c->url);
	/* A server that leaves says so with its hello: its successor is at the same address, for a path at
	 * once, for a port when that is free. */
	for (;;) {
		r = greet(c, until, err);
		if ((r == 0 ? !c->going_away : !moved) || fd_monotonic_ns() >= until)
			return r;
		moved = true;
		(void)usleep(5000);
	}
}

static char *host_of(const char *url)
{
	const char *address = strstr(url, "://");
	char *host = NULL, *port = NULL;

	if (!address || str_split_host_port(address + 3, &host, &port) < 0)
		return strdup("");
	free(port);
	return host;
}

static bool copy_tls(struct rpc_client *c, const struct rpc_client_config *config)
{
	if (!config->tls_ca_file || !config->tls_cert_file || !config->tls_key_file)
		return true;
	c->tls.ca_file = strdup(config->tls_ca_file);
	c->tls.cert_file = strdup(config->tls_cert_file);
	c->tls.key_file = strdup(config->tls_key_file);
	c->tls.server_name =
		config->tls_server_name ? strdup(config->tls_server_name) : host_of(c->url);
	return c->tls.ca_file && c->tls.cert_file && c->tls.key_file && c->tls.server_name;
}

int rpc_client_open(struct rpc_client **out, const char *url,
		    const struct rpc_client_config *config, struct err *err)
{
	cleanup(rpc_client_closep) struct rpc_client *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return err_sys(err, ENOMEM, "connect to %s", url);
	c->fd = -1;
	list_init(&c->calls);
	c->connect_ms = config && config->connect_ms ? config->connect_ms : 5000;
	c->retry_ms = config && config->retry_ms ? config->retry_ms : 5000;
	c->url = strdup(url);
	c->agent = strdup(config && config->agent ? config->agent : "cleat/" CLEAT_VERSION);
	if (!c->url || !c->agent || (config && !copy_tls(c, config)))
		return err_sys(err, ENOMEM, "connect to %s", url);
	r = client_ensure(c, err);
	if (r < 0)
		return r;
	*out = steal(&c);
	return 0;
}

struct rpc_client *rpc_client_close(struct rpc_client *client)
{
	if (!client)
		return NULL;
	(void)client_flush(client, NULL);
	disconnect(client);
	free(client->url);
	free(client->agent);
	free(client->tls.ca_file);
	free(client->tls.cert_file);
	free(client->tls.key_file);
	free(client->tls.server_name);
	free(client);
	return NULL;
}

void rpc_client_closep(struct rpc_client **client)
{
	rpc_client_close(*client);
}

const uint8_t *rpc_client_instance(const struct rpc_client *client)
{
	return client->instance;
}

int rpc_client_fd(const struct rpc_client *client)
{
	return client->fd;
}

short rpc_client_events(const struct rpc_client *client)
{
	return client->out_off < client->out.len ? POLLIN | POLLOUT : POLLIN;
}

int rpc_client_timeout_ms(const struct rpc_client *client)
{
	int64_t at = next_deadline(client), left;

	if (at == INT64_MAX)
		return -1;
	left = (at - fd_monotonic_ns() + MS - 1) / MS;
	return left < 0 ? 0 : (int)left;
}
