/* SPDX-License-Identifier: Apache-2.0 */
/* One file of a copy: private to copytree.c and listtree.c. `shown` is what messages call it. All functions block on the
 * file system. */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "copytree.h"
#include "err.h"
#include "mem.h"

/* A regular file with the bytes of a descriptor; `from` has its attributes, -1 = none. */
int treeput_file(const struct copy_rules *rules, const struct stat *st, int bytes_fd, int from,
		 int to_fd, const char *to, const char *shown, struct err *err) must_check;
/* A link (with its target), a device, a fifo. */
int treeput_node(const struct copy_rules *rules, const struct stat *st, const char *target,
		 int to_fd, const char *to, const char *shown, struct err *err) must_check;
/* A directory that is to be filled: an owned descriptor. *made: it was not there, and gets what it is like with
 * treeput_like() once it is full. */
int treeput_dir(int to_fd, const char *to, bool *made, const char *shown,
		struct err *err) must_check;
/* Owner, mode, attributes and time; -errno. */
int treeput_like(const struct copy_rules *rules, const struct stat *st, int from,
		 int to) must_check;
