/* SPDX-License-Identifier: Apache-2.0 */
/* What other commands want of volumes. */
#pragma once

#include "cleat/v1/containers.pb-c.h"
#include "cli.h"

/* Volumes that a container has. */
size_t volume_count(const Cleat__V1__ContainerSummary *container);

/* As `volume inspect` shows it; owned. ERR_NOT_FOUND. */
int volume_inspect(struct cli *cli, const char *name, json_t **value, struct err *err) must_check;
/* Prunes and prints what went; adds its bytes. `flags` are asked for filter. */
int volume_prune(struct cli *cli, const struct flags *flags, bool all, uint64_t *bytes,
		 struct err *err) must_check;
