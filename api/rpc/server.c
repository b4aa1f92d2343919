/* SPDX-License-Identifier: Apache-2.0 */
/* Life cycle, and the sweeper: the one thread that looks after time. It sleeps until the earliest
 * time anybody asked it to look (for ever, on a server at rest), walks the connections, ends what is
 * overdue, and frees connections nobody refers to. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "fd.h"
#include "server_impl.h"
#include "thread.h"

int64_t server_now(void)
{
	return fd_monotonic_ns();
}

void server_watch(struct rpc_server *server, int64_t ns)
{
	pthread_mutex_lock(&server->watch);
	if (ns < server->due_ns) {
		server->due_ns = ns;
		pthread_cond_broadcast(&server->watch_cond);
	}
	pthread_mutex_unlock(&server->watch);
}

static void bury(struct rpc_server *s)
{
	struct conn *conn;

	for (;;) {
		pthread_mutex_lock(&s->watch);
		conn = list_first(&s->dead, struct conn, link);
		if (conn)
			list_remove(&conn->link);
		pthread_mutex_unlock(&s->watch);
		if (!conn)
			return;
		conn_free(conn);
	}
}

static void sweep(struct rpc_server *s)
{
	int64_t now = server_now(), due = INT64_MAX;
	struct conn *conn, *tmp;

	pthread_mutex_lock(&s->lock);
	list_each_safe (conn, tmp, &s->conns, link) {
		pthread_mutex_lock(&conn->lock);
		conn_sweep(conn, now, &due);
		if (!conn->closed) {
			pthread_mutex_unlock(&conn->lock);
			continue;
		}
		list_remove(&conn->link);
		s->n_conns--;
		conn_unref(conn);
	}
	pthread_mutex_unlock(&s->lock);
	server_watch(s, due);
}

static void *sweeper(void *arg)
{
	struct rpc_server *s = arg;

	pthread_mutex_lock(&s->watch);
	while (!s->stop) {
		struct timespec until = { .tv_sec = (time_t)(s->due_ns / 1000000000),
					  .tv_nsec = (long)(s->due_ns % 1000000000) };
		bool look;

		if (list_empty(&s->dead) && s->due_ns == INT64_MAX)
			pthread_cond_wait(&s->watch_cond, &s->watch);
		else if (list_empty(&s->dead) && s->due_ns > server_now())
			pthread_cond_timedwait(&s->watch_cond, &s->watch, &until);
		look = s->due_ns <= server_now();
		if (look)
			s->due_ns = INT64_MAX;
		pthread_mutex_unlock(&s->watch);
		if (look)
			sweep(s);
		bury(s);
		pthread_mutex_lock(&s->watch);
	}
	pthread_mutex_unlock(&s->watch);
	return NULL;
}

static void defaults(struct rpc_server_config *c)
{
	c->unary_threads = c->unary_threads ? c->unary_threads : 32;
	c->max_streams = c->max_streams ? c->max_streams : 4096;
	c->max_connections = c->max_connections ? c->max_connections : RPC_MAX_CONNECTIONS;
	if (!c->max_connections_uid)
		c->max_connections_uid = RPC_MAX_CONNECTIONS_UID;
	c->stack_bytes = c->stack_bytes ? c->stack_bytes : 256 << 10;
}

int rpc_server_new(struct rpc_server **out, const struct rpc_server_config *config, struct err *err)
{
	struct rpc_server *s = calloc(1, sizeof(*s));

	if (!s)
		return err_sys(err, ENOMEM, "start the RPC server");
	s->config = config ? *config : (struct rpc_server_config){ .trusted_uid = (uid_t)-1 };
	defaults(&s->config);
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->watch, NULL);
	thread_cond_init(&s->watch_cond);
	list_init(&s->conns);
	list_init(&s->dead);
	s->due_ns = INT64_MAX;
	if (getrandom(s->instance, sizeof(s->instance), 0) != sizeof(s->instance) ||
	    pool_new(&s->pool, s->config.unary_threads, s->config.max_streams,
		     s->config.stack_bytes) < 0 ||
	    pthread_create(&s->sweeper, NULL, sweeper, s) != 0) {
		rpc_server_free(s);
		return err_sys(err, ENOMEM, "start the RPC server");
	}
	s->sweeping = true;
	*out = s;
	return 0;
}

int rpc_server_add(struct rpc_server *server, const struct rpc_service *service, const void *ops,
		   const rpc_thunk *thunks)
{
	struct served *more =
		realloc(server->served, (server->n_served + 1) * sizeof(*server->served));

	if (!more)
		return -ENOMEM;
	server->served = more;
	more[server->n_served++] = (struct served){ service, ops, thunks };
	return 0;
}

int rpc_server_listen(struct rpc_server *server, const char *url, struct err *err)
{
	struct wire_listener **more, *listener;
	int r;

	more = realloc(server->listeners, (server->n_listeners + 1) * sizeof(*more));
	if (!more)
		return err_sys(err, ENOMEM, "listen at %s", url);
	server->listeners = more;
	r = wire_listen(&listener, url, conn_accept, server, err);
	if (r < 0)
		return r;
	more[server->n_listeners++] = listener;
	if (wire_listener_port(listener))
		server->port = wire_listener_port(listener);
	return 0;
}

const uint8_t *rpc_server_instance(const struct rpc_server *server)
{
	return server->instance;
}

int rpc_server_port(const struct rpc_server *server)
{
	return server->port;
}

void rpc_server_goaway(struct rpc_server *server)
{
	struct conn *conn;

	atomic_store(&server->draining, true);
	pthread_mutex_lock(&server->lock);
	list_each (conn, &server->conns, link) {
		pthread_mutex_lock(&conn->lock);
		conn_goaway(conn);
		pthread_mutex_unlock(&conn->lock);
	}
	pthread_mutex_unlock(&server->lock);
}

static void close_listeners(struct rpc_server *s)
{
	for (size_t i = 0; i < s->n_listeners; i++)
		wire_listener_free(s->listeners[i]);
	s->n_listeners = 0;
}

static void sleep_ms(int ms)
{
	struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

int rpc_server_drain(struct rpc_server *server, int listen_ms, int timeout_ms)
{
	int64_t start = server_now(), elapsed;

	rpc_server_goaway(server);
	for (;;) {
		elapsed = (server_now() - start) / 1000000;
		if (elapsed >= listen_ms)
			close_listeners(server);
		if (elapsed >= listen_ms && atomic_load(&server->n_calls) == 0)
			return 0;
		if (timeout_ms >= 0 && elapsed >= timeout_ms)
			return close_listeners(server), -ETIMEDOUT;
		sleep_ms(5);
	}
}

struct rpc_server *rpc_server_free(struct rpc_server *s)
{
	struct conn *conn;

	if (!s)
		return NULL;
	atomic_store(&s->closing, true);
	close_listeners(s);
	free(s->listeners);
	pthread_mutex_lock(&s->lock);
	list_each (conn, &s->conns, link) {
		pthread_mutex_lock(&conn->lock);
		conn_close(conn);
		pthread_mutex_unlock(&conn->lock);
	}
	pthread_mutex_unlock(&s->lock);
	pool_free(s->pool);
	while (s->sweeping) { /* operations cut off complete on nng's threads */
		if (atomic_load(&s->live) == 0)
			break;
		server_watch(s, 0);
		sleep_ms(1);
	}
	if (s->sweeping) {
		pthread_mutex_lock(&s->watch);
		s->stop = true;
		pthread_cond_broadcast(&s->watch_cond);
		pthread_mutex_unlock(&s->watch);
		pthread_join(s->sweeper, NULL);
	}
	bury(s);
	pthread_cond_destroy(&s->watch_cond);
	pthread_mutex_destroy(&s->watch);
	pthread_mutex_destroy(&s->lock);
	free(s->served);
	free(s);
	return NULL;
}

void rpc_server_freep(struct rpc_server **server)
{
	rpc_server_free(*server);
}
