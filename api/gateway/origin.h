/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that a web page had a browser make. Pure. */
#pragma once

#include <stdbool.h>

/* Why the request is refused, NULL when it is not: by the headers Origin, Sec-Fetch-Site and Host, "" = absent. Over
 * TCP there is no way but a browser's to come with an origin, or with a name that does not stand for this machine. */
const char *origin_refused(const char *origin, const char *site, const char *host, bool tcp);
