/* SPDX-License-Identifier: Apache-2.0 */
/* A tar, parsed as its bytes pass by, with the place of each file's bytes in it: ustar, pax, GNU's long names and
 * base-256 numbers, files with holes in all their forms (tar(5)). What two readers could understand differently is
 * refused. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "mem.h"
#include "tar.h"

enum { TARPARSE_EXTENSION_MAX = 1 << 20 /* bytes of one extended header */ };

enum tarparse_event {
	TARPARSE_MORE,  /* all bytes are taken */
	TARPARSE_ENTRY, /* an entry, tarparse_entry(); the bytes of it, if it has any, follow */
	TARPARSE_DATA,  /* some of those */
	TARPARSE_END,   /* of the archive: what follows is of no interest */
};

struct tarparse_data {
	const char *bytes; /* borrowed from who gave them */
	size_t n;
	uint64_t at; /* in the file */
};

struct tarparse;

/* -ENOMEM. */
int tarparse_new(struct tarparse **out) must_check;
struct tarparse *tarparse_free(struct tarparse *p);
void tarparse_freep(struct tarparse **p);
/* Takes bytes of the tar, from *data on, of which *n are there, until there is something to tell, and moves both
 * behind what it took: an event, with *out set for TARPARSE_DATA, or -errno. */
int tarparse_step(struct tarparse *p, const char **data, size_t *n, struct tarparse_data *out,
		  struct err *err) must_check;
/* Borrowed until the next entry's bytes are taken. Its type may be what no enum tar_type is. */
const struct tar_entry *tarparse_entry(const struct tarparse *p);
/* Bytes of the entry that are still to come. */
uint64_t tarparse_left(const struct tarparse *p);
/* There are no more bytes: an error when something is missing. */
int tarparse_end(const struct tarparse *p, struct err *err) must_check;
