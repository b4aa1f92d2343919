/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to the engine that wait for their next call: opening one costs more than most calls. Thread-safe, never
 * blocks. */
#pragma once

#include "client.h"

/* One that is free, NULL = there is none. It may have been closed meanwhile: the next call opens it again. */
struct rpc_client *enginepool_take(void);
/* Consumes a client without open calls. */
void enginepool_put(struct rpc_client *client);
