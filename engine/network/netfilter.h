/* SPDX-License-Identifier: Apache-2.0 */
/* Which networks a list shows, by Docker's filters. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cleat/v1/common.pb-c.h"
#include "err.h"
#include "mem.h"
#include "network.h"

/* Keys and values are ones that can be. `prune`: those of a prune. -EINVAL. */
int netfilter_check(Cleat__V1__Filter *const *filters, size_t n, bool prune, int64_t now_ns,
		    struct err *err) must_check;
/* `used`: a container is in the network. Values of a key are alternatives; of labels each must hold. */
bool netfilter_match(Cleat__V1__Filter *const *filters, size_t n, const struct network *network,
		     bool used, int64_t now_ns);
