/* SPDX-License-Identifier: Apache-2.0 */
/* One mutex guards the table of connections and the lists of waiting calls; it is held for moments
 * and never across anything that blocks (sends are nonblocking). A connection is counted: by the
 * table, and by each call under way. It leaves the table in the reading thread alone, so that the
 * event loop never sees a closed descriptor; a new one is handed to that thread through `fresh`.
 *
 * That a shim died shows as the end of its connection, at once and without a pidfd. Whether the
 * container lives is then for the `lost` handler to find out. Spawned shims are this process's
 * children until they have detached: their pidfds are in the same loop and reaped there. */
#include "shimlink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "fd.h"
#include "list.h"
#include "log.h"
#include "loop.h"
#include "shimchild.h"
#include "shimkeep.h"
#include "shimsock.h"
#include "shimspawn.h"
#include "str.h"
#include "thread.h"

/* RELEASE_EVERY: most containers end before they have so many events. */
enum { N_BUCKETS = 256, STACK_BYTES = 128 << 10, RELEASE_EVERY = 64 };

struct link {
	struct list bucket, fresh;
	struct source source;
	struct shims *shims;
	char id[65];
	int sock, refs;
	bool dead;
	struct list calls;
	uint64_t recorded,
		released; /* numbers of events: of the last recorded one, and what the shim was told */
};

struct call {
	struct list link;
	uint64_t id;
	pthread_cond_t answered;
	Cleat__Shim__V1__ShimReply *reply;
	bool lost;
};

struct shims {
	struct engine *engine;
	const struct shims_handlers *handlers;
	struct loop loop;
	pthread_t thread;
	pthread_mutex_t mutex;
	struct list buckets[N_BUCKETS];
	struct list fresh;
	struct shimchildren children;
	struct shimkeep keep;
	uint64_t last_call;
	bool stopping;
	uint8_t message[SHIMSOCK_MESSAGE_MAX];
};

static struct list *bucket_of(struct shims *shims, const char *id)
{
	unsigned int h = 0;

	for (int i = 0; i < 8 && id[i]; i++)
		h = h * 31 + (unsigned char)id[i];
	return &shims->buckets[h % N_BUCKETS];
}

static struct link *find_link(struct shims *shims, const char *id)
{
	struct list *bucket = bucket_of(shims, id);
	struct link *link;

	list_each (link, bucket, bucket)
		if (!strcmp(link->id, id))
			return link;
	return NULL;
}

/* With the mutex held. */
static void unref(struct link *link)
{
	if (--link->refs)
		return;
	close(link->sock);
	free(link);
}

/* With the mutex held, in the reading thread. */
static void drop_link(struct link *link)
{
	struct call *call;

	link->dead = true;
	list_remove(&link->bucket);
	list_remove(&link->fresh);
	loop_remove(&link->shims->loop, &link->source);
	list_each (call, &link->calls, link) {
		call->lost = true;
		pthread_cond_signal(&call->answered);
	}
	unref(link);
}

static void take_reply(struct link *link, Cleat__Shim__V1__ShimMessage *message)
{
	struct call *call;

	pthread_mutex_lock(&link->shims->mutex);
	list_each (call, &link->calls, link) {
		if (call->id != message->reply->id || call->reply)
			continue;
		call->reply = message->reply;
		message->reply = NULL;
		message->message_case = CLEAT__SHIM__V1__SHIM_MESSAGE__MESSAGE__NOT_SET;
		pthread_cond_signal(&call->answered);
		break;
	}
	pthread_mutex_unlock(&link->shims->mutex);
}

/* fds are consumed. */
static void take_layers(struct link *link, const Cleat__Shim__V1__Kept *kept, const int *fds,
			size_t n_fds)
{
	const struct shims *shims = link->shims;

	shims->handlers->layers(shims->engine, link->id, kept->first_layer, fds, n_fds);
	for (size_t i = 0; i < n_fds; i++)
		close(fds[i]);
}

static void take_event(struct link *link, const Cleat__Shim__V1__ShimEvent *event)
{
	if (link->shims->handlers->event(link->shims->engine, link->id, event))
		link->recorded = event->seq;
}

