/* SPDX-License-Identifier: Apache-2.0 */
/* Ports that are relayed are listened at from the start of a container until its network namespace goes, by its
 * restarts too. What an engine changed that died before it could say so is looked for when its successor subscribes. */
#include <errno.h>

#include "relay.h"
#include "shim.h"

int ports_open(struct shim *shim)
{
	int r = 0;

	if (shim->netns < 0)
		return 0;
	if (!shim->relay)
		r = relay_open(&shim->relay, &shim->loop, shim->state_fd);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return relay_refresh(shim->relay);
}

void ports_close(struct shim *shim)
{
	shim->relay = relay_free(shim->relay);
}
