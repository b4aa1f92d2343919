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
/* How many there are now. */
unsigned httpconn_count(void);
