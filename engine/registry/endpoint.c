/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's rules: hosts of the loopback net are insecure by themselves, others when they are listed, by
 * name or as part of a net. docker.io is served by another host than its name says. */
#include "endpoint.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "str.h"

static bool in_net(const char *host, const char *net)
{
	const char *slash = strchr(net, '/');
	char text[INET_ADDRSTRLEN];
	struct in_addr a, n;
	int64_t bits;

	if (!slash || (size_t)(slash - net) >= sizeof(text) ||
	    str_int_in(slash + 1, 0, 32, &bits) < 0)
		return false;
	snprintf(text, sizeof(text), "%.*s", (int)(slash - net), net);
	if (inet_pton(AF_INET, text, &n) != 1 || inet_pton(AF_INET, host, &a) != 1)
		return false;
	uint32_t mask = bits ? ~UINT32_C(0) << (32 - bits) : 0;

	return ((ntohl(a.s_addr) ^ ntohl(n.s_addr)) & mask) == 0;
}

/* The host without its port, and an IPv6 address without its brackets. */
static void host_only(const char *text, char out[ENDPOINT_TEXT_MAX])
{
	const char *end = text[0] == '[' ? strchr(text, ']') : strrchr(text, ':');

	text += text[0] == '[';
	snprintf(out, ENDPOINT_TEXT_MAX, "%.*s", end ? (int)(end - text) : (int)strlen(text), text);
}

static bool insecure(const struct config *config, const char *host)
{
	char name[ENDPOINT_TEXT_MAX];

	host_only(host, name);
	if (strcasecmp(name, "localhost") == 0 || strcmp(name, "::1") == 0 ||
	    in_net(name, "127.0.0.0/8"))
		return true;
	for (size_t i = 0; i < config->insecure_registries.n; i++) {
		const char *listed = config->insecure_registries.v[i];

		if (strcasecmp(listed, host) == 0 || strcasecmp(listed, name) == 0 ||
		    in_net(name, listed))
			return true;
	}
	return false;
}

/* http[s]://HOST[:PORT][/PATH][/]; what is no URL was refused with the configuration. */
static void mirror(const struct config *config, const char *url, struct endpoint *out)
{
	const char *host = strstr(url, "://");

	*out = (struct endpoint){ .mirror = true, .plain = str_has_prefix(url, "http://") };
	host = host ? host + 3 : url;
	size_t n = strcspn(host, "/");

	snprintf(out->host, sizeof(out->host), "%.*s", (int)n, host);
	snprintf(out->path, sizeof(out->path), "%s", host + n);
	for (size_t k = strlen(out->path); k > 0 && out->path[k - 1] == '/'; k--)
		out->path[k - 1] = '\0';
	out->insecure = insecure(config, out->host);
}

size_t endpoints_find(const struct config *config, const char *domain,
		      struct endpoint out[ENDPOINTS_MAX])
{
	bool hub = strcmp(domain, "docker.io") == 0;
	size_t n = 0;

	for (size_t i = 0; hub && i < config->registry_mirrors.n; i++)
		mirror(config, config->registry_mirrors.v[i], &out[n++]);
	out[n] = (struct endpoint){ .insecure = insecure(config, domain) };
	snprintf(out[n].host, sizeof(out[n].host), "%s", hub ? "registry-1.docker.io" : domain);
	return n + 1;
}
