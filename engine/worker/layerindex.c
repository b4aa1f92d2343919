/* SPDX-License-Identifier: Apache-2.0 */
/* A layer as the driver `erofs` keeps it: the tar as it is, and an index by which the kernel reads it. The
 * record tells what both must be: the tar's size, as a cut one would show wrong files, and the index's
 * digest, as the kernel checks next to nothing of it. An index can be made again from the tar. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "conveyor.h"
#include "erofs.h"
#include "fault.h"
#include "fd.h"
#include "jobs.h"
#include "str.h"
#include "tarfile.h"
#include "tarparse.h"
#include "tree.h"

struct indexing {
	struct tarball t;
	struct tarparse *parse;
	struct tree tree;
	struct tarfile tar; /* fd -1: it is there already */
	EVP_MD_CTX *digest;
	uint64_t tar_size;
};

static int indexing_init(struct indexing *x, struct err *err)
{
	x->digest = EVP_MD_CTX_new();
	if (!x->digest || EVP_DigestInit_ex(x->digest, EVP_sha256(), NULL) != 1 ||
	    tree_init(&x->tree) < 0 || tarparse_new(&x->parse) < 0)
		return err_sys(err, ENOMEM, "index the layer");
	return 0;
}

static void indexing_deinit(struct indexing *x)
{
	tarball_deinit(&x->t);
	tarparse_freep(&x->parse);
	tree_deinit(&x->tree);
	tarfile_deinit(&x->tar);
	EVP_MD_CTX_free(x->digest);
}

static int parse_block(struct indexing *x, const char *block, size_t n, struct err *err)
{
	struct tarparse_data data;
	int event = TARPARSE_DATA, r = 0;

	while (r == 0 && (event == TARPARSE_DATA || event == TARPARSE_ENTRY)) {
		event = tarparse_step(x->parse, &block, &n, &data, err);
		if (event == TARPARSE_ENTRY)
			r = tree_add(&x->tree, tarparse_entry(x->parse), err);
	}
	return event < 0 ? event : r;
}

/* What the second thread does with the tar. */
static int take_block(void *ctx, char *block, size_t n, struct err *err)
{
	struct indexing *x = ctx;
	int r = parse_block(x, block, n, err);

	if (r == 0 && EVP_DigestUpdate(x->digest, block, n) != 1)
		r = err_set(err, ERR_INTERNAL, "sha256 failed");
	x->tar_size += n;
	r = r || x->tar.fd < 0 ? r : tarfile_write(&x->tar, block, n, err);
	fault_point(FAULT_WORKER_LAYER_GREW);
	return r;
}

/* What the first one does. */
static int take_all(struct indexing *x, struct conveyor *conveyor, struct err *err)
{
	ssize_t n = 0;
	char *to;
	size_t room;

	conveyor_begin(conveyor, take_block, x);
	while ((to = conveyor_room(conveyor, &room)) &&
	       (n = tarball_fill(&x->t, to, room, err)) > 0)
		conveyor_put(conveyor, (size_t)n);
	int r = conveyor_end(conveyor, n < 0, n < 0 ? NULL : err);

	return n < 0 ? (int)n : r;
}

static int finish_digest(struct indexing *x, char hex[65], struct err *err)
{
	unsigned char sum[EVP_MAX_MD_SIZE];

	if (EVP_DigestFinal_ex(x->digest, sum, NULL) != 1)
		return err_set(err, ERR_INTERNAL, "sha256 failed");
	str_hex(sum, 32, hex);
	return 0;
}

static int write_index(struct indexing *x, int dir_fd, const char *diff, struct err *err)
{
	cleanup(buf_deinit) struct buf index = BUF_NULL, record = BUF_NULL;
	unsigned char sum[EVP_MAX_MD_SIZE];
	char hex[65];
	int r = erofs_write(&x->tree, x->tar_size, diff, &index, err);

	if (r < 0)
		return r;
	if (EVP_Digest(index.data, index.len, sum, NULL, EVP_sha256(), NULL) != 1)
		return err_set(err, ERR_INTERNAL, "sha256 failed");
	str_hex(sum, 32, hex);
	buf_printf(&record, "tar %llu\nindex %s\n", (unsigned long long)x->tar_size, hex);
	r = record.error;
	r = r ? r : fd_create_file(dir_fd, "index", index.data, index.len, 0600);
	fault_point(FAULT_WORKER_INDEX_WRITTEN);
	r = r ? r : fd_create_file(dir_fd, "record", record.data, record.len, 0600);
	fault_point(FAULT_WORKER_RECORD_WRITTEN);
	return r < 0 ? err_sys(err, r, "write") : 0;
}

/* Reads the tar, of which a copy goes to x->tar unless it is there already, and writes its index. */
static int index_tar(struct indexing *x, const struct job_tools *tools, tarball_read_fn *read,
		     void *ctx, int dir_fd, char hex[65], struct err *err)
{
	int r = tarball_open_bytes(&x->t, read, ctx, err);

	x->t.max_bytes = tools->max_bytes;
	r = r ? r : indexing_init(x, err);
	r = r ? r : take_all(x, tools->conveyor, err);
	r = r ? r : tarparse_end(x->parse, err);
	r = r ? r : finish_digest(x, hex, err);
	if (r == 0 && x->tar.fd >= 0)
		r = tarfile_finish(&x->tar, err);
	fault_point(FAULT_WORKER_TAR_WRITTEN);
	return r ? r : write_index(x, dir_fd, hex, err);
}

int layer_index(const struct job_tools *tools, tarball_read_fn *read, void *ctx, int job_fd,
		unsigned int number, char hex[65], uint64_t *size, struct err *err)
{
	cleanup(indexing_deinit) struct indexing x = { .tar = TARFILE_NULL };
	char name[16];

	snprintf(name, sizeof(name), "%u", number);
	int r = mkdirat(job_fd, name, 0700) < 0 ? -errno : 0;
	cleanup_fd int dir = r ? -1 : openat(job_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return err_sys(err, r ? r : errno, "make a layer's directory");
	fault_point(FAULT_WORKER_LAYER_BEGUN);
	r = tarfile_open(&x.tar, dir, "tar", err);
	r = r ? r : index_tar(&x, tools, read, ctx, dir, hex, err);
	*size = x.tree.size;
	return r;
}

int job_index(int in, int dir_fd, const struct job_tools *tools, FILE *out, struct err *err)
{
	cleanup(indexing_deinit) struct indexing x = { .tar = TARFILE_NULL };
	cleanup(input_deinit) struct input input;
	char diff[65];
	int r = input_open(&input, in, err);

	r = r ? r : index_tar(&x, tools, input_read, &input, dir_fd, diff, err);
	if (r == 0)
		fprintf(out, "diff %s\n", diff);
	return r;
}
