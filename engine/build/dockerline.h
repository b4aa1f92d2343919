/* SPDX-License-Identifier: Apache-2.0 */
/* A Dockerfile's text as logical lines: parser directives, comments and continuations dealt with,
 * here-documents taken out. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "mem.h"

enum { DOCKERFILE_BYTES_MAX = 4 << 20, DOCKERFILE_LINES_MAX = 20000, DOCKERFILE_HEREDOCS_MAX = 64 };

struct heredoc {
	char *name;
	char *body;  /* tabs in front are gone where <<- says so */
	bool expand; /* its name was not quoted */
};

struct dockerline {
	unsigned int first, last; /* lines of the file, from 1, here-documents included */
	char *text;               /* joined; no blanks at its ends */
	struct heredoc *docs;
	size_t n_docs;
};

struct dockerlines {
	struct dockerline *v;
	size_t n;
	char escape; /* '\\', or what the directive says */
};
#define DOCKERLINES_NULL ((struct dockerlines){ .escape = '\\' })

/* -EINVAL with Docker's sentence, which names the line; -ENOMEM. Owned in *out: dockerlines_deinit(). */
int dockerlines_parse(const char *text, size_t len, struct dockerlines *out,
		      struct err *err) must_check;
void dockerlines_deinit(struct dockerlines *lines);

/* The name a word such as 3<<-"EOF" gives its here-document (owned), NULL when it is no such word
 * (errno 0) or without memory (ENOMEM). */
char *heredoc_name(const char *word, size_t len, bool *expand, bool *chomp) must_check;
