/* SPDX-License-Identifier: Apache-2.0 */
/* login, logout. The engine asks the registry whether it takes the credentials and forgets them; they are kept
 * where Docker keeps them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cleat/v1/system.rpc.h"
#include "cli.h"
#include "credentials.h"
#include "fd.h"
#include "msg.h"
#include "str.h"
#include "term.h"

#define TEXT_OF(s) ((char *)(uintptr_t)(s))

enum { WORD_MAX = 1024, SECRET_MAX = 64 << 10 };

static const char *server_of(const struct flags *flags)
{
	return flags->n_args ? flags->args[0] : "";
}

static const char *shown(const char *server)
{
	return server[0] ? server : dockercfg_key(server);
}

static int read_stdin(struct buf *secret, struct err *err)
{
	char block[4096];
	ssize_t n;

	secret->max = SECRET_MAX;
	while ((n = read(STDIN_FILENO, block, sizeof(block))) > 0)
		buf_append(secret, block, (size_t)n);
	while (secret->len && strchr("\r\n", secret->data[secret->len - 1]))
		secret->data[--secret->len] = '\0';
	if (n < 0 || secret->error || secret->len == 0)
		return err_set(err, ERR_INVALID, "the password cannot be read from standard input");
	return 0;
}

static int ask_user(char out[WORD_MAX], struct err *err)
{
	if (!isatty(STDIN_FILENO))
		return err_set(err, ERR_INVALID,
			       "Cannot perform an interactive login from a non TTY device");
	fprintf(stderr, "Username: ");
	if (!fgets(out, WORD_MAX, stdin))
		return err_set(err, ERR_INVALID, "a username is needed");
	out[strcspn(out, "\r\n")] = '\0';
	return out[0] ? 0 : err_set(err, ERR_INVALID, "a username is needed");
}

static int ask_password(struct buf *secret, struct err *err)
{
	char word[WORD_MAX];

	if (!isatty(STDIN_FILENO))
		return err_set(err, ERR_INVALID,
			       "Cannot perform an interactive login from a non TTY device");
	fprintf(stderr, "Password: ");
	int n = term_secret(STDIN_FILENO, word, sizeof(word));

	fprintf(stderr, "\n");
	if (n <= 0)
		return err_set(err, ERR_INVALID, "a password is needed");
	buf_puts(secret, word);
	return secret->error;
}

/* From the flags, standard input, or the person in front of the terminal. */
static int gather(const struct flags *flags, char user[WORD_MAX], struct buf *secret,
		  struct err *err)
{
	const char *name = flags_text(flags, "username"), *password = flags_text(flags, "password");
	int r = 0;

	if (flags_switch(flags, "password-stdin") && password)
		return err_set(err, ERR_INVALID,
			       "--password and --password-stdin are mutually exclusive");
	if (flags_switch(flags, "password-stdin") && !name)
		return err_set(err, ERR_INVALID, "Must provide --username with --password-stdin");
	if (name)
		snprintf(user, WORD_MAX, "%s", name);
	else
		r = ask_user(user, err);
	if (r < 0)
		return r;
	if (password) {
		fprintf(stderr, "WARNING! Using --password via the CLI is insecure. Use "
				"--password-stdin.\n");
		buf_puts(secret, password);
		return secret->error;
	}
	return flags_switch(flags, "password-stdin") ? read_stdin(secret, err)
						     : ask_password(secret, err);
}

static int check(struct cli *cli, const char *server, const struct dockercfg_entry *entry,
		 Cleat__V1__LoginReply **reply, struct err *err)
{
	Cleat__V1__RegistryAuth auth = CLEAT__V1__REGISTRY_AUTH__INIT;
	Cleat__V1__LoginRequest req = CLEAT__V1__LOGIN_REQUEST__INIT;

	req.auth = &auth;
	auth.server = TEXT_OF(server);
	auth.username = TEXT_OF(str_or_empty(entry->username));
	auth.password = TEXT_OF(str_or_empty(entry->password));
	auth.identity_token = TEXT_OF(str_or_empty(entry->identity_token));
	return remote_call(cli, &cleat_v1_system, "Login", &req.base, reply, err);
}

/* Without a word about who, those that are kept are tried again, as Docker does. */
static int try_kept(struct cli *cli, const struct flags *flags, struct err *err)
{
	cleanup(dockercfg_entry_deinit) struct dockercfg_entry entry = { 0 };
	cleanup(msg_freep) Cleat__V1__LoginReply *reply = NULL;
	struct err refused = ERR_NULL;

	if (flags_text(flags, "username") || flags_text(flags, "password"))
		return -ENOENT;
	int r = credentials_of(&entry, server_of(flags), err);

	if (r < 0)
		return r;
	if ((!entry.username && !entry.identity_token) ||
	    check(cli, server_of(flags), &entry, &reply, &refused) < 0)
		return -ENOENT;
	printf("Authenticating with existing credentials...\n%s\n", reply->status);
	return 0;
}

static int run_login(struct cli *cli, const struct flags *flags, struct err *err)
{
	cleanup(msg_freep) Cleat__V1__LoginReply *reply = NULL;
	cleanup(buf_deinit) struct buf secret = BUF_NULL;
	char user[WORD_MAX] = "";
	int r = try_kept(cli, flags, err);

	if (r != -ENOENT)
		return r;
	r = gather(flags, user, &secret, err);
	struct dockercfg_entry entry = { .username = user, .password = secret.data };

	r = r ? r : check(cli, server_of(flags), &entry, &reply, err);
	if (r < 0)
		return r;
	if (reply->identity_token[0]) {
		entry.identity_token = reply->identity_token;
		entry.password = NULL;
	}
	r = credentials_keep(server_of(flags), &entry, err);
	if (r == 0)
		printf("%s\n", reply->status);
	return r;
}

static int run_logout(struct cli *cli, const struct flags *flags, struct err *err)
{
	cleanup(dockercfg_entry_deinit) struct dockercfg_entry entry = { 0 };
	const char *server = server_of(flags);
	int r = credentials_of(&entry, server, err);

	(void)cli;
	if (r < 0)
		return r;
	if (!entry.username && !entry.identity_token) {
		printf("Not logged in to %s\n", shown(server));
		return 0;
	}
	printf("Removing login credentials for %s\n", shown(server));
	return credentials_keep(server, NULL, err);
}

static const struct flag login_flags[] = {
	{ "password", 'p', FLAG_TEXT, "string", "Password" },
	{ "password-stdin", 0, FLAG_SWITCH, NULL, "Take the password from stdin" },
	{ "username", 'u', FLAG_TEXT, "string", "Username" },
	{ 0 },
};
static const struct flag no_flags[] = { { 0 } };

const struct command cmd_login_table[] = {
	{ NULL, NULL, "login", "[OPTIONS] [SERVER]", "Authenticate to a registry", login_flags, 0,
	  1, false, run_login },
	{ NULL, NULL, "logout", "[SERVER]", "Log out from a registry", no_flags, 0, 1, false,
	  run_logout },
	{ 0 },
};
