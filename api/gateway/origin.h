/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that a web page had a browser make. Pure. */
#pragma once

/* How it came: by a UNIX socket, over TCP, or over TCP from a client that has shown a certificate. */
enum origin_way { ORIGIN_LOCAL, ORIGIN_TCP, ORIGIN_KNOWN };

/* Why the request is refused, NULL when it is not: by the headers Origin, Sec-Fetch-Site and Host, "" = absent. Over
 * TCP there is no way but a browser's to come with an origin, or with a name that does not stand for this machine; with
 * certificates the name may be any, for TLS has checked it. */
const char *origin_refused(const char *origin, const char *site, const char *host,
			   enum origin_way way);
