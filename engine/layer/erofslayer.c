/* SPDX-License-Identifier: Apache-2.0 */
/* The index is derived: one that is not what the record says is made again from the tar, in a worker, and the
 * tar's digest is checked on the way. A tar of another size than recorded is an error, as the kernel would show
 * its missing end as zeroes. */
#include "erofslayer.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "driver.h"
#include "erofsmount.h"
#include "fd.h"
#include "lease.h"
#include "log.h"
#include "str.h"
#include "workerjob.h"

enum { RECORD_MAX = 256, HASH_BYTES = 64 << 10 };

int erofslayer_sync_file(int dir_fd, const char *name)
{
	cleanup_fd int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int erofslayer_describe(int dir_fd, struct layerrecord *record, struct err *err)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	int r = fd_read_file(dir_fd, "record", RECORD_MAX, &text);

	r = r ? r : layerrecord_parse_tar(str_or_empty(text.data), record);
	if (r < 0)
		return err_sys(err, r, "read the record of a layer");
	(void)unlinkat(dir_fd, "record", 0);
	return 0;
}

static int hash_file(int fd, char hex[65])
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	cleanup_free char *block = malloc(HASH_BYTES);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	off_t at = 0;
	ssize_t n;
	int r = block && ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 ? 0 : -ENOMEM;

	while (r == 0 && (n = pread(fd, block, HASH_BYTES, at)) != 0) {
		r = n < 0 ? -errno : EVP_DigestUpdate(ctx, block, (size_t)n) == 1 ? 0 : -ENOMEM;
		at += n > 0 ? n : 0;
	}
	if (r == 0 && EVP_DigestFinal_ex(ctx, sum, NULL) != 1)
		r = -ENOMEM;
	EVP_MD_CTX_free(ctx);
	if (r == 0)
		str_hex(sum, 32, hex);
	return r;
}

/* The layer's index when it is the one recorded, -EBADMSG when it is not. */
static int open_index(int dir_fd, const struct layerrecord *record)
{
	cleanup_fd int fd = openat(dir_fd, "index", O_RDONLY | O_CLOEXEC);
	char hex[65];
	int r = fd < 0 ? -errno : hash_file(fd, hex);

	if (r < 0)
		return r == -ENOENT ? -EBADMSG : r;
	return strcmp(hex, record->index_sha) == 0 ? steal_fd(&fd) : -EBADMSG;
}

static int open_tar(int dir_fd, const char *diff, const struct layerrecord *record, struct err *err)
{
	cleanup_fd int fd = openat(dir_fd, "tar", O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, errno, "open the tar of layer %.12s", diff);
	if ((uint64_t)st.st_size != record->tar_bytes)
		return err_set(err, ERR_DATA_LOSS,
			       "layer %.12s is damaged: its tar has %llu bytes, not %llu", diff,
			       (unsigned long long)st.st_size,
			       (unsigned long long)record->tar_bytes);
	return steal_fd(&fd);
}

static int run_worker(const struct layers *layers, int tar_fd, int lease_fd, struct buf *lines,
		      struct err *err)
{
	cleanup(worker_deinit) struct worker worker = WORKER_NULL;
	int r = worker_start(&worker, layers->bin_dir, "index", tar_fd, lease_fd, err);

	return r ? r : worker_finish(&worker, lines, err);
}

/* The new index first: whoever comes between the two finds it wrong and makes it once more. */
static int replace_index(int dir_fd, int lease_fd, struct layerrecord *record)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	int r = erofslayer_sync_file(lease_fd, "index");

	if (r == 0 && renameat(lease_fd, "index", dir_fd, "index") < 0)
		r = -errno;
	layerrecord_print(record, &text);
	r = r ? r : text.error;
	return r ? r : fd_replace_file(dir_fd, "size", text.data, text.len, 0600, true);
}

static int rebuild(const struct layers *layers, int dir_fd, int tar_fd, const char *diff,
		   struct layerrecord *record, struct err *err)
{
	cleanup(lease_deinit) struct lease lease = LEASE_NULL;
	cleanup(buf_deinit) struct buf lines = BUF_NULL;
	int r = lease_open(&lease, layers->state_fd, err);

	log_warn("layer=%.12s its index is damaged and made again", diff);
	r = r ? r : run_worker(layers, tar_fd, lease.fd, &lines, err);
	if (r < 0)
		return r;
	const char *said = str_or_empty(lines.data);

	if (!str_has_prefix(said, "diff ") || strncmp(said + 5, diff, 64) != 0)
		return err_set(err, ERR_DATA_LOSS, "the digest of its tar is another");
	r = erofslayer_describe(lease.fd, record, err);
	if (r < 0)
		return r;
	r = replace_index(dir_fd, lease.fd, record);
	return r < 0 ? err_sys(err, r, "write its index") : 0;
}

static int read_record(int dir_fd, const char *diff, struct layerrecord *record, struct err *err)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	int r = fd_read_file(dir_fd, "size", RECORD_MAX, &text);

	r = r ? r : layerrecord_parse(str_or_empty(text.data), record);
	if (r == 0 && !record->has_tar)
		r = -EBADMSG;
	return r < 0 ? err_sys(err, r, "read the record of layer %.12s", diff) : 0;
}

int erofslayer_mount(const struct layers *layers, const char *diff, struct err *err)
{
	cleanup_fd int dir = openat(layers->layers_fd, diff, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct layerrecord record = { 0 };
	int r = dir < 0 ? err_sys(err, errno, "open layer %.12s", diff)
			: read_record(dir, diff, &record, err);

	if (r < 0)
		return r;
	cleanup_fd int tar = open_tar(dir, diff, &record, err);
	cleanup_fd int index = tar < 0 ? tar : open_index(dir, &record);

	if (index == -EBADMSG && tar >= 0) {
		r = rebuild(layers, dir, tar, diff, &record, err);
		if (r < 0)
			return err_wrap(err, r, "layer %.12s is damaged", diff);
		index = open_index(dir, &record);
	}
	if (tar < 0)
		return tar;
	if (index < 0)
		return err_sys(err, index, "open the index of layer %.12s", diff);
	r = erofsmount(index, tar, err);
	return r < 0 ? err_wrap(err, r, "layer %.12s", diff) : r;
}
