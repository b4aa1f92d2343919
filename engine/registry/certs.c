/* SPDX-License-Identifier: Apache-2.0 */
#include "certs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "fd.h"
#include "str.h"

enum { AUTHORITIES_MAX = 4 << 20 };

/* With curl this replaces the system's file, so that comes first. */
static const char system_authorities[] = "/etc/ssl/certs/ca-certificates.crt";

static int add_authority(struct certs *certs, int dir_fd, const char *name, struct err *err)
{
	int r = 0;

	if (certs->authorities.len == 0)
		r = fd_read_file(AT_FDCWD, system_authorities, AUTHORITIES_MAX,
				 &certs->authorities);
	if (r == 0 || r == -ENOENT)
		r = fd_read_file(dir_fd, name, AUTHORITIES_MAX, &certs->authorities);
	buf_putc(&certs->authorities, '\n');
	return r < 0 ? err_sys(err, r, "read %s", name) : 0;
}

static int add_identity(struct certs *certs, int dir_fd, const char *dir, const char *name,
			struct err *err)
{
	cleanup_free char *stem = strndup(name, strlen(name) - strlen(".cert"));
	cleanup_free char *key = stem ? str_printf("%s.key", stem) : NULL;
	struct stat st;

	if (key && fstatat(dir_fd, key, &st, 0) < 0)
		return err_set(err, ERR_PRECONDITION, "%s/%s has no %s beside it", dir, name, key);
	certs->cert = str_path(dir, name);
	certs->key = key ? str_path(dir, key) : NULL;
	return certs->cert && certs->key ? 0 : err_sys(err, ENOMEM, "certificates");
}

int certs_find(struct certs *certs, const char *dir, const char *host, struct err *err)
{
	cleanup_free char *path = str_path(dir, host);
	int fd = path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1, r = 0;
	DIR *list = fd_dir(fd);

	*certs = (struct certs){ 0 };
	if (!list) {
		r = errno;
		return r == ENOENT || r == ENOTDIR ? 0
						   : err_sys(err, r, "open %s", str_or_empty(path));
	}
	for (struct dirent *e; r == 0 && (e = readdir(list));) {
		if (str_has_suffix(e->d_name, ".crt"))
			r = add_authority(certs, fd, e->d_name, err);
		else if (str_has_suffix(e->d_name, ".cert") && !certs->cert)
			r = add_identity(certs, fd, path, e->d_name, err);
	}
	closedir(list);
	return r;
}

void certs_deinit(struct certs *certs)
{
	buf_deinit(&certs->authorities);
	free(certs->cert);
	free(certs->key);
	*certs = (struct certs){ 0 };
}
