/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker does with untrusted bytes: private to cleat-worker. One thread; everything blocks. */
#pragma once

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "err.h"
#include "mem.h"
#include "tar.h"
#include "untar.h"

enum {
	JOB_ENTRIES_MAX = 4 << 20, /* of one layer */
	JOB_FILES_MAX = 10000,     /* of one archive */
	JOB_DOCUMENT_MAX = 4 << 20,
	JOB_PATH_MAX = 4095,
	JOB_DEPTH_MAX = 255,
	JOB_NAME_MAX = 255,
};

/* ---- tarball.c: a tar, decompressed on the way (gzip, zstd, xz, bzip2 or plain) and hashed behind that */

/* The first call gives at least TARBALL_HEAD bytes unless there are fewer. */
typedef untar_read_fn tarball_read_fn;

enum { TARBALL_HEAD = 512 };
enum tarball_kind { TARBALL_OTHER, TARBALL_PLAIN, TARBALL_GZIP, TARBALL_FILTERED };
/* What the first bytes are of. A plain tar is known by its first header's checksum. Pure. */
enum tarball_kind tarball_kind(const void *head, size_t len);

struct archive;
struct gunzip;

struct tarball {
	tarball_read_fn *read;
	void *ctx;
	enum tarball_kind kind;
	struct gunzip *gunzip; /* of a gzip */
	struct archive *bytes; /* of a filtered one: decompresses */
	struct untar tar;
	EVP_MD_CTX *digest;        /* of the tar; NULL = nobody asked */
	uint64_t packed, unpacked; /* bytes so far */
	const void *head;          /* first bytes, read already */
	ssize_t head_len;
	const void *in; /* of the source, not taken yet */
	size_t in_len;
	bool in_end;
	char *out;
	uint64_t max_bytes; /* that may come of it, 0 = no limit; to be set after the opening */
	int copy_fd;        /* gets the tar as it is read, -1 = none does; the same */
	struct err err;     /* why there are no more bytes */
};

/* `hashed`: tarball_finish() gives the digest. Close with tarball_deinit(), also after a failure. */
int tarball_open(struct tarball *t, tarball_read_fn *read, void *ctx, bool hashed,
		 struct err *err) must_check;
void tarball_deinit(struct tarball *t);
/* The same for who parses the tar himself, and then asks for its bytes alone: */
int tarball_open_bytes(struct tarball *t, tarball_read_fn *read, void *ctx,
		       struct err *err) must_check;
/* Puts the tar's next n bytes at `to`; fewer at the end, and 0 behind it. -errno. */
ssize_t tarball_fill(struct tarball *t, char *to, size_t n, struct err *err) must_check;
/* Reads to the end of the bytes behind the tar's end and writes their SHA-256 as 64 digits. */
int tarball_finish(struct tarball *t, char hex[65], struct err *err) must_check;
/* The next entry: 1, 0 at the end, -errno. */
int tarball_next(struct tarball *t, const struct tar_entry **entry, struct err *err) must_check;

/* ---- member.c: one file of an archive as a source of bytes, hashed */

struct member {
	struct untar *tar;
	EVP_MD_CTX *digest;
	uint64_t size;
	const void *first; /* the first block, not yet given out; NULL after */
	const char *rest;  /* what is left of the block that filled the head */
	size_t first_len, rest_len;
	char head[TARBALL_HEAD];
};
int member_open(struct member *m, struct untar *tar, struct err *err) must_check;
void member_deinit(struct member *m);
/* A tarball_read_fn. */
ssize_t member_read(void *ctx, const void **data, struct err *err);
/* Reads the rest and writes the SHA-256 of all as 64 digits. */
int member_finish(struct member *m, char hex[65], struct err *err) must_check;

/* ---- place.c: where an entry of a layer goes; never outside, never through a link */

struct place {
	int root;
	bool follow; /* links to directories inside the worker's root lead on */
	int fd;      /* the directory last asked for, -1 = none */
	char *path;  /* its path below root */
};
/* The entry's path without leading and trailing '/', "./" and "//"; "" is the root itself. ".." and
 * what is too long or too deep is refused. Pure. */
int place_clean(const char *raw, char out[JOB_PATH_MAX + 1], struct err *err) must_check;
/* Descriptor (borrowed until the next call) of the directory that holds `path`, made if nothing
 * listed it; *name is the last part. */
int place_parent(struct place *p, char *path, const char **name, struct err *err) must_check;
/* Opens what is below the root without following links, but as `follow` says. */
int place_open(const struct place *p, const char *path, int flags) must_check;
/* Closes what it keeps. */
void place_forget(struct place *p);

/* ---- tarentry.c: what every driver makes of an entry. Pure */

/* The file's type and permissions: those of a link, which has none, are 0777, as Linux shows them. 0 = a type no layer
 * can have. */
mode_t tarentry_mode(const struct tar_entry *e) must_check;
/* -EINVAL with a sentence when no file can be like it, wherever it is put. */
int tarentry_check(const struct tar_entry *e, struct err *err) must_check;
/* What is wrong with an entry in the place of the root that is no directory. */
int tarentry_is_root(struct err *err);
/* The time it gets: 0 for one before 1970 or beyond 64 bits of nanoseconds, as Docker has it. */
struct timespec tarentry_time(const struct tar_entry *e);

/* ---- unpack.c */

struct job_tools;

