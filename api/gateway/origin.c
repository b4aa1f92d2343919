/* SPDX-License-Identifier: Apache-2.0 */
#include "origin.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/* Whether [host, host + n) is "localhost" or an address of the loopback net. */
static bool is_loopback(const char *host, size_t n)
{
	char text[INET6_ADDRSTRLEN];
	struct in_addr v4;

	if (n >= sizeof(text))
		return false;
	memcpy(text, host, n);
	text[n] = '\0';
	if (strcasecmp(text, "localhost") == 0 || strcmp(text, "[::1]") == 0)
		return true;
	return inet_pton(AF_INET, text, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

/* A name that an attacker's DNS has for 127.0.0.1 is none of ours. */
static bool is_ours(const char *host)
{
	const char *bracket = *host == '[' ? strchr(host, ']') : NULL;
	size_t n = bracket ? (size_t)(bracket - host) + 1 : strcspn(host, ":");

	return is_loopback(host, n) && host[n + strspn(host + n, ":0123456789")] == '\0';
}

const char *origin_refused(const char *origin, const char *site, const char *host,
			   enum origin_way way)
{
	if (strcmp(site, "cross-site") == 0 || strcmp(site, "same-site") == 0)
		return "requests of web pages from elsewhere are refused";
	if (way == ORIGIN_LOCAL)
		return NULL;
	if (*origin)
		return "requests of web pages are refused";
	return way == ORIGIN_TCP && *host && !is_ours(host)
		       ? "Host: expected localhost or an address of the loopback net"
		       : NULL;
}
