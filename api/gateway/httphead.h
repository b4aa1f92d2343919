/* SPDX-License-Identifier: Apache-2.0 */
/* Heads that two readers may read differently, one of them a proxy before us: where a request ends, and for whom it is
 * (RFC 9112, 3.2, 5.1, 6.3). Private to the HTTP server. */
#pragma once

struct MHD_Connection;

/* Why the head is refused (400), NULL when it is not. Never blocks. */
const char *httphead_refused(struct MHD_Connection *connection, const char *version);
