/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor of one container: one thread, one loop, everything below owned by one struct shim.
 * Private to shim/. Functions return 0 or -errno; nothing here blocks. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "buf.h"
#include "cleat/shim/v1/shim.pb-c.h"
#include "list.h"
#include "logfile.h"
#include "loop.h"
#include "mem.h"
#include "slotfile.h"
#include "state.h"

enum {
	SHIM_LISTEN_FD = 3,
	SHIM_KEPT_FD = 4,
	SHIM_MESSAGE_MAX = 65536,
	SHIM_REAPED_MAX = 64,
	SHIM_DONE_MAX = 4,
	SHIM_KEY_MAX = 128,
	SHIM_CONNS_MAX = 16,
	SHIM_SESSIONS_MAX = 256,
};

struct shim;
struct io;
struct probe;

/* One attached reader and writer of an io: the engine's end of a StreamFrame socket. */
struct session {
	struct source src;
	struct io *io;
	struct list link;
	struct buf queue;        /* frames not sent yet: u32 length, bytes */
	bool want[3];            /* by stream: stdin, stdout, stderr */
	bool lossless, ending;   /* ending: close once the queue is empty */
	struct counted *counted; /* NULL: nobody counts its input */
	bool untold;             /* how much was taken: the socket was full */
};

/* A stream of input that sessions in turn carry (shim.proto, CountedInput). */
struct counted {
	struct list link;
	char key[65];
	uint64_t taken;          /* bytes, from its beginning */
	struct session *session; /* that carries it now, NULL = none */
};

struct stream {
	struct source src;
	struct io *io;
	uint8_t number; /* 1 stdout, 2 stderr */
	bool is_pipe, paused;
};

/* The last output of an exec: records of stream (u8), length (u32) and bytes. */
struct recent {
	struct buf records;
	uint64_t from, position; /* bytes of output before the first record, and behind the last */
	bool adopted; /* both count from an unknown position: the first reader knows it */
};

/* Standard streams of the container, or of one exec. */
struct io {
	struct shim *shim;
	struct logfile *log; /* NULL: an exec, nothing is kept */
	struct stream out[2];
	int in_fd; /* write end of stdin, -1 = none or closed; the terminal's when tty */
	bool tty, stdin_once;
	bool kept; /* engines hold descriptors of it */
	struct list sessions;
	struct list counted; /* streams of input, the one used last at the end */
	struct buf input;    /* input the container has not read yet */
	struct source in_src;
	bool close_in; /* end of file once `input` is empty */
	/* Of an exec, which has no log: what it has written lately, for a reader that moves. While
	 * `held` its output waits for that reader. */
	struct recent recent;
	struct exec *exec; /* NULL: the container's own */
	bool held;
};

struct exec {
	struct list link;
	char id[65];
	struct io io;
	pid_t pid;
	struct source orphan; /* pidfd of an adopted one */
	bool done;
	int exit_code;
	struct timer timer; /* end of `held`, or of the exec's memory once it is done */
	bool probe;         /* a health check: nobody attaches, its output is probe.c's */
};

struct conn {
	struct source src;
	struct shim *shim;
	struct list link;
	bool subscribed;
};

/* A runtime at work: its notify socket, and who waits for the result. */
struct launch {
	struct source src;
	struct list link;
	struct shim *shim;
	struct exec *exec; /* NULL: the container itself */
	bool update;       /* of the container's limits: it runs already */
	pid_t pid;         /* of the runtime */
	struct conn *conn; /* who gets the reply, NULL = nobody */
	uint64_t request;
	int console_fd;   /* listener that the runtime sends the terminal to, -1 = none */
	char console[24]; /* its name in the run directory */
};

/* Namespaces of other containers. */
enum join { JOIN_PID, JOIN_IPC, N_JOINS };
struct joined {
	int fd; /* /proc/PID of the other container's process; -1 = none */
	uint64_t start_ticks;
};

struct reaped {
	pid_t pid;
	int status;
};

