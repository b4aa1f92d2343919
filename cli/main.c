/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: finds the command in the tables of the cmd_ files, reads its flags, runs it, and
 * turns an error into one line and an exit code. Help is made of the same tables. Nothing is set up
 * before a command asks for it: most commands live for two milliseconds. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "str.h"

#define DEFAULT_HOST "ipc:///run/cleat/cleat.sock"

static const struct command *const tables[] = {
	cmd_run_table,    cmd_container_table, cmd_list_table,    cmd_exec_table,
	cmd_image_table,  cmd_imageinfo_table, cmd_login_table,   cmd_registry_table,
	cmd_system_table, cmd_commit_table,    cmd_cp_table,      cmd_usage_table,
	cmd_import_table, cmd_save_table,      cmd_build_table,   cmd_prune_table,
	cmd_search_table, cmd_volume_table,    cmd_network_table, cmd_stats_table,
	cmd_update_table,
};

static const struct flag global_flags[] = {
	{ "host", 'H', FLAG_TEXT, "string", "Engine to talk to (ipc://, tcp://, tls+tcp://)" },
	{ "tlscacert", 0, FLAG_TEXT, "file", "CA of the engine, for tls+tcp:// (PEM)" },
	{ "tlscert", 0, FLAG_TEXT, "file", "Certificate shown to the engine" },
	{ "tlskey", 0, FLAG_TEXT, "file", "Its key" },
	{ "help", 0, FLAG_SWITCH, NULL, "Show help" },
	{ "version", 'v', FLAG_SWITCH, NULL, "Print version information and quit" },
	{ 0 },
};

/* The next command behind `c` (NULL = the first) in all tables. */
static const struct command *next_command(const struct command *c)
{
	size_t i = 0;

	if (!c)
		return tables[0];
	for (c++; !c->run; c = tables[i]) {
		for (i = 0; i < ARRAY_LEN(tables); i++) {
			const struct command *last = tables[i];

			while (last->run)
				last++;
			if (last == c)
				break;
		}
		if (++i >= ARRAY_LEN(tables))
			return NULL;
	}
	return c;
}

static const struct command *find_command(const char *group, const char *word)
{
	for (const struct command *c = next_command(NULL); c; c = next_command(c)) {
		const char *name = group ? c->verb : c->name;

		if (group && (!c->group || strcmp(c->group, group) != 0))
			continue;
		if (name && strcmp(name, word) == 0)
			return c;
	}
	return NULL;
}

static bool is_group(const char *word)
{
	for (const struct command *c = next_command(NULL); c; c = next_command(c))
		if (c->group && strcmp(c->group, word) == 0)
			return true;
	return false;
}

static void flag_text(const struct flag *f, char out[64])
{
	snprintf(out, 64, "--%s %s", f->name, f->value ? f->value : "");
}

/* What is said of them stands in one column, however long a name is. */
static void print_flags(const struct flag *flags)
{
	int width = 28;
	char left[64];

	for (const struct flag *f = flags; f->name; f++) {
		flag_text(f, left);
		if (f->help && (int)strlen(left) > width)
			width = (int)strlen(left);
	}
	for (const struct flag *f = flags; f->name; f++) {
		flag_text(f, left);
		if (f->help && f->letter)
			printf("  -%c, %-*s %s\n", f->letter, width, left, f->help);
		else if (f->help)
			printf("      %-*s %s\n", width, left, f->help);
	}
}

static int help_all(const char *group)
{
	printf("Usage:  cleat %s%s COMMAND\n\n", group ? group : "[OPTIONS]", group ? "" : "");
	printf("Commands:\n");
	for (const struct command *c = next_command(NULL); c; c = next_command(c)) {
		const char *name = group ? c->verb : c->name;

		if (name && (!group || (c->group && strcmp(c->group, group) == 0)))
			printf("  %-12s%s\n", name, c->help);
	}
	if (!group) {
		printf("\nManagement Commands:\n  builder     Manage builds\n"
		       "  container   Manage containers\n"
		       "  image       Manage images\n  network     Manage networks\n  system      "
		       "Manage the engine\n"
		       "  volume      Manage volumes\n\nGlobal Options:\n");
		print_flags(global_flags);
	}
	printf("\nRun 'cleat %s%sCOMMAND --help' for more information on a command.\n",
	       group ? group : "", group ? " " : "");
	return 0;
}

static void command_name(const struct command *c, char *out, size_t n)
{
	if (c->name)
		snprintf(out, n, "cleat %s", c->name);
	else
		snprintf(out, n, "cleat %s %s", c->group, c->verb);
}

static int help_command(const struct command *c)
{
	char name[64];

	command_name(c, name, sizeof(name));
	printf("Usage:  %s %s\n\n%s\n", name, c->usage, c->help);
	if (c->flags->name) {
		printf("\nOptions:\n");
		print_flags(c->flags);
	}
	return 0;
}

