/* SPDX-License-Identifier: Apache-2.0 */
/* What `cp` means by its two paths: Docker's rules (docs.docker.com, docker container cp), which are cp -a's with
 * differences where one side does not exist. Pure. */
#pragma once

#include <stdbool.h>

#include "err.h"
#include "mem.h"

/* An argument. */
struct cp_side {
	char *container;  /* NULL = a local path, or "-" */
	const char *path; /* in the argument, as written */
};
/* "NAME:PATH", or a local path when there is no ':' or the first part begins with '.' or '/'. -ENOMEM. */
int cpplan_side(const char *argument, struct cp_side *out) must_check;

/* What is copied, or what it goes to. */
struct cp_thing {
	const char *path; /* as written, its trailing "/" or "/." included */
	bool exists, is_dir;
};

struct cp_plan {
	char *dir; /* the directory to unpack in */
	char *name; /* of what is copied, there; "." = the contents of a directory, into `dir` itself */
};
/* -EINVAL when the two do not fit. */
int cpplan(const struct cp_thing *source, const struct cp_thing *target, struct cp_plan *out,
	   struct err *err) must_check;
void cpplan_deinit(struct cp_plan *plan);

/* The path without trailing slashes and "/.", "/" or "." when nothing is left; owned. */
char *cpplan_trim(const char *path) must_check;
/* It ends in '/' or is or ends in "/.": a directory is meant. */
bool cpplan_means_dir(const char *path);
/* It is or ends in "/.": the contents are meant. */
bool cpplan_means_contents(const char *path);
/* The last part of a path, owned: of "/a/b/" it is b, of "/a/." and "/" it is ".". */
char *cpplan_base(const char *path) must_check;
