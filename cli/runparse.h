/* SPDX-License-Identifier: Apache-2.0 */
/* The flags of run and create that need more than a field: policies, ports, mounts, health, limits.
 * Pure but for files named by --security-opt seccomp=. */
#pragma once

#include "runflags.h"

/* Applies all of them to the request. ERR_INVALID naming flag and value. */
int runparse_apply(const struct flags *flags, Cleat__V1__CreateContainerRequest *req,
		   const struct runflags_source *source, struct err *err) must_check;

/* Those of them that stand for themselves, as far as they are given. */
int runparse_each(const struct flags *flags, Cleat__V1__ContainerConfig *c,
		  struct err *err) must_check;

/* -v source:target[:options], target alone, and --mount type=...,... */
int runmount_volume(const char *text, Cleat__V1__ContainerConfig *c, struct err *err) must_check;
int runmount_mount(const char *text, Cleat__V1__ContainerConfig *c, struct err *err) must_check;
int runmount_tmpfs(const char *text, Cleat__V1__ContainerConfig *c, struct err *err) must_check;
/* -p [ip:][host[-end]:]container[-end][/protocol] */
int runport_publish(const char *text, Cleat__V1__ContainerConfig *c, struct err *err) must_check;

/* --health-*, --no-healthcheck; --restart-* beside --restart, which must have been applied. */
int runhealth_apply(const struct flags *flags, Cleat__V1__ContainerConfig *c,
		    struct err *err) must_check;
/* --blkio-weight-device and --device-read-bps and its kin: /dev/DEVICE:NUMBER. */
int runrate_weight(const char *text, Cleat__V1__ContainerConfig *c, struct err *err) must_check;
int runrate_read_bps(const char *text, Cleat__V1__ContainerConfig *c, struct err *err) must_check;
int runrate_write_bps(const char *text, Cleat__V1__ContainerConfig *c, struct err *err) must_check;
int runrate_read_iops(const char *text, Cleat__V1__ContainerConfig *c, struct err *err) must_check;
int runrate_write_iops(const char *text, Cleat__V1__ContainerConfig *c, struct err *err) must_check;

/* --ulimit name=soft[:hard], appended to the list */
int runparse_ulimit(const char *text, Cleat__V1__Ulimit ***list, size_t *n,
		    struct err *err) must_check;

/* ERR_INVALID: invalid argument "text" for "--flag" flag: expected `wanted`. */
int runparse_bad(struct err *err, const char *flag, const char *text, const char *wanted);