static int usage_error(const struct command *c, const char *message, int code)
{
	char name[64] = "cleat";

	if (c)
		command_name(c, name, sizeof(name));
	fprintf(stderr, "cleat: %s\nSee '%s --help'.\n", message, name);
	return code;
}

static bool wants_help(const struct command *c, char *const *argv, size_t argc)
{
	for (size_t i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0)
			return true;
		if (strcmp(argv[i], "--") == 0 || (c->stop_early && argv[i][0] != '-'))
			return false;
	}
	return false;
}

static int bad_count(const struct command *c, size_t n)
{
	char text[96];

	if (n < c->least)
		snprintf(text, sizeof(text), "%s requires at least %zu argument%s",
			 c->name ? c->name : c->verb, c->least, c->least == 1 ? "" : "s");
	else if (c->most == 0)
		snprintf(text, sizeof(text), "%s accepts no arguments",
			 c->name ? c->name : c->verb);
	else
		snprintf(text, sizeof(text), "%s accepts at most %zu argument%s",
			 c->name ? c->name : c->verb, c->most, c->most == 1 ? "" : "s");
	return usage_error(c, text, 1);
}

/* The exit code for an error: commands that run a program distinguish why it could not, and `run` an
 * error of the engine from one of the program. */
static int exit_code(const struct command *c, const struct err *err)
{
	if (strcmp(err->reason, "EXEC_NOT_FOUND") == 0)
		return EXIT_NOT_FOUND;
	if (strcmp(err->reason, "EXEC_NOT_PERMITTED") == 0)
		return EXIT_NOT_EXECUTABLE;
	if (strcmp(err->reason, "USER_NOT_FOUND") == 0 && c->run == cmd_exec_table[0].run)
		return EXIT_NOT_EXECUTABLE;
	return strcmp(c->verb ? c->verb : c->name, "run") == 0 ? EXIT_ENGINE : 1;
}

static int run_command(struct cli *cli, const struct command *c, size_t argc, char *const *argv)
{
	cleanup(flags_deinit) struct flags flags = { 0 };
	struct err err = ERR_NULL;
	int r;

	if (wants_help(c, argv, argc))
		return help_command(c);
	if (flags_parse(&flags, c->flags, argc, argv, c->stop_early, &err) < 0)
		return usage_error(c, err.message, EXIT_ENGINE);
	if (flags.n_args < c->least || flags.n_args > c->most)
		return bad_count(c, flags.n_args);
	cli->command = c;
	r = c->run(cli, &flags, &err);
	if (r < 0) {
		output_error(&err);
		r = exit_code(c, &err);
	}
	remote_close(cli);
	if (fflush(stdout) != 0 && r == 0)
		r = 1;
	return r;
}

static int dispatch(struct cli *cli, size_t argc, char *const *argv)
{
	const struct command *c = NULL;
	size_t used = 1;
	char text[128];

	if (argc == 0 || strcmp(argv[0], "help") == 0)
		return help_all(NULL);
	if (is_group(argv[0]) && (argc == 1 || strcmp(argv[1], "--help") == 0))
		return help_all(argv[0]);
	if (is_group(argv[0])) {
		used = 2;
		c = find_command(argv[0], argv[1]);
	} else {
		c = find_command(NULL, argv[0]);
	}
	if (!c) {
		snprintf(text, sizeof(text), "unknown command: cleat %.40s%s%.40s", argv[0],
			 used == 2 ? " " : "", used == 2 ? argv[1] : "");
		return usage_error(NULL, text, 1);
	}
	return run_command(cli, c, argc - used, argv + used);
}

/* A standard stream that is closed is an empty one: else the first file opened would take its number. */
static void fill_streams(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)!open("/dev/null", O_RDWR);
}

int main(int argc, char **argv)
{
	cleanup(flags_deinit) struct flags flags = { 0 };
	struct cli cli = { 0 };
	struct err err = ERR_NULL;
	size_t n = (size_t)argc;

	fill_streams();
	signal(SIGPIPE, SIG_IGN);
	if (n > 0 && flags_parse(&flags, global_flags, n - 1, argv + 1, true, &err) < 0)
		return usage_error(NULL, err.message, EXIT_ENGINE);
	if (flags_switch(&flags, "version")) {
		printf("cleat version %s\n", CLEAT_VERSION);
		return 0;
	}
	cli.host = flags_text(&flags, "host");
	if (!cli.host)
		cli.host = getenv("CLEAT_HOST");
	if (!cli.host || !cli.host[0])
		cli.host = DEFAULT_HOST;
	cli.tls_ca_file = flags_text(&flags, "tlscacert");
	cli.tls_cert_file = flags_text(&flags, "tlscert");
	cli.tls_key_file = flags_text(&flags, "tlskey");
	if (flags_switch(&flags, "help"))
		return help_all(NULL);
	/* what is left of argv: flags_parse stopped at the command */
	return dispatch(&cli, flags.n_args, argv + n - flags.n_args);
}
