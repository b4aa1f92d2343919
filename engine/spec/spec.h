/* SPDX-License-Identifier: Apache-2.0 */
/* A container's request and its image's config become the OCI config.json (runtime spec 1.1) that
 * cleat-oci, or any OCI runtime, executes. Pure: user names are resolved before, nothing is looked up. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleat/v1/config.pb-c.h"
#include "cleat/v1/exec.pb-c.h"
#include "cleat/v1/images.pb-c.h"
#include "err.h"
#include "idrange.h"
#include "mem.h"

enum { SPEC_LAYER_FD = 6 }; /* shim.proto, ShimSpec.layers */

struct spec_user {
	uint32_t uid, gid;
	const uint32_t *groups; /* additional ones */
	size_t n_groups;
	const char *home; /* for HOME; "" = "/" */
};

/* A mount with a clean target and, for a volume, what it is on the host. All borrowed. */
struct spec_mount {
	const Cleat__V1__Mount *mount;
	const char *
		source; /* of a volume: its directory, or what its file system is on; of an image: its layers, one a
			      * line as in `lower` */
	const char *type;    /* of a volume that is a file system of its own; NULL = a directory */
	const char *options; /* those of that file system, divided by commas; NULL = none */
};

/* A device that the container gets beside the usual ones. All borrowed. */
struct spec_device {
	const char *path;   /* in the container */
	const char *access; /* of "rwm" */
	bool block;
	uint32_t major, minor, mode, uid, gid;
};

/* A limit of a block device: bytes or operations a second, or a weight. */
enum spec_rate_kind {
	SPEC_RATE_WEIGHT,
	SPEC_RATE_READ_BPS,
	SPEC_RATE_WRITE_BPS,
	SPEC_RATE_READ_IOPS,
	SPEC_RATE_WRITE_IOPS,
};
struct spec_rate {
	enum spec_rate_kind kind;
	uint32_t major, minor;
	uint64_t rate;
};

/* All borrowed. */
struct spec_input {
	const char *id;
	const Cleat__V1__ContainerConfig *config;
	const Cleat__V1__ImageConfig *image;
	struct spec_user user;
	const struct spec_mount *mounts; /* instead of the config's */
	size_t n_mounts;
	const struct spec_device *devices; /* instead of the config's */
	size_t n_devices;
	const struct spec_rate *rates; /* instead of the config's */
	size_t n_rates;
	const char *dir; /* STATE/containers/ID: upper, work */
	const char *
		root; /* STATE/rootfs: an empty directory, where each container has its own mounted */
	const char *names_dir; /* where hostname, hosts and resolv.conf are; NULL = dir */
	/* The image's layers, topmost first: paths of directories, or "fd:N" for the descriptors that
	 * the shim hands the runtime from SPEC_LAYER_FD on. */
	const char *const *lower;
	size_t n_lower;
	/* Number of the descriptor of the network namespace that the shim hands the runtime, behind the layers;
	 * 0 = the runtime makes one, or none with mode host. */
	int netns_fd;
	/* Those behind it of /proc/PID of the containers whose pid and whose IPC namespace it is in; 0 = no other's. */
	int pid_fd, ipc_fd;
	struct idrange ids; /* of the host, for a user namespace of its own; n 0 = it has none */
	unsigned kernel[2]; /* version of the host's: 6, 1 */
	const char *cgroup_path; /* below each hierarchy, with leading slash */
};

/* The arguments the container will run: entrypoint and command of request and image as Docker combines
 * them. Borrowed strings in an owned, NULL-terminated array; -EINVAL (reason NO_COMMAND) when there are
 * none. Joined by blanks it is the container's command in lists. */
int spec_arguments(const Cleat__V1__ContainerConfig *config, const Cleat__V1__ImageConfig *image,
		   const char ***arguments, struct err *err) must_check;

/* Returns owned JSON text in *json. -EINVAL names the field; UNIMPLEMENTED what needs a later release. */
int spec_build(const struct spec_input *in, char **json, struct err *err) must_check;

/* An exec in a container: the container's settings as stored (image's defaults filled in), and what
 * is asked for. All borrowed. */
struct spec_exec_input {
	const char *container_id;
	const Cleat__V1__ContainerConfig *container;
	const Cleat__V1__CreateExecRequest *exec;
	const Cleat__V1__TerminalSize *size; /* that it begins with; NULL = none */
	struct spec_user user;
};

/* The OCI `process` object as owned JSON text in *json. -EINVAL names the field. */
int spec_exec(const struct spec_exec_input *in, char **json, struct err *err) must_check;

/* Whether the limits make sense, with Docker's sentences. NULL is fine. */
int spec_check_resources(const Cleat__V1__Resources *resources, struct err *err) must_check;

/* What has to be written so that a running container with the limits `from` has those of `to`, of the limits that can be
 * changed: an OCI `linux.resources` object without devices. NULL = none. Owned JSON text in *json. */
int spec_limits(const Cleat__V1__Resources *from, const Cleat__V1__Resources *to, char **json,
		struct err *err) must_check;

/* The config.json of spec_build() (n bytes) with other limits. Owned JSON text in *json. */
int spec_relimit(const char *text, size_t n, const Cleat__V1__Resources *to, char **json,
		 struct err *err) must_check;
