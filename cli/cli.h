/* SPDX-License-Identifier: Apache-2.0 */
/* What the command files share: the command table's entry, the connection, output helpers. One
 * thread; everything may block. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "client.h"
#include "err.h"
#include "flags.h"

#include "cleat/v1/common.pb-c.h"

struct cli;

struct command {
	const char *group; /* management word: "container"; NULL = none */
	const char *verb;  /* behind the group; NULL = not there */
	const char *name;  /* top-level word; NULL = only in the group */
	const char *usage; /* what follows the name: "[OPTIONS] CONTAINER" */
	const char *help;
	const struct flag *flags;
	size_t least, most; /* number of arguments */
	bool stop_early;    /* flags end at the first argument */
	/* The exit code, or a negative errno with *err set. */
	int (*run)(struct cli *cli, const struct flags *flags, struct err *err);
};

struct cli {
	const char *host;
	const char *tls_ca_file, *tls_cert_file, *tls_key_file; /* NULL = by the environment */
	const struct command *command;
	struct rpc_client *client; /* NULL until the first call */
	char key[65];              /* of the current mutating call */
};

/* Each file's commands; a table ends with verb and name NULL. */
extern const struct command cmd_run_table[], cmd_container_table[], cmd_list_table[],
	cmd_exec_table[], cmd_image_table[], cmd_imageinfo_table[], cmd_login_table[],
	cmd_registry_table[], cmd_system_table[], cmd_commit_table[], cmd_cp_table[],
	cmd_usage_table[], cmd_import_table[], cmd_save_table[], cmd_build_table[],
	cmd_prune_table[], cmd_search_table[], cmd_volume_table[], cmd_network_table[],
	cmd_stats_table[], cmd_update_table[];

enum { EXIT_ENGINE = 125, EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127 };

/* ---- remote.c */

/* How long a call that was cut off waits for an engine to come back. */
enum { REMOTE_ABSENT_MS = 30000, REMOTE_STEP_MS = 10, REMOTE_FAR_STEP_MS = 200 };

/* The open client, made at the first use. ERR_UNAVAILABLE when nobody listens. */
int remote_client(struct cli *cli, struct rpc_client **client, struct err *err) must_check;
void remote_close(struct cli *cli);

/* A unary call of `service` by the method's name. *reply (of the method's type, owned) may be NULL.
 * A call that was cut off is repeated while that is safe: idempotent ones as they are, others under
 * their request key, which the engine executes once. */
int remote_call(struct cli *cli, const struct rpc_service *service, const char *method,
		const ProtobufCMessage *req, void *reply, struct err *err) must_check;

/* Begins a call of any other shape with its first message (NULL for none). `key` (NULL = none) names it
 * for all its repetitions. */
int remote_open(struct cli *cli, const struct rpc_service *service, const char *method,
		const char *key, const ProtobufCMessage *first, struct rpc_client_call **call,
		struct err *err) must_check;

/* After a stream failed with *err: true when it can be opened again where it was, after a short
 * pause. *since_ns is the time of the first failure in a row, 0 before. */
bool remote_again(const struct cli *cli, const struct err *err, int64_t *since_ns);

/* ---- output.c */

struct column {
	const char *field; /* of the row's JSON */
	const char *title;
};

/* A field of a row: the text, or "" when it is NULL or no UTF-8. Owned. */
json_t *row_text(const char *text);
/* Rows of JSON objects: by --format ("table ...", "json", a template), or the columns; `flags` are
 * asked for format. `rows` is borrowed. */
int output_rows(const struct flags *flags, const struct column *columns, size_t n_columns,
		json_t *rows, struct err *err) must_check;
/* One value by --format, default indented JSON.
 * `strict`: a field that is not there is an error. */
int output_value(const char *format, json_t *value, bool strict, struct err *err) must_check;
/* Writes text to standard output; where that is a terminal, control characters but tabs and line ends are escaped. */
int output_text(const struct buf *text, struct err *err) must_check;
/* Writes all of it to a descriptor; 0 or -errno. */
int output_write(int fd, const void *data, size_t n) must_check;
/* Prints "cleat: message" to stderr. */
void output_error(const struct err *err);

/* --filter a=b ... into Filter messages; *filters is owned (cli_free_filters). */
int cli_filters(const struct flags *flags, Cleat__V1__Filter ***filters, size_t *n,
		struct err *err) must_check;
void cli_free_filters(Cleat__V1__Filter **filters, size_t n);

/* Asks on the terminal whether "WARNING! This will remove" and `what` is meant; --force is a yes. */
bool cli_confirmed(const struct flags *flags, const char *what);
/* The strings of an array (consumed) with `between` between them. */
json_t *cli_joined(json_t *strings, const char *between);

/* Runs `one` for each argument, prints the argument (unless quiet) or its error. The exit code: 0, or
 * 1 when one failed. */
int cli_each(struct cli *cli, const struct flags *flags, bool quiet,
	     int (*one)(struct cli *cli, const struct flags *flags, const char *arg,
			struct err *err));