/* Nothing is left to read. A full socket is no matter: there is a next time. */
static void release(struct link *link)
{
	if (link->recorded >= link->released + RELEASE_EVERY &&
	    shimsock_release(link->sock, link->recorded) == 0)
		link->released = link->recorded;
}

/* fds are consumed. */
static void take_message(struct link *link, size_t len, const int *fds, size_t n_fds)
{
	struct shims *shims = link->shims;
	Cleat__Shim__V1__ShimMessage *message =
		cleat__shim__v1__shim_message__unpack(NULL, len, shims->message);

	if (message && message->message_case == CLEAT__SHIM__V1__SHIM_MESSAGE__MESSAGE_KEPT &&
	    message->kept->layers)
		take_layers(link, message->kept, fds, n_fds);
	else if (message && message->message_case == CLEAT__SHIM__V1__SHIM_MESSAGE__MESSAGE_KEPT)
		shimkeep_put(&shims->keep, link->id, message->kept, fds, n_fds);
	else
		for (size_t i = 0; i < n_fds; i++)
			close(fds[i]);
	if (!message) {
		log_warn("undecodable message from shim id=%.12s", link->id);
		return;
	}
	if (message->message_case == CLEAT__SHIM__V1__SHIM_MESSAGE__MESSAGE_REPLY)
		take_reply(link, message);
	else if (message->message_case == CLEAT__SHIM__V1__SHIM_MESSAGE__MESSAGE_EVENT)
		take_event(link, message->event);
	else if (message->message_case == CLEAT__SHIM__V1__SHIM_MESSAGE__MESSAGE_LOG_ROTATED)
		shims->handlers->rotated(shims->engine, link->id);
	cleat__shim__v1__shim_message__free_unpacked(message, NULL);
}

static void hang_up(struct link *link)
{
	struct shims *shims = link->shims;
	char id[65];

	(void)snprintf(id, sizeof(id), "%s", link->id);
	pthread_mutex_lock(&shims->mutex);
	drop_link(link);
	pthread_mutex_unlock(&shims->mutex);
	shims->handlers->lost(shims->engine, id);
}

static void link_ready(struct source *source, uint32_t events)
{
	struct link *link = container_of(source, struct link, source);
	int fds[FD_PASS_MAX];
	size_t n_fds = ARRAY_LEN(fds);
	ssize_t n;

	(void)events;
	while ((n = fd_recv(link->sock, link->shims->message, SHIMSOCK_MESSAGE_MAX, fds, &n_fds,
			    MSG_DONTWAIT)) > 0) {
		take_message(link, (size_t)n, fds, n_fds);
		n_fds = ARRAY_LEN(fds);
	}
	if (n != -EAGAIN)
		hang_up(link);
	else
		release(link);
}

static void woken(struct loop *loop)
{
	struct shims *shims = container_of(loop, struct shims, loop);
	struct link *link, *next_link;

	pthread_mutex_lock(&shims->mutex);
	list_each_safe (link, next_link, &shims->fresh, fresh) {
		list_remove(&link->fresh);
		if (link->dead || loop_add(loop, &link->source, EPOLLIN) < 0)
			drop_link(link);
	}
	shimchildren_watch(&shims->children, &shims->loop);
	if (shims->stopping)
		loop_stop(loop);
	pthread_mutex_unlock(&shims->mutex);
}

static void *run(void *arg)
{
	struct shims *shims = arg;
	int r = loop_run(&shims->loop);

	if (r < 0)
		log_error("reading from shims: %s", strerror(-r));
	return NULL;
}

int shims_open(struct shims **out, struct engine *engine, const struct shims_handlers *handlers,
	       struct err *err)
{
	cleanup_free struct shims *shims = calloc(1, sizeof(*shims));
	int r = shims ? loop_init(&shims->loop) : -ENOMEM;

	if (r < 0)
		return err_sys(err, r, "event loop");
	shims->engine = engine;
	shims->handlers = handlers;
	shims->loop.woken = woken;
	pthread_mutex_init(&shims->mutex, NULL);
	for (size_t i = 0; i < N_BUCKETS; i++)
		list_init(&shims->buckets[i]);
	list_init(&shims->fresh);
	shimchildren_init(&shims->children);
	shimkeep_init(&shims->keep, engine->bin_dir);
	r = thread_start(&shims->thread, STACK_BYTES, run, shims);
	if (r < 0) {
		loop_deinit(&shims->loop);
		return err_sys(err, r, "start a thread");
	}
	*out = steal(&shims);
	return 0;
}

