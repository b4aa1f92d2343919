/* SPDX-License-Identifier: Apache-2.0 */
/* Paths as users of cp write them, inside the root the worker is confined to: private to cleat-worker. */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "err.h"
#include "jobs.h"
#include "mem.h"

/* A path made absolute and clean ("." and ".." resolved by its text, as Docker does). */
struct inroot_path {
	char text[JOB_PATH_MAX + 1]; /* "/" or "/a/b" */
	char name[JOB_PATH_MAX + 1]; /* its last part, "/" of the root; "." when it ended in "/." */
	bool directory; /* it ended in '/' or "/.": a directory is meant, through links */
};
/* -EINVAL when it is too long. Pure. */
int inroot_clean(const char *raw, struct inroot_path *out, struct err *err) must_check;

/* Says in *err, with Docker's sentences, what -errno means for a path inside; returns a -errno. */
int inroot_failed(int error, const char *path, struct err *err) must_check;
/* Opens it, links followed, none of /proc's: a descriptor. -ENOENT as NOT_FOUND. */
int inroot_open(int root, const struct inroot_path *path, int flags, struct err *err) must_check;
/* Where it is without following a link at its end: the directory that holds it, owned, in *dir and the name there,
 * borrowed from `path`; "." of a directory. */
int inroot_locate(int root, const struct inroot_path *path, int *dir, const char **name,
		  struct stat *st, struct err *err) must_check;
/* Where the links in the path lead in the end, whether that exists or not; owned. */
int inroot_resolve(int root, const char *path, char **out, struct err *err) must_check;