struct shim {
	struct loop loop;
	const char *id, *state_path, *oci_root, *cgroup;
	char *oci_program;
	int oci_sealed; /* a mount of it that an engine made, -1 = none */
	int state_fd, run_fd, journal_fd, lock_fd;
	Cleat__Shim__V1__ShimSpec *spec;
	Cleat__Shim__V1__ShimStatus status; /* strings are borrowed from the buffers below */
	char boot_id[40], error[256];
	enum state state;
	struct policy policy;
	uint32_t delay_ms;
	struct timer stop_timer, delay_timer, settle_timer;
	struct slotfile status_file;
	struct logfile log;
	struct io io;
	struct source listener, signals, orphan; /* orphan: pidfd of an adopted container */
	struct list conns, execs, launches, laters;
	unsigned n_conns, n_sessions, n_launches;
	int *layers; /* mounts that engines made for us, as spec->layers has them */
	size_t n_layers;
	struct source oom; /* oom.c: tells that memory is out; fd <= 0 = none */
	bool oom_v1;
	uint64_t oom_kills;        /* that were told */
	int64_t oom_told_ns;       /* CLOCK_MONOTONIC of the last event, 0 = none since the start */
	int root_fd;               /* of the container's root, where spec->hold_root; -1 = none */
	int netns;                 /* the network namespace that an engine made, -1 = none */
	struct resolver *resolver; /* in it; NULL = the container has none */
	struct joined joined[N_JOINS]; /* by the start under way */
	char join_why[160];            /* join.c's sentence */
	struct relay *relay;           /* of its ports; NULL = none is relayed */
	struct reaped reaped[SHIM_REAPED_MAX];
	unsigned n_reaped;
	char done[SHIM_DONE_MAX][SHIM_KEY_MAX]; /* done.c; "" = free */
	char *done_words[SHIM_DONE_MAX];
	unsigned n_done;
	char start_key[SHIM_KEY_MAX]; /* of the start under way */
	struct probe *probe;          /* NULL: no health check */
	bool unhealthy;               /* it is being stopped for that */
	int later_signal;             /* a user ends it as soon as it runs; 0 = nobody does */
	int later_timeout_ms;         /* then SIGKILL; -1 = never */
	bool quit;
};

/* done.c: keys of the requests that were carried out last. */
bool done_has(const struct shim *shim, const char *key);
/* A key that is empty or too long is not kept. */
void done_add(struct shim *shim, const char *key);
/* Points the status to them. */
void done_publish(struct shim *shim);

/* status.c: the published state and the journal of events. */
int status_load(struct shim *shim) must_check;
void status_publish(struct shim *shim);
/* Numbers `event`, writes it to the journal, sends it to the subscribers. */
void journal_append(struct shim *shim, Cleat__Shim__V1__ShimEvent *event);
/* The two halves of it. */
void journal_write(struct shim *shim, Cleat__Shim__V1__ShimEvent *event);
void journal_tell(struct shim *shim, Cleat__Shim__V1__ShimEvent *event);
void journal_replay(struct conn *conn, uint64_t from_seq);
/* Bytes that wait for an engine. */
uint64_t journal_size(const struct shim *shim);
/* An engine has recorded the events up to this number: they go, at once or when there are many. */
void journal_release(struct shim *shim, uint64_t seq);
/* The same, and it takes none of these numbers again: a power cut may have taken the last ones from this side. */
void journal_skip(struct shim *shim, uint64_t seq);

/* control.c: connections of engines. */
int control_open(struct shim *shim) must_check;
/* False when the connection was dropped. */
bool control_send(struct conn *conn, const Cleat__Shim__V1__ShimMessage *message);
/* The same with descriptors (borrowed). */
bool control_send_fds(struct conn *conn, const Cleat__Shim__V1__ShimMessage *message,
		      const int *fds, size_t n_fds);
/* A NULL conn is one that is gone. */
void control_reply(struct conn *conn, Cleat__Shim__V1__ShimReply *reply);
/* To `only`, or to all that subscribed, that closed segments of the log may be compressed. */
void control_tell_rotated(struct shim *shim, struct conn *only);
void control_broadcast(struct shim *shim, const Cleat__Shim__V1__ShimMessage *message);

