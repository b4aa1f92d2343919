/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker does with untrusted bytes: private to cleat-worker. */
#pragma once

#include <archive.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>

#include "err.h"
#include "mem.h"

enum {
	JOB_ENTRIES_MAX = 4 << 20,
	JOB_PATH_MAX = 4095,
	JOB_NAME_MAX = 255,
};

/* A tar, decompressed on the way (gzip, zstd or plain) and hashed behind that. */
struct tarball {
	int fd;
	struct archive *bytes, *tar;
	EVP_MD_CTX *digest;
	uint64_t packed, unpacked; /* bytes so far */
	char in[128 << 10], out[128 << 10];
};

/* Reads from fd (borrowed). Close with tarball_deinit(). */
int tarball_open(struct tarball *t, int fd, struct err *err) must_check;
void tarball_deinit(struct tarball *t);
/* Reads to the end of the bytes behind the tar's end and writes their SHA-256 as 64 digits. */
int tarball_finish(struct tarball *t, char hex[65], struct err *err) must_check;
/* The next entry: 1, 0 at the end, -errno. */
int tarball_next(struct tarball *t, struct archive_entry **entry, struct err *err) must_check;

/* Unpacks a layer into the directory dir_fd; writes "layer DIGEST SIZE" to `out`. */
int job_unpack(int in, int dir_fd, FILE *out, struct err *err) must_check;
/* Writes the files of an archive as 0, 1, 2 ... into dir_fd, and to `out` a line for each:
 * "file NUMBER SIZE SHA256 PATH" or "link TARGET\tPATH". */
int job_scan(int in, int dir_fd, FILE *out, struct err *err) must_check;
