/* SPDX-License-Identifier: Apache-2.0 */
/* What TLS needs for one registry, kept as Docker has it: DIR/HOST[:PORT]/ with *.crt (authorities that are
 * trusted beside the system's) and NAME.cert with NAME.key (who we are). Blocks on the file system. */
#pragma once

#include "buf.h"
#include "err.h"
#include "mem.h"

struct certs {
	struct buf authorities; /* PEM; empty = the system's alone */
	char *cert, *key;       /* paths; NULL = none */
};

/* An absent directory is no error; a .cert without its .key is. */
int certs_find(struct certs *certs, const char *dir, const char *host, struct err *err) must_check;
void certs_deinit(struct certs *certs);
