/* SPDX-License-Identifier: Apache-2.0 */
#include "statsparse.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "str.h"

uint64_t statsparse_number(const char *text)
{
	return str_has_prefix(text, "max") ? UINT64_MAX : strtoull(text, NULL, 10);
}

uint64_t statsparse_key(const char *text, const char *key)
{
	size_t n = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, n) == 0 && line[n] == ' ')
			return strtoull(line + n + 1, NULL, 10);
	}
	return 0;
}

/* Room for one more element of a repeated field. */
static int grow(void *list, size_t n, size_t size)
{
	void **array = list;
	void *grown = realloc(*array, (n + 1) * size);

	if (!grown)
		return -ENOMEM;
	*array = grown;
	return 0;
}

static int add_stat(Cleat__V1__StatsSample *sample, const char *key, uint64_t value)
{
	Cleat__V1__StatsSample__MemoryStatEntry *entry = malloc(sizeof(*entry));

	if (!entry || grow(&sample->memory_stat, sample->n_memory_stat, sizeof(entry)) < 0) {
		free(entry);
		return -ENOMEM;
	}
	cleat__v1__stats_sample__memory_stat_entry__init(entry);
	sample->memory_stat[sample->n_memory_stat++] = entry;
	entry->value = value;
	entry->key = strdup(key);
	return entry->key ? 0 : -ENOMEM;
}

int statsparse_memory(const char *text, Cleat__V1__StatsSample *sample)
{
	int r = 0;

	for (const char *line = text; r == 0 && line; line = strchr(line, '\n')) {
		char key[64];
		uint64_t value;

		line += *line == '\n';
		if (sscanf(line, "%63s %" SCNu64, key, &value) == 2)
			r = add_stat(sample, key, value);
	}
	return r;
}

int statsparse_per_cpu(const char *text, Cleat__V1__StatsSample *sample)
{
	char *end;

	for (const char *at = text;; at = end) {
		uint64_t value = strtoull(at, &end, 10);

		if (end == at)
			return 0;
		if (grow(&sample->per_cpu_ns, sample->n_per_cpu_ns, sizeof(value)) < 0)
			return -ENOMEM;
		sample->per_cpu_ns[sample->n_per_cpu_ns++] = value;
	}
}

/* The counters of a device's operation, made if there are none. NULL = no memory. */
static Cleat__V1__StatsSample__BlockCounters *
block_of(Cleat__V1__StatsSample *sample, uint32_t major, uint32_t minor, const char *operation)
{
	Cleat__V1__StatsSample__BlockCounters *b;

	for (size_t i = 0; i < sample->n_blocks; i++) {
		b = sample->blocks[i];
		if (b->major == major && b->minor == minor && !strcmp(b->operation, operation))
			return b;
	}
	b = malloc(sizeof(*b));
	if (!b || grow(&sample->blocks, sample->n_blocks, sizeof(b)) < 0) {
		free(b);
		return NULL;
	}
	cleat__v1__stats_sample__block_counters__init(b);
	sample->blocks[sample->n_blocks++] = b;
	b->major = major;
	b->minor = minor;
	b->operation = strdup(operation);
	return b->operation ? b : NULL;
}

int statsparse_blkio(const char *text, bool operations, Cleat__V1__StatsSample *sample)
{
	for (const char *line = text; line; line = strchr(line, '\n')) {
		Cleat__V1__StatsSample__BlockCounters *b;
		char operation[16];
		uint32_t major, minor;
		uint64_t value;

		line += *line == '\n';
		if (sscanf(line, "%" SCNu32 ":%" SCNu32 " %15s %" SCNu64, &major, &minor, operation,
			   &value) != 4)
			continue;
		b = block_of(sample, major, minor, operation);
		if (!b)
			return -ENOMEM;
		*(operations ? &b->operations : &b->bytes) = value;
		if (!operations && !strcmp(operation, "Read"))
			sample->block_read_bytes += value;
		if (!operations && !strcmp(operation, "Write"))
			sample->block_write_bytes += value;
	}
	return 0;
}

/* The number behind "key=" up to the end of the line. */
static uint64_t pair(const char *line, const char *key)
{
	const char *end = strchrnul(line, '\n'), *at = strstr(line, key);

	return at && at < end ? strtoull(at + strlen(key), NULL, 10) : 0;
}

int statsparse_io(const char *text, Cleat__V1__StatsSample *sample)
{
	for (const char *line = text; line; line = strchr(line, '\n')) {
		Cleat__V1__StatsSample__BlockCounters *read, *write;
		uint32_t major, minor;

		line += *line == '\n';
		if (sscanf(line, "%" SCNu32 ":%" SCNu32 " ", &major, &minor) != 2)
			continue;
		read = block_of(sample, major, minor, "read");
		write = read ? block_of(sample, major, minor, "write") : NULL;
		if (!write)
			return -ENOMEM;
		read->bytes = pair(line, " rbytes=");
		read->operations = pair(line, " rios=");
		write->bytes = pair(line, " wbytes=");
		write->operations = pair(line, " wios=");
		sample->block_read_bytes += read->bytes;
		sample->block_write_bytes += write->bytes;
	}
	return 0;
}

static int add_interface(Cleat__V1__StatsSample *sample, const char *name, const char *counters)
{
	Cleat__V1__StatsSample__NetworkCounters *n = malloc(sizeof(*n));

	if (!n || grow(&sample->networks, sample->n_networks, sizeof(n)) < 0) {
		free(n);
		return -ENOMEM;
	}
	cleat__v1__stats_sample__network_counters__init(n);
	sample->networks[sample->n_networks++] = n;
	n->interface = strdup(name);
	/* the container's root chose it, and a message has UTF-8 */
	if (n->interface)
		str_mend_utf8(n->interface);
	/* received: bytes packets errs drop fifo frame compressed multicast, then the same sent */
	(void)!sscanf(counters,
		      "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %*u %*u %*u %*u %" SCNu64
		      " %" SCNu64 " %" SCNu64 " %" SCNu64,
		      &n->rx_bytes, &n->rx_packets, &n->rx_errors, &n->rx_dropped, &n->tx_bytes,
		      &n->tx_packets, &n->tx_errors, &n->tx_dropped);
	return n->interface ? 0 : -ENOMEM;
}

int statsparse_network(const char *text, Cleat__V1__StatsSample *sample)
{
	int r = 0;

	for (const char *line = text; r == 0 && line; line = strchr(line, '\n')) {
		char name[32];
		int end = 0;

		line += *line == '\n';
		if (sscanf(line, " %31[^: \n|]:%n", name, &end) == 1 && end > 0 &&
		    strcmp(name, "lo") != 0)
			r = add_interface(sample, name, line + end);
	}
	return r;
}
