/* SPDX-License-Identifier: Apache-2.0 */
/* How a container's questions get to its name server. That does not listen at port 53: who has a name server of his own
 * in a container binds that port at every address, which fails when one of them is taken. So ports are rewritten on the
 * way, in the container's namespace, without any state: what goes to 127.0.0.11:53 arrives at its port, what comes
 * from there seems to come from 53. */
#pragma once

#include "err.h"
#include "mem.h"

/* Where it listens at 127.0.0.11: a privileged port that is nobody's. */
enum { NFTNAMES_PORT = 553 };

/* Makes the rules, in place of those there are, by a socket into the namespace (netns.h; borrowed). Blocks on the
 * kernel. */
int nftnames_lead(int nftables, struct err *err) must_check;
