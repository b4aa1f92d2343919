/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the client's files only: client.c (connection), client_dial.c (how it comes to be),
 * client_call.c (calls). */
#pragma once

#include "call.h"
#include "client.h"
#include "frame.h"

struct rpc_client {
	char *url, *agent;
	unsigned connect_ms, retry_ms;
	struct {
		char *ca_file, *cert_file, *key_file, *server_name; /* owned; NULL = no TLS */
	} tls;
	int fd; /* -1 = not connected */
	struct {
		pid_t pid;    /* 0 = none */
		int words_fd; /* what it has to say */
	} helper;             /* of a TLS connection */
	bool greeted, going_away;
	struct frame_format format;
	uint8_t instance[16];
	uint32_t next_id, window;
	uint64_t last_accepted; /* of GOAWAY */
	struct buf in, out;
	size_t out_off;
	struct list calls; /* open */
	struct err lost;   /* why the connection ended */
};

struct rpc_client_call {
	struct call state;
	struct list link;
	struct rpc_client *client;
	const struct rpc_method *method;
	uint32_t id;
	int64_t deadline_ns;
	bool done, end_wanted, cancelled;
	struct err status;
	uint8_t *tx; /* owned message waiting for window */
	size_t tx_len, tx_off;
	void (*ready)(struct rpc_client_call *call, void *arg);
	void *arg;
};

/* Connects to the URL: sets fd and the format of frames. Blocks; TLS goes on in the helper. 0 or -errno. */
int client_dial(struct rpc_client *client, struct err *err) must_check;
/* Closes the connection and its helper. */
void client_hang_up(struct rpc_client *client);
/* Why the helper's connection failed. Blocks until it has ended or said it; for one that has hung up. */
bool client_helper_words(struct rpc_client *client, char *text, size_t size);

/* Connects if there is no usable connection and no call is open. Blocks. */
int client_ensure(struct rpc_client *client, struct err *err) must_check;
void client_send(struct rpc_client *client, const Cleat__Rpc__V1__Frame *frame);
/* Waits until something happened, or until_ns; then processes. 0 or -errno (connection lost). */
int client_wait(struct rpc_client *client, int64_t until_ns, struct err *err);
/* Writes what can be written now. */
int client_flush(struct rpc_client *client, struct err *err);
/* A frame of an open call. */
void client_call_frame(struct rpc_client_call *call, Cleat__Rpc__V1__Frame *frame);
void client_call_fail(struct rpc_client_call *call, const struct err *why, bool not_started);
/* Sends as the window allows. */
void client_call_push(struct rpc_client_call *call);