struct shims *shims_free(struct shims *shims)
{
	struct link *link, *next;

	if (!shims)
		return NULL;
	pthread_mutex_lock(&shims->mutex);
	shims->stopping = true;
	pthread_mutex_unlock(&shims->mutex);
	loop_wake(&shims->loop);
	pthread_join(shims->thread, NULL);
	for (size_t i = 0; i < N_BUCKETS; i++)
		list_each_safe (link, next, &shims->buckets[i], bucket)
			drop_link(link);
	shimchildren_deinit(&shims->children);
	shimkeep_deinit(&shims->keep);
	loop_deinit(&shims->loop);
	free(shims);
	return NULL;
}

static struct link *new_link(struct shims *shims, const char *id, int sock)
{
	struct link *link = calloc(1, sizeof(*link));

	if (!link)
		return NULL;
	*link = (struct link){ .shims = shims, .sock = sock, .refs = 1 };
	link->source = (struct source){ .fd = sock, .ready = link_ready };
	(void)snprintf(link->id, sizeof(link->id), "%s", id);
	list_init(&link->calls);
	list_init(&link->bucket);
	list_init(&link->fresh);
	return link;
}

/* `layers`: the shim may have mounts that this engine lacks. */
static int dial(struct shims *shims, const char *id, int64_t last_seq, bool layers)
{
	cleanup_fd int sock = -1;
	struct link *link;
	bool known;
	int r;

	pthread_mutex_lock(&shims->mutex);
	known = find_link(shims, id) != NULL;
	pthread_mutex_unlock(&shims->mutex);
	if (known)
		return 0;
	sock = shimsock_dial(shims->engine, id);
	if (sock < 0)
		return sock;
	r = shimsock_subscribe(sock, last_seq, layers);
	if (r < 0)
		return r == -EPIPE || r == -ECONNRESET ? -ENOTCONN : r;
	pthread_mutex_lock(&shims->mutex);
	if (!find_link(shims, id) && (link = new_link(shims, id, sock))) {
		(void)steal_fd(&sock);
		list_append(bucket_of(shims, id), &link->bucket);
		list_append(&shims->fresh, &link->fresh);
		loop_wake(&shims->loop);
	}
	pthread_mutex_unlock(&shims->mutex);
	return 0;
}

int shims_connect(struct shims *shims, const char *id, int64_t last_seq)
{
	return dial(shims, id, last_seq, true);
}

static void disconnect(struct shims *shims, const char *id)
{
	struct link *link;

	pthread_mutex_lock(&shims->mutex);
	link = find_link(shims, id);
	if (link) {
		list_remove(&link->bucket);
		list_remove(&link->fresh);
		list_append(&shims->fresh, &link->fresh);
		link->dead = true;
		loop_wake(&shims->loop);
	}
	pthread_mutex_unlock(&shims->mutex);
}

static int watch_spawned(struct shims *shims, pid_t pid)
{
	int r;

	pthread_mutex_lock(&shims->mutex);
	r = shimchildren_add(&shims->children, pid);
	pthread_mutex_unlock(&shims->mutex);
	loop_wake(&shims->loop);
	return r;
}

int shims_spawn(struct shims *shims, const char *id, int64_t last_seq, const struct shimgift *gift,
		struct err *err)
{
	cleanup_fd int dir = -1, sock = -1, kept = -1;
	int r = fd_mkdir_all(shims->engine->shims_fd, id, 0711);
	pid_t pid;

	dir = r < 0 ? r : shimsock_dir(shims->engine, id);
	if (dir < 0)
		return err_sys(err, dir, "open %s/shim/%.12s", shims->engine->run_dir, id);
	sock = fd_unix_listen(dir, "sock", SOCK_SEQPACKET, 0600);
	if (sock < 0)
		return err_sys(err, sock, "listen for the shim");
	kept = shimkeep_hand_over(&shims->keep, id, gift);
	if (kept < 0 && gift->n_layers)
		return err_sys(err, kept, "hand the layers to the shim");
	pid = shimspawn(shims->engine, id, sock, kept, err);
	if (pid < 0)
		return (int)pid;
	if (watch_spawned(shims, pid) < 0)
		log_warn("cannot watch a shim id=%.12s pid=%d", id, pid);
	disconnect(shims, id);
	r = dial(shims, id, last_seq, false);
	return r < 0 ? err_sys(err, r, "connect to the shim") : 0;
}

