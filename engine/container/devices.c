/* SPDX-License-Identifier: Apache-2.0 */
#include "devices.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "cleanpath.h"
#include "fd.h"
#include "str.h"

enum { DEPTH_MAX = 32 };

static int no_memory(struct err *err)
{
	return err_sys(err, ENOMEM, "list the devices");
}

void devices_deinit(struct devices *devices)
{
	for (size_t i = 0; i < devices->n_texts; i++)
		free(devices->texts[i]);
	free(devices->texts);
	free(devices->v);
}

/* Keeps the text, which is consumed; NULL without memory. */
static const char *keep(struct devices *devices, char *text)
{
	char **grown =
		text ? reallocarray(devices->texts, devices->n_texts + 1, sizeof(*grown)) : NULL;

	if (!grown) {
		free(text);
		return NULL;
	}
	devices->texts = grown;
	grown[devices->n_texts++] = text;
	return text;
}

static int add(struct devices *devices, const struct stat *st, const char *path, const char *access,
	       struct err *err)
{
	struct spec_device *grown = reallocarray(devices->v, devices->n + 1, sizeof(*devices->v));

	if (!grown)
		return no_memory(err);
	devices->v = grown;
	if (devices->n == DEVICES_MAX)
		return err_set(err, ERR_INVALID, "more than %d devices", DEVICES_MAX);
	grown[devices->n] = (struct spec_device){
		.path = keep(devices, cleanpath(path)),
		.access = access,
		.block = S_ISBLK(st->st_mode),
		.major = major(st->st_rdev),
		.minor = minor(st->st_rdev),
		.mode = st->st_mode & 0777,
		.uid = st->st_uid,
		.gid = st->st_gid,
	};
	return grown[devices->n].path ? (devices->n++, 0) : no_memory(err);
}

/* Mounts of a container, and devices that every one has. */
static bool is_own(const char *path)
{
	static const char *const own[] = { "/dev/pts",    "/dev/shm",     "/dev/fd",
					   "/dev/mqueue", "/dev/ptmx",    "/dev/console",
					   "/dev/null",   "/dev/zero",    "/dev/full",
					   "/dev/random", "/dev/urandom", "/dev/tty" };

	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (strcmp(path, own[i]) == 0)
			return true;
	return false;
}

/* Consumes the descriptor. */
static int add_below(struct devices *devices, int fd, const char *path, const char *access,
		     int depth, struct err *err)
{
	DIR *dir = fd_dir(fd);
	struct dirent *entry;
	int r = 0;

	if (!dir)
		return no_memory(err);
	while (r == 0 && (entry = readdir(dir))) {
		cleanup_free char *name = str_path(path, entry->d_name);
		struct stat st;
		int below;

		if (!name)
			r = no_memory(err);
		else if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
			 is_own(name) || fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		else if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
			r = add(devices, &st, name, access, err);
		else if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX &&
			 (below = openat(fd, entry->d_name,
					 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) >= 0)
			r = add_below(devices, below, name, access, depth + 1, err);
	}
	closedir(dir);
	return r;
}

static int missing(const char *path, const char *why, struct err *err)
{
	return err_set(err, ERR_INVALID,
		       "error gathering device information while adding custom device "
		       "\"%.100s\": %s",
		       path, why);
}

static int add_one(struct devices *devices, const Cleat__V1__Device *d, struct err *err)
{
	const char *access = d->permissions[0] ? d->permissions : "rwm";
	const char *path = d->container_path[0] ? d->container_path : d->host_path;
	struct stat st;

	access = keep(devices, strdup(access));
	if (!access)
		return no_memory(err);
	if (access[strspn(access, "rwm")] != '\0' || strlen(access) > 3)
		return err_set(err, ERR_INVALID, "invalid device permissions \"%.20s\" of %.100s",
			       access, d->host_path);
	if (path[0] != '/')
		return err_set(err, ERR_INVALID, "%.100s is not an absolute path", path);
	if (stat(d->host_path, &st) < 0)
		return missing(d->host_path, strerror(errno), err);
	if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
		return add(devices, &st, path, access, err);

	int fd = S_ISDIR(st.st_mode) ? open(d->host_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	return fd < 0 ? missing(d->host_path, "not a device node", err)
		      : add_below(devices, fd, path, access, 0, err);
}

/* Everything of the host's /dev but what a container has of its own. */
static int add_all(struct devices *devices, struct err *err)
{
	int fd = open("/dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? 0 : add_below(devices, fd, "/dev", "rwm", 0, err);
}

int devices_find(struct devices *devices, const Cleat__V1__ContainerConfig *config, struct err *err)
{
	int r = config->privileged ? add_all(devices, err) : 0;

	for (size_t i = 0; r == 0 && i < config->n_devices; i++)
		r = add_one(devices, config->devices[i], err);
	return r;
}
