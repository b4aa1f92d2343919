/* SPDX-License-Identifier: Apache-2.0 */
#include "addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "str.h"

int addr_parse(const char *text, struct addr *out)
{
	struct addr addr = { 0 };

	if (inet_pton(AF_INET, text, addr.b) == 1)
		addr.len = 4;
	else if (inet_pton(AF_INET6, text, addr.b) == 1)
		addr.len = 16;
	else
		return -EINVAL;
	*out = addr;
	return 0;
}

void addr_format(const struct addr *addr, char out[ADDR_TEXT_MAX])
{
	out[0] = '\0';
	if (addr->len)
		(void)inet_ntop(addr->len == 4 ? AF_INET : AF_INET6, addr->b, out, ADDR_TEXT_MAX);
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return a->len == b->len && memcmp(a->b, b->b, a->len) == 0;
}

bool addr_is_loopback(const struct addr *addr)
{
	static const uint8_t one[16] = { [15] = 1 };

	return addr->len == 4 ? addr->b[0] == 127
			      : addr->len == 16 && memcmp(addr->b, one, sizeof(one)) == 0;
}

int subnet_parse(const char *text, struct subnet *out)
{
	const char *slash = strchr(text, '/');
	char address[ADDR_TEXT_MAX];
	struct subnet subnet;
	int64_t prefix;

	if (!slash || (size_t)(slash - text) >= sizeof(address))
		return -EINVAL;
	(void)snprintf(address, sizeof(address), "%.*s", (int)(slash - text), text);
	if (addr_parse(address, &subnet.addr) < 0 ||
	    str_int_in(slash + 1, 1, subnet.addr.len * 8, &prefix) < 0)
		return -EINVAL;
	subnet.prefix = (uint8_t)prefix;
	*out = subnet;
	return 0;
}

void subnet_format(const struct subnet *subnet, char out[SUBNET_TEXT_MAX])
{
	char address[ADDR_TEXT_MAX];

	addr_format(&subnet->addr, address);
	(void)snprintf(out, SUBNET_TEXT_MAX, "%s/%u", address, subnet->prefix);
}

/* Of byte i the bits that belong to the prefix. */
static uint8_t mask_of(unsigned prefix, unsigned i)
{
	if (prefix >= (i + 1) * 8)
		return 0xff;
	if (prefix <= i * 8)
		return 0;
	return (uint8_t)((0xff00u >> (prefix - i * 8)) & 0xff);
}

bool subnet_mask(struct subnet *subnet)
{
	bool clean = true;

	for (unsigned i = 0; i < subnet->addr.len; i++) {
		uint8_t kept = subnet->addr.b[i] & mask_of(subnet->prefix, i);

		clean = clean && kept == subnet->addr.b[i];
		subnet->addr.b[i] = kept;
	}
	return clean;
}

static bool same_prefix(const struct addr *a, const struct addr *b, unsigned prefix)
{
	if (a->len != b->len)
		return false;
	for (unsigned i = 0; i < a->len; i++)
		if ((a->b[i] ^ b->b[i]) & mask_of(prefix, i))
			return false;
	return true;
}

bool subnet_contains(const struct subnet *subnet, const struct addr *addr)
{
	return same_prefix(&subnet->addr, addr, subnet->prefix);
}

bool subnet_overlaps(const struct subnet *a, const struct subnet *b)
{
	return same_prefix(&a->addr, &b->addr, a->prefix < b->prefix ? a->prefix : b->prefix);
}

uint64_t subnet_size(const struct subnet *subnet)
{
	unsigned bits = subnet->addr.len * 8u - subnet->prefix;

	return UINT64_C(1) << (bits > 62 ? 62 : bits);
}

struct addr subnet_nth(const struct subnet *subnet, uint64_t n)
{
	struct subnet out = *subnet;

	(void)subnet_mask(&out);
	for (unsigned i = out.addr.len; n && i-- > 0; n >>= 8)
		out.addr.b[i] |= (uint8_t)n;
	return out.addr;
}

uint64_t subnet_number(const struct subnet *subnet, const struct addr *addr)
{
	uint64_t n = 0;

	for (unsigned i = addr->len - (addr->len == 4 ? 4u : 8u); i < addr->len; i++)
		n = n << 8 | (uint8_t)(addr->b[i] & ~mask_of(subnet->prefix, i));
	return n & (subnet_size(subnet) - 1);
}

int mac_parse(const char *text, uint8_t out[6])
{
	unsigned b[6];
	char end;

	if (strlen(text) != MAC_TEXT_MAX - 1 ||
	    sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
		   &end) != 6 ||
	    b[0] & 1)
		return -EINVAL;
	for (unsigned i = 0; i < 6; i++)
		out[i] = (uint8_t)b[i];
	return 0;
}

void mac_format(const uint8_t mac[6], char out[MAC_TEXT_MAX])
{
	(void)snprintf(out, MAC_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		       mac[3], mac[4], mac[5]);
}

void mac_of_addr(const struct addr *addr, uint8_t out[6])
{
	out[0] = 0x02; /* administered locally */
	out[1] = 0x42;
	memcpy(out + 2, addr->b + (addr->len == 4 ? 0 : 12), 4);
}
