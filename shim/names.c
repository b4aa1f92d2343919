/* SPDX-License-Identifier: Apache-2.0 */
/* The container's name server begins with the first start of a container that has a file for it, or when an engine
 * says that there is one now, and ends with the network namespace. An engine that died before it could say so has
 * a successor, which subscribes. */
#include <errno.h>
#include <string.h>

#include "log.h"
#include "resolver.h"
#include "shim.h"

void names_open(struct shim *shim)
{
	int r;

	if (shim->resolver || shim->netns < 0)
		return;
	r = resolver_open(&shim->resolver, &shim->loop, shim->netns, shim->state_fd,
			  "/etc/resolv.conf");
	if (r < 0 && r != -ENOENT)
		log_error("no name server id=%.12s error=%s", shim->id, strerror(-r));
}

void names_close(struct shim *shim)
{
	shim->resolver = resolver_free(shim->resolver);
}
