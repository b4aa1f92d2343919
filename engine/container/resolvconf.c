/* SPDX-License-Identifier: Apache-2.0 */
#include "resolvconf.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "str.h"

enum { WORD_MAX = 256 };

/* The next word behind *text on its line, and *text behind it; false: there is none that fits. */
static bool next_word(const char **text, char word[WORD_MAX])
{
	const char *from = *text + strspn(*text, " \t\r");
	size_t n = strcspn(from, " \t\r\n");

	if (n == 0 || n >= WORD_MAX || *from == '#' || *from == ';')
		return false;
	memcpy(word, from, n);
	word[n] = '\0';
	*text = from + n;
	return true;
}

/* The next line that begins with one of two words: what is behind it; NULL: there is none. *text is moved on. */
static const char *next_line(const char **text, const char *key, const char *other)
{
	while (**text) {
		const char *line = *text;
		char word[WORD_MAX];

		*text += strcspn(line, "\n");
		*text += **text == '\n';
		if (next_word(&line, word) && (strcmp(word, key) == 0 || strcmp(word, other) == 0))
			return line;
	}
	return NULL;
}

static bool is_loopback(const char *server)
{
	struct in6_addr v6;
	struct in_addr v4;

	if (inet_pton(AF_INET, server, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, server, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

bool resolvconf_has_servers(const char *host)
{
	const char *line;
	char server[WORD_MAX];

	while ((line = next_line(&host, "nameserver", "nameserver")))
		if (next_word(&line, server) && !is_loopback(server))
			return true;
	return false;
}

static void write_servers(const char *host, bool own, const struct resolvconf_list *wanted,
			  struct buf *out)
{
	const char *line;
	char server[WORD_MAX];

	for (size_t i = 0; i < wanted->n; i++)
		buf_printf(out, "nameserver %s\n", wanted->v[i]);
	while (!wanted->n && (line = next_line(&host, "nameserver", "nameserver")))
		if (next_word(&line, server) && !(own && is_loopback(server)))
			buf_printf(out, "nameserver %s\n", server);
}

static void write_search(const char *host, const struct resolvconf_list *wanted, struct buf *out)
{
	const char *line, *last = NULL, *before = "search";
	char word[WORD_MAX];

	while ((line = next_line(&host, "search", "domain")))
		last = line;
	for (size_t i = 0; i < wanted->n; i++)
		if (strcmp(wanted->v[i], ".") != 0) {
			buf_printf(out, "%s %s", before, wanted->v[i]);
			before = "";
		}
	while (!wanted->n && last && next_word(&last, word)) {
		buf_printf(out, "%s %s", before, word);
		before = "";
	}
	if (!*before)
		buf_putc(out, '\n');
}

static void add_option(const char *option, const char **before, bool *ndots, struct buf *out)
{
	*ndots = *ndots || str_has_prefix(option, "ndots:");
	buf_printf(out, "%s %s", *before, option);
	*before = "";
}

/* A name of one part is a container's, and asked for as it is. */
static void write_options(const char *host, bool names, const struct resolvconf_list *wanted,
			  struct buf *out)
{
	const char *line, *before = "options";
	char word[WORD_MAX];
	bool ndots = false;

	for (size_t i = 0; i < wanted->n; i++)
		add_option(wanted->v[i], &before, &ndots, out);
	while (!wanted->n && (line = next_line(&host, "options", "options")))
		while (next_word(&line, word))
			add_option(word, &before, &ndots, out);
	if (names && !ndots)
		add_option("ndots:0", &before, &ndots, out);
	if (!*before)
		buf_putc(out, '\n');
}

void resolvconf_write(const char *host, enum resolvconf_kind kind,
		      const struct resolvconf_wishes *wishes, struct buf *out)
{
	bool names = kind == RESOLVCONF_NAMES;

	if (names)
		buf_puts(out, "nameserver " RESOLVCONF_SERVER "\n");
	else
		write_servers(host, kind == RESOLVCONF_OWN, &wishes->servers, out);
	write_search(host, &wishes->search, out);
	write_options(host, names, &wishes->options, out);
}
