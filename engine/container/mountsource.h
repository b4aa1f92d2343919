/* SPDX-License-Identifier: Apache-2.0 */
/* Planned mounts as the OCI config wants them: of each volume what it is on the host, of each image its layers, which are
 * added to the container's. Blocks on the store and the file system. */
#pragma once

#include "engine.h"
#include "err.h"
#include "mem.h"
#include "mountplan.h"
#include "rootlayers.h"
#include "spec.h"

/* Mounts are borrowed from the plan, texts are owned. */
struct mountsource {
	struct spec_mount *v;
	size_t n;
	char **texts;
	size_t n_texts;
};
int mountsource_find(struct mountsource *sources, struct engine *engine,
		     const struct mountplan *plan, struct rootlayers *layers,
		     struct err *err) must_check;
/* Works on a half-made one. For cleanup(). */
void mountsource_deinit(struct mountsource *sources);
