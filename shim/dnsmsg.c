/* SPDX-License-Identifier: Apache-2.0 */
/* A query has one question, right behind the header, so its name cannot be compressed. Of what follows only
 * an OPT record that comes first in the additional section is looked at, for the size it offers. */
#include "dnsmsg.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "str.h"

enum {
	LABEL_MAX = 63,
	TYPE_OPT = 41,
	CLASS_IN = 1,
	OPT_SIZE = 11,         /* bytes of an OPT record without options */
	NAME_POINTER = 0xc00c, /* to the question's name */
	FLAG_REPLY = 0x8000,
	FLAG_TRUNCATED = 0x0200,
	FLAG_RECURSION_WANTED = 0x0100,
	FLAG_RECURSION = 0x0080,
	MASK_OPERATION = 0x7800,
	MASK_CODE = 0x000f,
};

/* Offsets of the header's fields. */
enum { AT_FLAGS = 2, AT_QUESTIONS = 4, AT_ANSWERS = 6, AT_AUTHORITIES = 8, AT_ADDITIONAL = 10 };

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static char name_byte(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c > ' ' && c < 0x7f && c != '.' ? (char)c : '?';
}

/* The name at *at as text; *at moves behind it. */
static int take_name(const uint8_t *message, size_t n, size_t *at, char name[DNS_NAME_MAX])
{
	size_t p = *at, len = 0;

	while (p < n && message[p] > 0) {
		size_t label = message[p++];

		if (label > LABEL_MAX || label > n - p || len + (len > 0) + label >= DNS_NAME_MAX)
			return -EINVAL;
		if (len > 0)
			name[len++] = '.';
		for (size_t i = 0; i < label; i++)
			name[len++] = name_byte(message[p++]);
	}
	if (p >= n)
		return -EINVAL;
	name[len] = 0;
	*at = p + 1;
	return 0;
}

static void take_edns(const uint8_t *message, size_t n, struct dns_query *query)
{
	const uint8_t *opt = message + query->question_end;
	size_t offered;

	if (get16(message + AT_ANSWERS) || get16(message + AT_AUTHORITIES) ||
	    !get16(message + AT_ADDITIONAL) || n - query->question_end < OPT_SIZE || opt[0] != 0 ||
	    get16(opt + 1) != TYPE_OPT)
		return;
	query->edns = true;
	offered = get16(opt + 3);
	if (offered > query->udp_max)
		query->udp_max = offered < DNS_EDNS_MAX ? offered : DNS_EDNS_MAX;
}

