/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "cancel.h"
#include "copytree.h"
#include "sha256.h"
#include "str.h"
#include "treepart.h"

enum { BLOCK_BYTES = 64 << 10 };

struct hash {
	const struct copy_rules *rules;
	EVP_MD_CTX *digest;
	EVP_MD_CTX *file; /* of one file's contents; NULL = none was read yet */
	struct buf path;  /* below the source */
};

static int hash_xattr(void *ctx, const char *key, const void *value, size_t len)
{
	struct hash *h = ctx;
	char line[300];
	int n = snprintf(line, sizeof(line), "x %.255s %zu\n", key, len);

	return EVP_DigestUpdate(h->digest, line, (size_t)n) == 1 &&
			       EVP_DigestUpdate(h->digest, value, len) == 1
		       ? 0
		       : -ENOMEM;
}

int treedigest_head(EVP_MD_CTX *digest, const struct copy_rules *rules, const char *path,
		    const struct stat *st, const char *link)
{
	cleanup(buf_deinit) struct buf line = BUF_NULL;

	buf_json_string(&line, path, strlen(path));
	buf_printf(&line, " %o %o %lld %lld %llx ", st->st_mode & S_IFMT, treepart_mode(rules, st),
		   treepart_owner(rules->uid, st->st_uid), treepart_owner(rules->gid, st->st_gid),
		   (unsigned long long)st->st_rdev);
	buf_json_string(&line, link, strlen(link));
	buf_putc(&line, '\n');
	return line.error || EVP_DigestUpdate(digest, line.data, line.len) != 1 ? -ENOMEM : 0;
}

static int hash_head(struct hash *h, const struct stat *st, const char *link)
{
	return treedigest_head(h->digest, h->rules, str_or_empty(h->path.data), st, link);
}

static int read_digest(struct hash *h, int fd, unsigned char sum[SHA256_BYTES])
{
	cleanup_free char *block = malloc(BLOCK_BYTES);
	ssize_t n;

	if (!h->file)
		h->file = EVP_MD_CTX_new();
	if (!block || !h->file || EVP_DigestInit_ex(h->file, EVP_sha256(), NULL) != 1)
		return -ENOMEM;
	while ((n = read(fd, block, BLOCK_BYTES)) > 0)
		if (EVP_DigestUpdate(h->file, block, (size_t)n) != 1)
			return -ENOMEM;
	return n < 0 ? -errno : EVP_DigestFinal_ex(h->file, sum, NULL) == 1 ? 0 : -ENOMEM;
}

/* The contents go in by their digest, so that who has that need not have them. */
static int hash_bytes(struct hash *h, int fd)
{
	unsigned char sum[SHA256_BYTES];
	int r = cancel_check(h->rules->cancel_fds, "the build", NULL);

	r = r ? r : read_digest(h, fd, sum);
	if (r < 0)
		return r;
	return EVP_DigestUpdate(h->digest, sum, sizeof(sum)) == 1 ? 0 : -ENOMEM;
}

static int hash_any(struct hash *h, int dir_fd, const char *name, int depth);

static int hash_below(struct hash *h, int fd, int depth)
{
	cleanup(treelist_deinit) struct treelist l = { 0 };
	size_t len = h->path.len;
	int r = depth < COPYTREE_DEPTH_MAX ? treelist_read(&l, fd) : -ELOOP;

	for (int i = 0; r == 0 && i < l.n; i++) {
		buf_printf(&h->path, "%s%s", len ? "/" : "", l.v[i]->d_name);
		r = h->path.error ? h->path.error : hash_any(h, fd, l.v[i]->d_name, depth + 1);
		h->path.len = len;
	}
	return r;
}

static int hash_open(struct hash *h, int dir_fd, const char *name, const struct stat *st, int depth)
{
	bool dir = S_ISDIR(st->st_mode);
	cleanup_fd int fd =
		dir ? treepart_open_dir(dir_fd, name) : treepart_open_file(dir_fd, name);
	int r = fd < 0 ? fd : hash_head(h, st, "");

	r = r ? r : treepart_each_xattr(fd, hash_xattr, h);
	if (r < 0)
		return r;
	return dir ? hash_below(h, fd, depth) : hash_bytes(h, fd);
}

/* What is recursive keeps its frames small: trees are deep, threads' stacks are not. */
static int hash_any(struct hash *h, int dir_fd, const char *name, int depth)
{
	cleanup_free char *target = NULL;
	struct stat st;

	if (h->path.data)
		h->path.data[h->path.len] = '\0';
	if (treepart_excluded(h->rules, h->path.data))
		return 0;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
		return hash_open(h, dir_fd, name, &st, depth);
	if (S_ISLNK(st.st_mode) && !(target = treepart_link(dir_fd, name)))
		return -errno;
	return hash_head(h, &st, str_or_empty(target));
}

int copytree_digest(int dir_fd, const char *name, const struct copy_rules *rules,
		    EVP_MD_CTX *digest, struct err *err)
{
	struct hash h = { .rules = rules, .digest = digest };
	int r = hash_any(&h, dir_fd, name, 0);

	buf_deinit(&h.path);
	EVP_MD_CTX_free(h.file);
	return r < 0 ? err_sys(err, r, "read \"%.120s\"", name) : 0;
}
