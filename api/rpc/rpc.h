/* SPDX-License-Identifier: Apache-2.0 */
/* What client, server and generated stubs share: the description of services and methods, limits of
 * the wire, and who a peer is. Plain data, no functions. The wire itself is defined in
 * cleat/rpc/v1/rpc.proto. */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

enum rpc_shape { RPC_UNARY, RPC_SERVER_STREAM, RPC_CLIENT_STREAM, RPC_BIDI };

/* As cleat.v1.Role: each may do what the ones before it may. UNSPECIFIED is treated as ADMIN. */
enum rpc_role { RPC_ROLE_UNSPECIFIED, RPC_ROLE_VIEWER, RPC_ROLE_OPERATOR, RPC_ROLE_ADMIN };

struct rpc_method {
	const char *name; /* "Create" */
	const char *path; /* "cleat.v1.Containers/Create" */
	enum rpc_shape shape;
	const ProtobufCMessageDescriptor *input, *output;
	enum rpc_role role;
	bool idempotent;      /* idempotency_level NO_SIDE_EFFECTS or IDEMPOTENT */
	bool no_side_effects; /* idempotency_level NO_SIDE_EFFECTS */
};

struct rpc_service {
	const char *name; /* "cleat.v1.Containers" */
	const struct rpc_method *methods;
	size_t n_methods;
};

/* One entry of a call's metadata. Keys: lower-case letters, digits, '-', '_', '.'. */
struct rpc_meta {
	const char *key;
	const void *value;
	size_t size_bytes;
};

/* The caller's identity as a gateway hands it on; believed from a trusted uid only. */
#define RPC_META_IDENTITY "cleat-identity"

/* Who is at the other end of a call. */
struct rpc_peer {
	bool has_credentials; /* uid, gid, pid are known: ipc:// */
	uid_t uid;
	gid_t gid;
	pid_t pid;
	char identity[128]; /* forwarded by the gateway; "" = none */
};

/* Limits of the wire, in bytes and milliseconds. */
enum {
	RPC_MAX_FRAME = 1 << 20,     /* one encoded frame */
	RPC_MAX_MESSAGE = 16 << 20,  /* one message, all parts together */
	RPC_CHUNK = 64 << 10,        /* data in one frame of a longer message */
	RPC_WINDOW = 256 << 10,      /* bytes of data per call and direction before credit */
	RPC_WINDOW_BULK = 1 << 20,   /* what calls that move archives ask for */
	RPC_WINDOW_LEAST = 16 << 10, /* what every call may have in spite of an exhausted pool */
	RPC_POOL = 64 << 20,         /* received and not yet consumed, all connections together */
	RPC_MAX_OUTPUT = 256 << 10,  /* encoded and not yet written, per connection */
	RPC_MAX_CALLS = 256,         /* open calls per connection */
	RPC_MAX_CONNECTIONS = 1024,
	RPC_MAX_CONNECTIONS_UID = 64, /* uid 0 and the server's own uid are exempt */
	RPC_MAX_METADATA = 16 << 10,
	RPC_MAX_KEY = 64,       /* of a request_key */
	RPC_HELLO_MS = 5000,    /* until the peer's first frame */
	RPC_MESSAGE_MS = 30000, /* until a frame begun is complete */
	RPC_WRITE_MS = 30000,   /* without progress of a pending write */
	RPC_PING_MS = 15000,    /* silence before a ping; two unanswered close; not on ipc */
};