/* request.c: what an engine asks for. fds (consumed) came with it. */
void request_handle(struct conn *conn, Cleat__Shim__V1__ShimRequest *request, int *fds,
		    size_t n_fds);
/* Answers with a code and a sentence. */
void request_fail(struct conn *conn, uint64_t id, uint32_t code, const char *reason,
		  const char *message);

/* later.c: requests that wait for the start under way. */
/* Copies it. */
int later_add(struct shim *shim, struct conn *conn,
	      const Cleat__Shim__V1__ShimRequest *request) must_check;
/* It has come to its end, for good or bad. */
void later_handle(struct shim *shim);
void later_forget_conn(struct shim *shim, const struct conn *conn);

/* io.c: output to log and sessions, input to the container. */
void io_init(struct shim *shim, struct io *io, struct logfile *log);
/* FIFOs of the container in the run directory, made if absent; their output is read from now on. */
int io_open_fifos(struct shim *shim) must_check;
/* Output by pipes: consumes the read ends and the write end of stdin (-1 = none). */
int io_open_pipes(struct io *io, int out_fd, int err_fd, int in_fd) must_check;
/* A terminal's master (consumed) for input and output. */
int io_open_tty(struct io *io, int fd) must_check;
/* Takes all that is there; for the time after the process has ended. */
void io_drain(struct io *io);
/* Sends the last frame to every session and closes what belongs to the io. */
void io_end(struct io *io, int exit_code, bool oom_killed);
/* Closes streams; sessions stay for the next start. */
void io_close_streams(struct io *io);
/* Output goes on, unless it is held or a lossless session is full. */
void io_resume(struct io *io);
/* Reads no more output until io_resume(). */
void io_pause(struct io *io);
/* Writes waiting input; closes stdin behind it if its end was reached. Not before the container's start. */
void io_input_flush(struct io *io);
/* Whether what comes now is kept for a container that will have a stdin once it is started. */
bool io_awaits_start(const struct io *io) must_check;
/* Input waits now, or does not any more: reads from the sessions accordingly. */
void session_input_changed(struct io *io);
int io_resize(struct io *io, uint32_t rows, uint32_t columns) must_check;
/* session.c: one socket. Consumes fd. *out, if wanted, is the session. */
int session_add(struct io *io, int fd, const bool want[3], bool lossless,
		struct session **out) must_check;
/* Counts its input from now on as that of *input (NULL: nothing is to be counted); ends the session that had it before.
 * Without memory, or with a key that cannot be, it is not counted. */
void session_count(struct session *session, const Cleat__Shim__V1__CountedInput *input);
/* Into the reply, where its input goes on if that is counted. NULL is fine. */
void session_tell_count(const struct session *session, Cleat__Shim__V1__ShimReply *reply);
void session_remove(struct session *session);
/* Queues and sends; a lossy session whose socket is full is removed. False: it was removed. */
bool session_frame(struct session *session, const Cleat__Shim__V1__StreamFrame *frame);
bool session_full(const struct session *session);
/* Frames still wait for a slow reader. */
bool session_busy(const struct io *io);

/* counted.c: the count of a key, which is new or as it was left, owned by the io. NULL without memory or with a key that
 * cannot be. */
struct counted *counted_get(struct io *io, const Cleat__Shim__V1__CountedInput *input);
/* For an io that no session uses. */
void counted_forget_all(struct io *io);

/* life.c: the container's state machine. Returns the action taken. */
enum action life_event(struct shim *shim, enum event event, int argument);
/* Sends a signal to the container's init, if there is one. */
void life_signal(struct shim *shim, int number);
/* The same, and tells it as an event. */
void life_kill(struct shim *shim, int number);
/* What ACT_LATER means: the runtime is at work, the signal goes when it is done. */
void life_later(struct shim *shim, int number, int timeout_ms);
/* Whether a user's kill by this signal is meant to end the container: it ends a paused one too. */
bool life_ends(const struct shim *shim, int number);
/* What is to be known of a container that runs from now on: memory that is out. With spec->hold_root the last reference to
 * its root is the shim's, so that it is the shim and not a process with limits that waits until all is written. */
