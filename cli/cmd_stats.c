/* SPDX-License-Identifier: Apache-2.0 */
/* stats: a table a round, on a terminal in place of the one before. Nothing is lost with an engine that goes:
 * the stream is opened again at the next one. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cleat/v1/containers.rpc.h"
#include "cli.h"
#include "fd.h"
#include "statsrow.h"
#include "str.h"

#define CLEAR_SCREEN "\033[2J\033[H"

/* The first one is in nobody's table, but may be in a template's. */
static const struct column columns[] = {
	{ "Container", "CONTAINER" },
	{ "ID", "CONTAINER ID" },
	{ "Name", "NAME" },
	{ "CPUPerc", "CPU %" },
	{ "MemUsage", "MEM USAGE / LIMIT" },
	{ "MemPerc", "MEM %" },
	{ "NetIO", "NET I/O" },
	{ "BlockIO", "BLOCK I/O" },
	{ "PIDs", "PIDS" },
};

struct round {
	Cleat__V1__StatsSample **v;
	size_t n;
};

struct stats {
	const struct flags *flags;
	Cleat__V1__StatsRequest request;
	struct round before, now;
	size_t n_rounds;  /* of this stream */
	int64_t since_ns; /* when the engine went away */
};

static void round_clear(struct round *round)
{
	for (size_t i = 0; i < round->n; i++)
		cleat__v1__stats_sample__free_unpacked(round->v[i], NULL);
	free(round->v);
	*round = (struct round){ 0 };
}

/* Consumes the sample. */
static int round_add(struct round *round, Cleat__V1__StatsSample *sample)
{
	void *grown = realloc(round->v, (round->n + 1) * sizeof(sample));

	if (!grown) {
		cleat__v1__stats_sample__free_unpacked(sample, NULL);
		return -ENOMEM;
	}
	round->v = grown;
	round->v[round->n++] = sample;
	return 0;
}

static const Cleat__V1__StatsSample *find(const struct round *round, const char *id)
{
	for (size_t i = 0; i < round->n; i++)
		if (strcmp(round->v[i]->id, id) == 0)
			return round->v[i];
	return NULL;
}

/* What the user called it; NULL = nothing. */
static const char *argument_of(const struct flags *flags, const Cleat__V1__StatsSample *sample)
{
	for (size_t i = 0; i < flags->n_args; i++)
		if (str_equal(flags->args[i], sample->name) ||
		    str_has_prefix(sample->id, flags->args[i]))
			return flags->args[i];
	return NULL;
}

static int show(struct stats *stats, struct err *err)
{
	const struct flags *flags = stats->flags;
	bool in_place = !stats->request.once && isatty(STDOUT_FILENO);
	size_t first = flags_given(flags, "format") ? 0 : 1;
	json_t *rows = json_array();
	int r = 0;

	for (size_t i = 0; r == 0 && i < stats->now.n; i++) {
		const Cleat__V1__StatsSample *now = stats->now.v[i];

		r = json_array_append_new(rows, statsrow(find(&stats->before, now->id), now,
							 argument_of(flags, now),
							 flags_switch(flags, "no-trunc")));
	}
	if (r < 0 || !rows) {
		json_decref(rows);
		return err_sys(err, ENOMEM, "stats");
	}
	if (in_place)
		r = output_write(STDOUT_FILENO, CLEAR_SCREEN, strlen(CLEAR_SCREEN));
	r = r < 0 ? err_sys(err, r, "standard output")
		  : output_rows(flags, columns + first, ARRAY_LEN(columns) - first, rows, err);
	json_decref(rows);
	return r;
}

/* The first round of a stream is there to be compared with. */
static int end_round(struct stats *stats, struct err *err)
{
	int r = stats->n_rounds++ ? show(stats, err) : 0;

	round_clear(&stats->before);
	stats->before = stats->now;
	stats->now = (struct round){ 0 };
	return r;
}

static int stats_once(struct cli *cli, struct stats *stats, struct err *err)
{
	cleanup(rpc_client_call_closep) struct rpc_client_call *call = NULL;
	int r = remote_open(cli, &cleat_v1_containers, "Stats", NULL, &stats->request.base, &call,
			    err);

	stats->n_rounds = 0;
	round_clear(&stats->now);
	/* one table is enough, also when the engine goes before the stream's end */
	while (r == 0 && !(stats->request.once && stats->n_rounds > 1)) {
		Cleat__V1__StatsSample *sample = NULL;
		int n = rpc_client_call_recv(call, (ProtobufCMessage **)(void *)&sample, err);

		if (n <= 0)
			return n;
		stats->since_ns = 0;
		if (sample->id[0]) {
			r = round_add(&stats->now, sample) < 0 ? err_sys(err, ENOMEM, "stats") : 0;
			continue;
		}
		cleat__v1__stats_sample__free_unpacked(sample, NULL);
		r = end_round(stats, err);
	}
	return r;
}

static int run_stats(struct cli *cli, const struct flags *flags, struct err *err)
{
	struct stats stats = { .flags = flags, .request = CLEAT__V1__STATS_REQUEST__INIT };
	int r;

	stats.request.containers = (char **)(uintptr_t)flags->args;
	stats.request.n_containers = flags->n_args;
	stats.request.once = flags_switch(flags, "no-stream");
	stats.request.all = flags_switch(flags, "all");
	do {
		*err = ERR_NULL;
		r = stats_once(cli, &stats, err);
	} while (r < 0 && cli->client && remote_again(cli, err, &stats.since_ns));
	round_clear(&stats.before);
	round_clear(&stats.now);
	return r;
}

static const struct flag stats_flags[] = {
	{ "all", 'a', FLAG_SWITCH, NULL, "Show all containers (default shows just running)" },
	{ "format", 0, FLAG_TEXT, "string", "Format output using a template, table or json" },
	{ "no-stream", 0, FLAG_SWITCH, NULL, "Only show the first result" },
	{ "no-trunc", 0, FLAG_SWITCH, NULL, "Do not truncate output" },
	{ 0 },
};

const struct command cmd_stats_table[] = {
	{ "container", "stats", "stats", "[OPTIONS] [CONTAINER...]",
	  "Display what containers use, live", stats_flags, 0, SIZE_MAX, false, run_stats },
	{ 0 },
};
