/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's configuration file: JSON with Docker's daemon.json names where there is such a
 * setting. Everything has a default; an unknown key is an error, so that a typing mistake shows. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "mem.h"

enum { CONFIG_LIST_MAX = 16, CONFIG_WORD_MAX = 256 };

struct config_list {
	size_t n;
	char v[CONFIG_LIST_MAX][CONFIG_WORD_MAX];
};

struct config {
	bool debug;
	char log_driver[16];           /* local, json-file, none; "" = not named */
	uint64_t log_max_size;         /* bytes of one log file; 0 = no rotation */
	uint32_t log_max_files;        /* files kept */
	uint32_t log_compress_after_s; /* seconds until a closed file is compressed */
	uint64_t events_max_bytes;     /* of the event journal */
	uint64_t context_max_bytes;    /* of files kept from contexts of builds */
	char default_runtime[256];     /* path of an OCI runtime; empty = cleat-oci */
	char userns_pool[32];          /* FIRST:COUNT host ids for --userns auto; "" = the usual */
	char bridge[16];               /* none = no default network; "" = there is one */
	char publish_policy[16];       /* forward, input; "" = forward */
	char layer_driver[16];         /* erofs, dir; "" = the best that works here */
	uint64_t layer_max_bytes;      /* of a layer unpacked, to come; 0 = no limit */
	uint32_t shutdown_timeout_s;   /* stop timeout of containers that name none */
	struct config_list dns;        /* addresses of servers that containers ask */
	struct config_list dns_search, dns_options; /* as resolv.conf(5) has them */
	struct config_list registry_mirrors;        /* URLs, asked for docker.io's images first */
	struct config_list
		insecure_registries;          /* host[:port] or net: unchecked TLS or plain HTTP */
	char registry_certs[CONFIG_WORD_MAX]; /* directory: HOST/ca.crt, client.cert, client.key */
	uint32_t registry_timeout_s;          /* without a byte from a registry */
};

/* Docker's defaults where it has them. */
void config_defaults(struct config *config);
/* Whether published ports obey the host's rules for what comes in, not those for what is forwarded. */
bool config_publish_by_input(const struct config *config);

/* Reads JSON text into *config, which holds the defaults; untouched on failure. Pure.
 * -EINVAL with a sentence that names the key or the line. */
int config_parse(const char *text, size_t len, struct config *config, struct err *err) must_check;

/* config_parse() of a file of at most 1 MiB. Blocks on the file system. */
int config_load(const char *path, struct config *config, struct err *err) must_check;
