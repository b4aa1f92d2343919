/* SPDX-License-Identifier: Apache-2.0 */
/* An image archive's files under numbers of our own: names from outside never become names here. */
#include "jobs.h"

#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

#include "fd.h"
#include "str.h"

enum { SCAN_FILES_MAX = 10000 };

static int copy_file(struct tarball *t, int fd, uint64_t *size, char hex[65], struct err *err)
{
	static char block[256 << 10];
	unsigned char sum[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	ssize_t n = 0;
	int r = digest ? 0 : -ENOMEM;

	if (digest)
		EVP_DigestInit_ex(digest, EVP_sha256(), NULL);
	while (r == 0 && (n = archive_read_data(t->tar, block, sizeof(block))) > 0) {
		EVP_DigestUpdate(digest, block, (size_t)n);
		*size += (uint64_t)n;
		r = fd_write_all(fd, block, (size_t)n);
	}
	if (r == 0)
		EVP_DigestFinal_ex(digest, sum, NULL);
	EVP_MD_CTX_free(digest);
	if (n < 0)
		return err_set(err, ERR_INVALID, "%s", str_or_empty(archive_error_string(t->tar)));
	if (r < 0)
		return err_sys(err, r, "write");
	str_hex(sum, 32, hex);
	return 0;
}

static int scan_file(struct tarball *t, int dir_fd, unsigned int number, const char *path,
		     FILE *out, struct err *err)
{
	char name[16], hex[65];
	uint64_t size = 0;

	snprintf(name, sizeof(name), "%u", number);
	cleanup_fd int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_sys(err, errno, "create a temporary file");
	int r = copy_file(t, fd, &size, hex, err);

	if (r == 0)
		fprintf(out, "file %u %llu %s %s\n", number, (unsigned long long)size, hex, path);
	return r;
}

int job_scan(int in, int dir_fd, FILE *out, struct err *err)
{
	static struct tarball t;
	struct archive_entry *e;
	unsigned int n = 0;
	char hex[65];
	int r = tarball_open(&t, in, err);

	while (r == 0 && (r = tarball_next(&t, &e, err)) == 1) {
		const char *path = archive_entry_pathname(e), *link = archive_entry_symlink(e);

		r = 0;
		while (path && path[0] == '.' && path[1] == '/')
			path += 2;
		if (!path || strlen(path) > JOB_PATH_MAX || strpbrk(path, "\n\t"))
			r = err_set(err, ERR_INVALID, "entry %u has a bad name", n);
		else if (++n > SCAN_FILES_MAX)
			r = err_set(err, ERR_INVALID, "more than %d files", SCAN_FILES_MAX);
		else if (link && !strpbrk(link, "\n\t"))
			fprintf(out, "link %s\t%s\n", link, path);
		else if (archive_entry_filetype(e) == AE_IFREG && !archive_entry_hardlink(e))
			r = scan_file(&t, dir_fd, n, path, out, err);
	}
	r = r ? r : tarball_finish(&t, hex, err);
	if (r == 0 && n == 0)
		r = err_set(err, ERR_INVALID, "it is empty");
	tarball_deinit(&t);
	return r;
}
