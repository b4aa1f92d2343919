/* SPDX-License-Identifier: Apache-2.0 */
/* The connections of clients: who they are, and since when one has owed us the rest of a request. libmicrohttpd's own
 * time-out begins anew with each byte, so a client that sends one now and then would keep its place for ever.
 * Private to the HTTP server. Thread-safe, never blocks. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct httpconn;

enum { HTTPCONN_NAME_MAX = 64 };

/* Remembers the connected socket, which is borrowed until httpconn_free(). NULL without memory. */
struct httpconn *httpconn_new(int fd);
void httpconn_free(struct httpconn *c);

/* "uid:0" or the address; NULL gives "unknown". */
const char *httpconn_client(const struct httpconn *c);
bool httpconn_is_tcp(const struct httpconn *c);
/* Whether the client is the next to send something. New connections wait. Takes NULL. */
void httpconn_waits(struct httpconn *c, bool waits);
/* Shuts down those that have waited since before then, on the monotonic clock. */
void httpconn_sweep(int64_t since_ns);

/* ---- TLS. A connection may be NULL. */

/* How many may be in a handshake: one more ends the oldest, since an honest one takes milliseconds. */
enum { HTTPCONN_HANDSHAKES_MAX = 128 };

struct httpconn_handshakes {
	uint64_t done, failed; /* failed: all that ended without one */
};

/* The connection begins with a handshake. */
void httpconn_shakes_hands(struct httpconn *c);
/* The handshake is over. Copies the subject of the client's certificate, NULL = it has none. */
void httpconn_secured(struct httpconn *c, const char *subject);
/* That subject, NULL = there is none. */
const char *httpconn_subject(const struct httpconn *c);
/* Shuts down those whose handshake has begun before then, on the monotonic clock. */
void httpconn_sweep_handshakes(int64_t since_ns);
void httpconn_count_handshakes(struct httpconn_handshakes *out);

/* How many there are now. */
unsigned httpconn_count(void);
