/* SPDX-License-Identifier: Apache-2.0 */
#include "dnsnames.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

enum { WORD_MAX = DNS_NAME_MAX };

/* What is left of a text, and of its present line. */
struct reader {
	const char *p, *end;
};

static struct reader reader_of(const char *text, size_t n)
{
	return (struct reader){ text, n ? text + n : text };
}

static bool next_line(struct reader *text, struct reader *line)
{
	const char *newline;

	if (text->p == text->end)
		return false;
	newline = memchr(text->p, '\n', (size_t)(text->end - text->p));
	*line = (struct reader){ text->p, newline ? newline : text->end };
	text->p = newline ? newline + 1 : text->end;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of a line; one that is longer than any name is no word of ours and comes as "". */
static bool next_word(struct reader *line, char word[WORD_MAX])
{
	const char *from;
	size_t len;

	while (line->p < line->end && is_blank(*line->p))
		line->p++;
	from = line->p;
	if (from == line->end || *from == '#' || *from == ';')
		return false;
	while (line->p < line->end && !is_blank(*line->p))
		line->p++;
	len = (size_t)(line->p - from);
	if (len >= WORD_MAX)
		len = 0;
	memcpy(word, from, len);
	word[len] = 0;
	return true;
}

bool dnsnames_address(const char *text, struct dns_address *address)
{
	struct dns_address found = { 0 };

	found.family = strchr(text, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(found.family, text, found.bytes) != 1)
		return false;
	*address = found;
	return true;
}

void dnsnames_find(const char *text, size_t n, const char *name, int family,
		   struct dns_found *found)
{
	struct reader all = reader_of(text, n), line;
	char first[WORD_MAX], word[WORD_MAX];

	while (next_line(&all, &line)) {
		struct dns_address address;

		if (!next_word(&line, first))
			continue;
		while (next_word(&line, word)) {
			if (strcasecmp(word, name) != 0 || !dnsnames_address(first, &address))
				continue;
			found->known = true;
			if (address.family == family && found->n < DNS_ADDRESSES_MAX)
				found->addresses[found->n++] = address;
			break;
		}
	}
}

bool dnsnames_of(const char *text, size_t n, const struct dns_address *address,
		 char name[DNS_NAME_MAX])
{
	struct reader all = reader_of(text, n), line;
	char word[WORD_MAX];

	while (next_line(&all, &line)) {
		struct dns_address it;

		if (next_word(&line, word) && dnsnames_address(word, &it) &&
		    it.family == address->family &&
		    memcmp(it.bytes, address->bytes, sizeof(it.bytes)) == 0 &&
		    next_word(&line, name) && name[0])
			return true;
	}
	return false;
}

size_t dnsnames_servers(const char *text, size_t n, struct dns_address servers[DNS_SERVERS_MAX])
{
	struct reader all = reader_of(text, n), line;
	char word[WORD_MAX];
	size_t count = 0;

	while (count < DNS_SERVERS_MAX && next_line(&all, &line)) {
		if (next_word(&line, word) && strcmp(word, "nameserver") == 0 &&
		    next_word(&line, word) && dnsnames_address(word, &servers[count]))
			count++;
	}
	return count;
}
