/* SPDX-License-Identifier: Apache-2.0 */
/* The system call filter: a profile of the OCI specification to a BPF program, and a cache of
 * programs on disk. */
#pragma once

#include <linux/filter.h>

#include "err.h"
#include "jget.h"

struct seccomp_filter {
	struct sock_fprog prog; /* len 0 = none; the instructions are owned */
	unsigned flags;         /* SECCOMP_FILTER_FLAG_* */
};

void filter_free(struct seccomp_filter *f);

/* Compiles with libseccomp. System calls and architectures libseccomp does not know are left out. */
int filter_compile(const struct jval *profile, struct seccomp_filter *out,
		   struct err *err) must_check;

/* The program cached for exactly these bytes of profile text: 0, or -ENOENT. */
int filter_cache_get(const char *dir, const char *text, size_t n,
		     struct seccomp_filter *out) must_check;
/* Stores it, atomically; a failure costs only the next start's time and is not reported. */
void filter_cache_put(const char *dir, const char *text, size_t n, const struct seccomp_filter *f);

/* Applies the filter to the calling process. */
int filter_load(const struct seccomp_filter *f, struct err *err) must_check;

/* The same filter that admits clone(2) of these flags, whatever it says, to who knows the key: its parts are the two last
 * arguments, which are nothing to a call whose flags do not ask for them. Where it is too long for that it is just
 * copied. */
struct filter_key {
	uint64_t flags;
	uint64_t part[2];
};
int filter_admit(const struct seccomp_filter *f, const struct filter_key *key,
		 struct seccomp_filter *out) must_check;