void life_watch(struct shim *shim);
void life_started(struct shim *shim, pid_t pid);
/* Removes what the last start left: the control group and the runtime's record. */
void life_clear(struct shim *shim);
/* Stops it for the policy to start it again, if that is wanted. */
void life_unhealthy(struct shim *shim);
/* Nothing runs: `exit_code` is 125, 126 or 127. */
void life_failed(struct shim *shim, int exit_code, const char *message);
/* Ends the program if it was told to and all frames have left. */
void life_quit(struct shim *shim);
/* The container's init ended with this wait status. */
void life_exited(struct shim *shim, int wait_status);

/* oom.c: events for memory that is out. Of the container that was just started, or adopted. */
void oom_watch(struct shim *shim);
/* What its status says of a container that runs was told. */
void oom_adopt(struct shim *shim);
void oom_forget(struct shim *shim);
/* It has ended, its cgroup is still there: what its status says of it, and whether there is an event, as there was none yet.
 * That is written. It is told with the end, behind the status, which says by then whether the container starts again. */
bool oom_settle(struct shim *shim, Cleat__Shim__V1__ShimEvent *event);

/* join.c: namespaces of other containers. */
/* The id of the other container; empty = the namespace is not another's. */
const char *join_of(const struct shim *shim, enum join kind);
/* Opens what a start is to join. -EHOSTDOWN: one of them does not run. */
int join_open(struct shim *shim) must_check;
void join_close(struct shim *shim);
/* Why a start fails that needs what join_open() has found and what has not ended since; NULL = not for that. Holds until the
 * next call. */
const char *join_why(struct shim *shim);
/* The same, and all of them still exist: they may run again. */
bool join_waits(struct shim *shim);

/* launch.c: the runtime as a child. */
int launch_container(struct shim *shim, struct conn *conn, uint64_t request) must_check;
/* What an error of it means. */
const char *launch_reason(struct shim *shim, int error);
/* A connection is gone: its waiting replies have nobody to go to. */
void launch_forget_conn(struct shim *shim, const struct conn *conn);
/* Who asked for the start under way is gone: its outcome is the answer to this request. False if there is
 * none, or somebody waits for it. */
bool launch_join(struct shim *shim, struct conn *conn, uint64_t request);
/* Writes the limits of the request to the container's cgroup. */
int launch_update(struct shim *shim, struct conn *conn,
		  const Cleat__Shim__V1__ShimRequest *request) must_check;
/* `process` is a file with the process object (consumed), -1 = it is in the request. */
int launch_exec(struct shim *shim, struct exec *exec, struct conn *conn,
		const Cleat__Shim__V1__ExecRequest *request, int process, uint64_t id) must_check;

/* The runtime of this exec takes too long: it is killed, and the launch fails. */
void launch_abort(struct shim *shim, const struct exec *exec);
/* Whether an exec of a health check is being launched. */
bool launch_probes(const struct shim *shim);

/* probe.c: health checks. All but probe_open() do nothing without one. */
int probe_open(struct shim *shim) must_check;
/* What the status of a shim that died says, and an event that is newer than that. */
void probe_load(struct shim *shim, const Cleat__Shim__V1__Health *old, bool same_boot);
void probe_replay(struct shim *shim, const Cleat__Shim__V1__ShimEvent *event);
/* Ends what that shim left running. */
void probe_adopt(struct shim *shim);
/* For the status; borrowed, NULL = none. */
Cleat__Shim__V1__Health *probe_record(const struct shim *shim);
/* The container was started; it is about to be paused; it runs or does not, by its state; it has ended. */
void probe_begin(struct shim *shim);
void probe_pause(struct shim *shim);
void probe_watch(struct shim *shim);
void probe_end(struct shim *shim);
/* Of the exec that a check is: its pipe, before there is a process; the process; output; its end. The last
 * two free the exec. */
