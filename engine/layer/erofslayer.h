/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a layer under the driver `erofs`: checked, repaired and mounted. Private to it. */
#pragma once

#include "driver.h"
#include "err.h"
#include "mem.h"

/* Puts the file `name` of dir_fd on disk. */
int erofslayer_sync_file(int dir_fd, const char *name) must_check;
/* Takes what cleat-worker wrote about tar and index in dir_fd over into *record. */
int erofslayer_describe(int dir_fd, struct layerrecord *record, struct err *err) must_check;
/* Returns an owned descriptor of a new mount of the layer. An index that is not the one recorded is made
 * again, by a worker. -EIO (DATA_LOSS) for a tar that is not. */
int erofslayer_mount(const struct layers *layers, const char *diff, struct err *err) must_check;