/* Keeps a layer as NUMBER below job_fd, in the form of one of the engine's layer drivers; its diff id and
 * the bytes of its files. */
typedef int layer_keep_fn(const struct job_tools *tools, tarball_read_fn *read, void *ctx,
			  int job_fd, unsigned int number, char hex[65], uint64_t *size,
			  struct err *err);

/* Driver `dir`: unpacked in NUMBER/fs. */
layer_keep_fn layer_unpack;

/* Unpacks files into a directory that has some: a file replaces another, a directory is merged. With `keep_kind` a
 * directory is replaced by nothing else, and nothing else by one. */
int unpack_files(tarball_read_fn *read, void *ctx, int dir_fd, bool keep_kind,
		 struct err *err) must_check;
/* Unpacks files into the directory dir_fd as they are: nothing means a deletion, and devices are refused. */
int unpack_tree(tarball_read_fn *read, void *ctx, int dir_fd, struct err *err) must_check;

/* ---- layerindex.c */

/* Driver `erofs`: NUMBER/tar, NUMBER/index and NUMBER/record. */
layer_keep_fn layer_index;

/* ---- input.c: the bytes of a job's descriptor, in whole blocks however small the pieces are that arrive */

struct input {
	int fd;
	char *block;
};
int input_open(struct input *in, int fd, struct err *err) must_check;
void input_deinit(struct input *in);
/* A tarball_read_fn. */
ssize_t input_read(void *ctx, const void **data, struct err *err);

/* ---- jobs */

struct conveyor;

struct job_tools {
	layer_keep_fn
		*keep; /* what to do with layers; NULL where the job has nothing to do with any */
	struct conveyor *conveyor; /* a second thread; NULL where `keep` has no use for it */
	uint64_t max_bytes;        /* of a layer's tar, 0 = no limit */
	bool keep_tar;             /* as NUMBER.blob too, where `keep` would not */
};
typedef int job_fn(int in, int dir_fd, const struct job_tools *tools, FILE *out, struct err *err);

/* An image archive from `in`, into dir_fd: documents as files 0, 1, 2 ..., layers as they are to be kept, and
 * where that does not keep their bytes also as they came, as NUMBER.blob. Layers whose diff id is named in the
 * file "known" and in their own path are only hashed. Writes a line for each file to `out`;
 * engine/image/result.h has the format. */
job_fn job_load;
/* One layer from `in`, as registries have it, into dir_fd as number 1. Its bytes are hashed by who sends them:
 * the line it writes to `out` has none for them. */
job_fn job_layer;
/* The files of a tar (a build's context, what ADD takes apart) into dir_fd. Writes nothing. */
job_fn job_tree;
/* Whether a tar comes from `in`: fails when there is no first entry that can be read. */
job_fn job_probe;
/* A layer's tar from `in`: its index and record anew, into dir_fd. Writes "diff DIFFID" to `out`. */
job_fn job_index;

/* ---- packjob.c and others: what is done with the files of containers */

struct file_job {
	int stream_fd;     /* the bytes that come or go */
	int dir_fd;        /* the directory it is confined to */
	FILE *out;         /* lines of the result */
	char *const *args; /* the words behind the job's name, NULL-terminated */
};

/* A pack_write_fn to the descriptor *ctx. */
int job_write(void *ctx, const void *data, size_t n, struct err *err);
/* The directory, an overlay's upper one, as a layer's tar. */
int job_pack(const struct file_job *job, struct err *err) must_check;
/* diffjob.c: what the upper directory, a descriptor whose number is the first word, changes of the directory: to
 * the stream A, C or D, a path, and a NUL for each. */
int job_diff(const struct file_job *job, struct err *err) must_check;

/* filejob.c: the first word is a path inside the root, as users write it.
 * What it is, to the stream. */
int job_stat(const struct file_job *job, struct err *err) must_check;
/* The same, and it with all below as a tar; with "bare" as the second word the tar alone. */
int job_get(const struct file_job *job, struct err *err) must_check;
/* A tar from the stream into a directory; the second word may be "keep-kind". */
int job_put(const struct file_job *job, struct err *err) must_check;
/* Everything as a tar, to the stream; no words. */
int job_export(const struct file_job *job, struct err *err) must_check;

/* ---- enter.c */

/* Jobs for the root of a container have leading words that begin with "root=":
 *   root=pid:N       the mount namespace of the process whose pidfd is N
 *   root=at:PATH     an overlay that is mounted on PATH/rootfs, in a mount namespace that ends with the worker
 *   root=lower:NAME  its layers, topmost first (overlay.h)
 *   root=upper:PATH root=work:PATH   what it is written to; without them it is read-only
 *   root=bind:FLAGS:SOURCE<newline>TARGET   a bind mount inside, FLAGS "r" for read-only; SOURCE is a path, or "fd:N"
 *                    for a mount that is nowhere yet; with these before it
 *   root=layer:PATH  what makes the source, topmost first, read-only
 *   root=part:PATH   what of it is mounted; links lead nowhere outside it
 *   root=readonly    itself, but not what is mounted below
 *   root=flat        without what is mounted below
 *   root=sealed      read-only, with all below it
 * Makes that the directory `dir_fd` (as dup2(2) does), where no device can be opened, and moves *words behind
 * them. Does nothing without such words. To be called before the worker is confined. */
int enter_root(char *const **words, int dir_fd, struct err *err) must_check;