void probe_piped(struct exec *exec, int fd);
void probe_started(struct exec *exec, pid_t pid);
void probe_output(const struct exec *exec, const char *data, size_t n);
void probe_exited(struct exec *exec, int exit_code);
void probe_failed(struct exec *exec, const char *message);

/* recent.c: output of an exec that may be asked for again. */
/* A reader has had `position` bytes, of which an adopted exec's shim knows nothing. */
void recent_locate(struct recent *recent, uint64_t position);
void recent_add(struct recent *recent, uint8_t stream, const char *data, size_t n);
/* Sends `session` what is behind `position`, or all there is when that is gone. False: the session was
 * removed. */
bool recent_replay(const struct recent *recent, uint64_t position, struct session *session);

/* keep.c: descriptors that engines hold for a successor of this shim. */
/* Tells all subscribers what there is of `io` now. */
void keep_tell(struct io *io);
/* Tells a new subscriber all there is. */
void keep_replay(struct conn *conn);
/* Sends the layers back to an engine. */
void keep_layers(struct conn *conn);
/* Takes over the layers, and what an engine has kept, from the socket it left behind (consumed). */
void keep_load(struct shim *shim, int fd);

/* exec.c */
/* One whose shim was killed: its pidfd, its streams (consumed, -1 = none). Its output waits for a reader. */
void exec_adopt(struct shim *shim, const Cleat__Shim__V1__Kept *kept, int pidfd, const int std[3]);
/* Sends the process a signal: 0 or -errno. */
int exec_signal(const struct exec *exec, int number) must_check;
/* A further session on an exec: -ENOENT when it is not known (any more). fd is consumed. */
int exec_join(struct shim *shim, const Cleat__Shim__V1__AttachRequest *request, int fd,
	      Cleat__Shim__V1__ShimReply *reply) must_check;
struct exec *exec_find(struct shim *shim, const char *id);
/* One that does not run yet; NULL = no memory. */
struct exec *exec_new(struct shim *shim, const char *id);
void exec_request(struct conn *conn, Cleat__Shim__V1__ShimRequest *request, int *fds, size_t n_fds);
void exec_started(struct exec *exec, pid_t pid);
void exec_exited(struct exec *exec, int wait_status);
void exec_free(struct exec *exec);
/* The last session of an exec that runs is gone. */
void exec_alone(struct exec *exec);

/* reap.c: children, by SIGCHLD. */
int reap_open(struct shim *shim) must_check;
/* The wait status of a child that ended before its pid was known, while a runtime was at work. */
bool reap_claim(struct shim *shim, pid_t pid, int *wait_status);
/* No runtime is at work: who has ended by now is nobody's. */
void reap_forget(struct shim *shim);
int reap_exit_code(int wait_status);

/* adopt.c: a container whose shim died. Returns 1 when one was adopted, 0 when there is none. */
int adopt(struct shim *shim) must_check;
/* The wait status of a process that has ended; of exit code 255 when nobody knows it. */
int adopt_wait_status(int pidfd, pid_t pid);

/* names.c: the container's name server. */
/* Begins it, if there is to be one that does not run yet. Logs what goes wrong: a container goes on without. */
void names_open(struct shim *shim);
void names_close(struct shim *shim);

/* ports.c: published ports that are relayed. */
/* Listens at those that the container has now. 0 or -errno: not at all of them. */
int ports_open(struct shim *shim) must_check;
void ports_close(struct shim *shim);

/* cgroup.c: what the shim itself does to the container's control group. */
int cgroup_freeze(const char *path, bool frozen) must_check;
/* OOM kills in the group so far; 0 when it cannot be told. */
uint64_t cgroup_oom_kills(const char *path);
/* Kills the processes in the group whose standard output or error is the pipe of this inode (0 = none), each
 * with its process group if it leads one. */
void cgroup_kill_piped(const char *path, uint64_t pipe);
/* Whether there is such a group of cgroup v1's memory controller. */
bool cgroup_is_there(const char *path);
/* Takes the limits of block devices away. */
void cgroup_unthrottle(const char *path);
/* Kills what is left in the group and removes it from every hierarchy. */
void cgroup_remove(const char *path);