static struct link *enter(struct shims *shims, const char *id, struct call *call)
{
	struct link *link;

	thread_cond_init(&call->answered);
	list_init(&call->link);
	pthread_mutex_lock(&shims->mutex);
	link = find_link(shims, id);
	if (link) {
		link->refs++;
		call->id = ++shims->last_call;
		list_append(&link->calls, &call->link);
	}
	pthread_mutex_unlock(&shims->mutex);
	return link;
}

static void leave(struct link *link, struct call *call)
{
	struct shims *shims = link->shims;

	pthread_mutex_lock(&shims->mutex);
	list_remove(&call->link);
	unref(link);
	pthread_mutex_unlock(&shims->mutex);
	pthread_cond_destroy(&call->answered);
}

/* A full socket (the shim is stopped or slow) is waited for until the deadline. */
static int send_until(const struct link *link, const Cleat__Shim__V1__ShimRequest *request,
		      const int *fds, size_t n_fds, int64_t deadline_ns)
{
	int r;

	while ((r = shimsock_send(link->sock, request, fds, n_fds)) == -EAGAIN) {
		struct pollfd p = { .fd = link->sock, .events = POLLOUT };
		int64_t left_ns = deadline_ns - fd_monotonic_ns();

		if (left_ns <= 0)
			return -ETIMEDOUT;
		(void)poll(&p, 1, (int)(left_ns / 1000000) + 1);
	}
	return r == -EPIPE || r == -ECONNRESET ? -ENOTCONN : r;
}

static int await(struct shims *shims, struct call *call, int64_t deadline_ns)
{
	const struct timespec at = { .tv_sec = deadline_ns / 1000000000,
				     .tv_nsec = deadline_ns % 1000000000 };
	int r = 0;

	pthread_mutex_lock(&shims->mutex);
	while (!call->reply && !call->lost && r == 0)
		r = pthread_cond_timedwait(&call->answered, &shims->mutex, &at);
	pthread_mutex_unlock(&shims->mutex);
	if (call->reply)
		return 0;
	return call->lost ? -ENOTCONN : -ETIMEDOUT;
}

static int take_result(Cleat__Shim__V1__ShimReply *answer, Cleat__Shim__V1__ShimReply **reply,
		       struct err *err)
{
	int r = 0;

	if (answer->code != ERR_OK)
		r = err_reason(err, (enum err_code)answer->code, str_or_empty(answer->reason), "%s",
			       str_or_empty(answer->message));
	if (r == 0 && reply)
		*reply = answer;
	else
		cleat__shim__v1__shim_reply__free_unpacked(answer, NULL);
	return r;
}

int shims_call(struct shims *shims, const char *id, Cleat__Shim__V1__ShimRequest *request,
	       const int *fds, size_t n_fds, int64_t timeout_ms, Cleat__Shim__V1__ShimReply **reply,
	       struct err *err)
{
	int64_t deadline_ns = fd_monotonic_ns() + timeout_ms * 1000000;
	struct call call = { 0 };
	struct link *link = enter(shims, id, &call);
	int r;

	if (!link)
		return shimspawn_gone(shims->engine, id, -ENOTCONN, err);
	request->id = call.id;
	r = send_until(link, request, fds, n_fds, deadline_ns);
	if (r == 0)
		r = await(shims, &call, deadline_ns);
	leave(link, &call);
	if (r < 0) {
		if (call.reply)
			cleat__shim__v1__shim_reply__free_unpacked(call.reply, NULL);
		return shimspawn_gone(shims->engine, id, r, err);
	}
	return take_result(call.reply, reply, err);
}

void shims_forget(struct shims *shims, const char *id)
{
	disconnect(shims, id);
	shimkeep_forget(&shims->keep, id);
}
