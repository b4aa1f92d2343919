/* SPDX-License-Identifier: Apache-2.0 */
#include "pool.h"

#include <errno.h>
#include <stdbool.h>

static bool is_free(const struct subnet *subnet, const struct subnet *taken, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (subnet_overlaps(subnet, &taken[i]))
			return false;
	return true;
}

int pool_choose(const struct subnet *taken, size_t n, struct subnet *out)
{
	static const struct {
		uint8_t first, from, to;
	} blocks[] = { { 172, 17, 31 }, { 192, 168, 168 } };

	for (size_t i = 0; i < ARRAY_LEN(blocks); i++)
		for (unsigned b = blocks[i].from; b <= blocks[i].to; b++)
			for (unsigned c = 0; c < 256; c++) {
				struct subnet try = {
					{ 4, { blocks[i].first, (uint8_t)b, (uint8_t)c, 0 } }, 24
				};

				if (is_free(&try, taken, n)) {
					*out = try;
					return 0;
				}
			}
	return -EADDRNOTAVAIL;
}

struct subnet pool_choose_ipv6(uint64_t random)
{
	struct subnet out = { { 16, { 0xfd } }, 64 };

	for (unsigned i = 1; i < 8; i++, random >>= 8)
		out.addr.b[i] = (uint8_t)random;
	return out;
}

int pool_span(const struct subnet *subnet, const struct subnet *range, struct pool_span *out)
{
	uint64_t size = subnet_size(subnet);
	struct addr start = subnet_nth(range, 0);
	struct pool_span span = { subnet_number(subnet, &start), 0 };

	span.last = span.first + subnet_size(range) - 1;
	if (span.first == 0)
		span.first = 1;
	if (subnet->addr.len == 4 && span.last == size - 1)
		span.last--;
	if (span.last < span.first || span.last >= size)
		return -EINVAL;
	*out = span;
	return 0;
}
