/* SPDX-License-Identifier: Apache-2.0 */
/* A transaction of nftables as netlink messages (nfnetlink(7)), for the few that are made so often that libnftables would
 * take too long. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

#include "mem.h"

struct nftbatch {
	char *data; /* of the caller's, with room for all that is put in */
	size_t len;
	uint32_t seq;
	struct nlmsghdr *last; /* message */
};

/* Every batch begins and ends with one of these. */
void nftbatch_open(struct nftbatch *batch);
void nftbatch_close(struct nftbatch *batch);

/* A message NFT_MSG_* of a protocol family; its attributes follow, then nftbatch_end(). */
struct nlmsghdr *nftbatch_begin(struct nftbatch *batch, uint16_t what, uint16_t flags,
				uint8_t family);
void nftbatch_end(struct nftbatch *batch, const struct nlmsghdr *h);
/* An attribute of n bytes of data, as registers have them. */
void nftbatch_put_value(struct nlmsghdr *h, uint16_t type, const void *value, size_t n);

/* Sends it by a socket of NETLINK_NETFILTER (-1 = one of the caller's namespace, opened for it) and takes the
 * answer. 0, or the first -errno. Blocks on the kernel. */
int nftbatch_send(const struct nftbatch *batch, int fd) must_check;