int dns_parse(const uint8_t *message, size_t n, struct dns_query *query)
{
	size_t at = DNS_HEADER;

	if (n < DNS_HEADER || get16(message + AT_FLAGS) & FLAG_REPLY)
		return -EBADMSG;
	if (n > DNS_QUERY_MAX)
		n = DNS_QUERY_MAX;
	*query = (struct dns_query){ .question_end = DNS_HEADER, .udp_max = DNS_UDP_MAX };
	if (get16(message + AT_FLAGS) & MASK_OPERATION)
		return -EOPNOTSUPP;
	if (get16(message + AT_QUESTIONS) != 1 || take_name(message, n, &at, query->name) < 0 ||
	    n - at < 4)
		return -EINVAL;
	query->type = get16(message + at);
	query->internet = get16(message + at + 2) == CLASS_IN;
	query->question_end = at + 4;
	take_edns(message, n, query);
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "4.3.2.1.": the bytes of an address from the last to the first. */
static bool reverse_v4(const char *p, struct dns_address *address)
{
	address->family = AF_INET;
	for (int i = 3; i >= 0; i--) {
		unsigned value = 0;
		int digits = 0;

		for (; *p >= '0' && *p <= '9' && digits < 3; p++, digits++)
			value = value * 10 + (unsigned)(*p - '0');
		if (digits == 0 || value > 255 || *p++ != '.')
			return false;
		address->bytes[i] = (uint8_t)value;
	}
	return strcmp(p, "in-addr.arpa") == 0;
}

/* "b.a.9.8. ...": its half bytes. */
static bool reverse_v6(const char *p, struct dns_address *address)
{
	address->family = AF_INET6;
	for (int i = 31; i >= 0; i--) {
		int digit = hex_digit(*p);

		if (digit < 0 || p[1] != '.')
			return false;
		address->bytes[i / 2] |= (uint8_t)(i % 2 ? digit : digit << 4);
		p += 2;
	}
	return strcmp(p, "ip6.arpa") == 0;
}

bool dns_reverse(const char *name, struct dns_address *address)
{
	struct dns_address found = { 0 };
	bool is = str_has_suffix(name, ".ip6.arpa") ? reverse_v6(name, &found)
						    : reverse_v4(name, &found);

	if (is)
		*address = found;
	return is;
}

struct writer {
	uint8_t *out;
	size_t len, max;
	bool full; /* something did not fit */
};

static void put(struct writer *w, const void *data, size_t n)
{
	if (w->full || n > w->max - w->len) {
		w->full = true;
		return;
	}
	memcpy(w->out + w->len, data, n);
	w->len += n;
}

static void put16(struct writer *w, unsigned value)
{
	uint8_t bytes[] = { (uint8_t)(value >> 8), (uint8_t)value };

	put(w, bytes, sizeof(bytes));
}

static void put_name(struct writer *w, const char *name)
{
	while (*name) {
		size_t label = strcspn(name, ".");
		uint8_t length = (uint8_t)label;

		if (label == 0 || label > LABEL_MAX) {
			w->full = true;
			return;
		}
		put(w, &length, 1);
		put(w, name, label);
		name += label + (name[label] == '.');
	}
	put(w, "", 1);
}

/* What precedes the data of an answer; its length is written once it is known. */
static size_t put_record(struct writer *w, enum dns_type type)
{
	put16(w, NAME_POINTER);
	put16(w, type);
	put16(w, CLASS_IN);
	put16(w, 0);
	put16(w, DNS_TTL_S);
	put16(w, 0);
	return w->len;
}

static void end_record(struct writer *w, size_t from)
{
	if (!w->full) {
		w->out[from - 2] = (uint8_t)((w->len - from) >> 8);
		w->out[from - 1] = (uint8_t)(w->len - from);
	}
}

static void put_address(struct writer *w, const struct dns_address *address)
{
	bool v4 = address->family == AF_INET;
	size_t from = put_record(w, v4 ? DNS_TYPE_A : DNS_TYPE_AAAA);

	put(w, address->bytes, v4 ? 4 : 16);
	end_record(w, from);
}

static void put_pointer(struct writer *w, const char *name)
{
	size_t from = put_record(w, DNS_TYPE_PTR);

	put_name(w, name);
	end_record(w, from);
}

/* Writes whole answers only; returns how many. */
static size_t put_answers(struct writer *w, const struct dns_answers *answers)
{
	size_t n = answers->n_addresses ? answers->n_addresses : answers->name != NULL;
	size_t done = 0;

	for (; done < n; done++) {
		size_t before = w->len;

		if (answers->n_addresses)
			put_address(w, &answers->addresses[done]);
		else
			put_pointer(w, answers->name);
		if (w->full) {
			w->len = before;
			break;
		}
	}
	return done;
}

static void set16(uint8_t *p, size_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

size_t dns_reply(const uint8_t *message, const struct dns_query *query, enum dns_code code,
		 const struct dns_answers *answers, uint8_t *out, size_t max)
{
	struct writer w = { .out = out, .max = max - (query->edns ? OPT_SIZE : 0) };
	unsigned kept = get16(message + AT_FLAGS) & (MASK_OPERATION | FLAG_RECURSION_WANTED);
	size_t n = 0;

	put(&w, message, query->question_end);
	if (answers)
		n = put_answers(&w, answers);
	set16(out + AT_FLAGS,
	      FLAG_REPLY | FLAG_RECURSION | kept | (unsigned)code | (w.full ? FLAG_TRUNCATED : 0));
	set16(out + AT_QUESTIONS, query->question_end > DNS_HEADER);
	set16(out + AT_ANSWERS, n);
	set16(out + AT_AUTHORITIES, 0);
	set16(out + AT_ADDITIONAL, query->edns);
	if (query->edns) {
		static const uint8_t opt[OPT_SIZE] = { 0, 0, TYPE_OPT, DNS_EDNS_MAX >> 8,
						       DNS_EDNS_MAX & 0xff };

		memcpy(out + w.len, opt, sizeof(opt));
		w.len += sizeof(opt);
	}
	return w.len;
}

bool dns_is_reply(const uint8_t *reply, size_t n, const uint8_t *message,
		  const struct dns_query *query)
{
	return n >= query->question_end && get16(reply + AT_FLAGS) & FLAG_REPLY &&
	       memcmp(reply, message, AT_FLAGS) == 0 && get16(reply + AT_QUESTIONS) == 1 &&
	       memcmp(reply + DNS_HEADER, message + DNS_HEADER, query->question_end - DNS_HEADER) ==
		       0;
}

enum dns_code dns_reply_code(const uint8_t *reply)
{
	return (enum dns_code)(get16(reply + AT_FLAGS) & MASK_CODE);
}
