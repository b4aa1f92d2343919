/* SPDX-License-Identifier: Apache-2.0 */
/* What copytree.h does, of a listed context's files; they are root's and have no attributes. */
#pragma once

#include <openssl/evp.h>
#include <stdint.h>

#include "contents.h"
#include "copytree.h"
#include "err.h"
#include "listing.h"
#include "mem.h"

/* As copytree_digest(): the same files have the same digest, however they came. Never blocks. */
int listtree_digest(const struct listing *listing, uint32_t file, const struct copy_rules *rules,
		    EVP_MD_CTX *digest, struct err *err) must_check;
/* Sees to it that the contents of a file, and of all below, are here. Blocks on the client. */
int listtree_need(struct build *b, uint32_t file, const struct copy_rules *rules,
		  struct err *err) must_check;
/* As copytree_copy(), once the contents are here. Blocks on the file system. */
int listtree_copy(const struct contents *contents, uint32_t file, int to_fd, const char *to,
		  const struct copy_rules *rules, struct err *err) must_check;
