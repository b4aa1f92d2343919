/* SPDX-License-Identifier: Apache-2.0 */
/* A Dockerfile as instructions, checked as far as that is possible without building. Variables are not
 * expanded yet. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "dockerline.h"
#include "err.h"
#include "manifest.h"
#include "mem.h"

enum instruction_kind {
	INSTRUCTION_ADD,
	INSTRUCTION_ARG,
	INSTRUCTION_CMD,
	INSTRUCTION_COPY,
	INSTRUCTION_ENTRYPOINT,
	INSTRUCTION_ENV,
	INSTRUCTION_EXPOSE,
	INSTRUCTION_FROM,
	INSTRUCTION_HEALTHCHECK,
	INSTRUCTION_LABEL,
	INSTRUCTION_MAINTAINER,
	INSTRUCTION_ONBUILD,
	INSTRUCTION_RUN,
	INSTRUCTION_SHELL,
	INSTRUCTION_STOPSIGNAL,
	INSTRUCTION_USER,
	INSTRUCTION_VOLUME,
	INSTRUCTION_WORKDIR,
	N_INSTRUCTIONS
};

struct instruction {
	enum instruction_kind kind;
	unsigned int first, last; /* lines of the file */
	char *text;               /* the whole line, continuations joined */
	struct strings flags;     /* name, value, name, value; a switch has "true" or "false" */
	/* ENV, LABEL: name, value, ... FROM: image, and the stage's name if it has one. ARG: "name" or
	 * "name=value" each. RUN, CMD, ENTRYPOINT: the words of the JSON form, or the shell's one line.
	 * HEALTHCHECK: NONE, or CMD and the same. ONBUILD: the trigger. Others: the arguments. */
	struct strings words;
	bool json;
	struct heredoc *docs;
	size_t n_docs;
};

struct dockerfile {
	struct instruction *v;
	size_t n;
	char escape;
};
#define DOCKERFILE_NULL ((struct dockerfile){ .escape = '\\' })

/* -EINVAL with Docker's sentence, which names line and instruction; -ENOMEM. Owned in *out. */
int dockerfile_parse(const char *text, size_t len, struct dockerfile *out,
		     struct err *err) must_check;
void dockerfile_deinit(struct dockerfile *file);

/* "RUN" and so on. */
const char *instruction_name(enum instruction_kind kind);
/* The value of the flag (its last, and `nth` counts from 0 for one that may be repeated), or NULL. */
const char *instruction_flag(const struct instruction *in, const char *name, size_t nth);
bool instruction_switch(const struct instruction *in, const char *name);
/* The here-document of a word like <<EOF, or NULL. */
const struct heredoc *instruction_heredoc(const struct instruction *in, const char *word);
