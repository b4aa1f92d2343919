/* SPDX-License-Identifier: Apache-2.0 */
/* Names of images as Docker has them: [domain/]path[:tag][@digest]. Pure. */
#pragma once

#include "err.h"
#include "mem.h"

enum { REFERENCE_MAX = 512 };

struct reference {
	char domain[256]; /* docker.io when none was given */
	char path[256];   /* library/busybox */
	char tag[129];    /* "" = none */
	char digest[72];  /* sha256:..., "" = none */
};

/* Parses and normalises. -EINVAL with Docker's sentence. */
int reference_parse(const char *text, struct reference *ref, struct err *err) must_check;
/* Whether this alone could be a tag. */
bool reference_tag_ok(const char *tag);
/* docker.io/library/busybox:latest; the tag is latest when there is none. */
void reference_full(const struct reference *ref, char out[REFERENCE_MAX]);
/* What a name is before its tag or its digest: docker.io/library/busybox, also of what users see. */
void reference_repository(const char *name, char out[REFERENCE_MAX]);
/* What users see of a full name: busybox:latest. It parses to the same. */
void reference_familiar(const char *full, char out[REFERENCE_MAX]);
