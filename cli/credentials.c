/* SPDX-License-Identifier: Apache-2.0 */
/* The helper protocol: `docker-credential-NAME get|store|erase`, a server or a JSON object on its standard
 * input, an object on its standard output; what it does not know it says there with exit status 1. */
#include "credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "fd.h"
#include "str.h"

enum { FILE_MAX_BYTES = 4 << 20 };

extern char **environ;

void credentials_deinit(struct credentials *c)
{
	dockercfg_entry_deinit(&c->entry);
}

static char *config_dir(void)
{
	const char *given = getenv("DOCKER_CONFIG"), *home = getenv("HOME");

	if (given && given[0])
		return strdup(given);
	return str_path(home && home[0] ? home : "/root", ".docker");
}

static int read_file(const char *dir, struct buf *text, struct err *err)
{
	cleanup_free char *path = str_path(dir, "config.json");
	int r = path ? fd_read_file(AT_FDCWD, path, FILE_MAX_BYTES, text) : -ENOMEM;

	return r < 0 && r != -ENOENT && r != -ENOTDIR
		       ? err_sys(err, r, "read %s", str_or_empty(path))
		       : 0;
}

/* ---- helpers */

static int spawn_helper(const char *program, const char *verb, int in, int out, pid_t *pid)
{
	char *argv[] = { (char *)(uintptr_t)program, (char *)(uintptr_t)verb, NULL };
	posix_spawn_file_actions_t actions;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	int r = posix_spawnp(pid, program, &actions, NULL, argv, environ);

	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

static int read_answer(int fd, struct buf *answer)
{
	char block[4096];
	ssize_t n;

	answer->max = FILE_MAX_BYTES;
	while (!answer->error &&
	       ((n = read(fd, block, sizeof(block))) > 0 || (n < 0 && errno == EINTR)))
		if (n > 0)
			buf_append(answer, block, (size_t)n);
	buf_putc(answer, '\0');
	return answer->error;
}

/* Its exit status, with what it wrote in *answer. */
static int run_helper(const char *name, const char *verb, const char *input, struct buf *answer,
		      struct err *err)
{
	cleanup_free char *program = str_printf("docker-credential-%s", name);
	int to[2] = { -1, -1 }, from[2] = { -1, -1 }, status = 0;
	pid_t pid = 0;

	if (!program || strchr(name, '/') || pipe2(to, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0)
		return err_set(err, ERR_INVALID, "credential helper \"%.80s\" cannot be started",
			       name);
	int r = spawn_helper(program, verb, to[0], from[1], &pid);

	close(to[0]);
	close(from[1]);
	if (r == 0)
		(void)!fd_write_all(to[1], input, strlen(input));
	close(to[1]);
	r = r ? r : read_answer(from[0], answer);
	close(from[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (r < 0)
		return err_sys(err, r, "%s", program);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static int helper_failed(const char *name, struct buf *answer, struct err *err)
{
	return err_set(err, ERR_INVALID, "docker-credential-%.40s: %.120s", name,
		       str_or_empty(answer->data));
}

/* What it said may be a secret. */
static int helper_is_odd(const char *name, struct err *err)
{
	return err_set(err, ERR_INVALID,
		       "docker-credential-%.40s get: expected an object with Username and Secret",
		       name);
}

static int take_secret(const json_t *doc, struct dockercfg_entry *out)
{
	const char *user = json_string_value(json_object_get(doc, "Username"));
	const char *secret = json_string_value(json_object_get(doc, "Secret"));

	if (!user || !secret)
		return -EINVAL;
	if (strcmp(user, "<token>") == 0) {
		out->identity_token = strdup(secret);
		return out->identity_token ? 0 : -ENOMEM;
	}
	out->username = strdup(user);
	out->password = strdup(secret);
	return out->username && out->password ? 0 : -ENOMEM;
}

static int ask_helper(struct dockercfg_entry *entry, const char *key, struct err *err)
{
	cleanup(buf_deinit) struct buf answer = BUF_NULL;
	int status = run_helper(entry->helper, "get", key, &answer, err);

	if (status < 0)
		return status;
	if (status != 0)
		return strstr(answer.data, "credentials not found")
			       ? 0
			       : helper_failed(entry->helper, &answer, err);
	json_t *doc = json_loads(answer.data, 0, NULL);
	int r = take_secret(doc, entry);

	json_decref(doc);
	return r < 0 ? helper_is_odd(entry->helper, err) : 0;
}

static int tell_helper(const char *helper, const char *key, const struct dockercfg_entry *entry,
		       struct err *err)
{
	cleanup(buf_deinit) struct buf answer = BUF_NULL;
	json_t *doc =
		entry ? json_pack("{s:s, s:s, s:s}", "ServerURL", key, "Username",
				  entry->identity_token ? "<token>" : str_or_empty(entry->username),
				  "Secret",
				  entry->identity_token ? entry->identity_token
							: str_or_empty(entry->password))
		      : NULL;
	char *text = doc ? json_dumps(doc, JSON_COMPACT) : strdup(key);
	int status =
		run_helper(helper, entry ? "store" : "erase", str_or_empty(text), &answer, err);

	json_decref(doc);
	free(text);
	if (status > 0 && (entry || !strstr(answer.data, "credentials not found")))
		return helper_failed(helper, &answer, err);
	return status < 0 ? status : 0;
}

/* ---- both together */

int credentials_of(struct dockercfg_entry *out, const char *server, struct err *err)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	cleanup_free char *dir = config_dir();
	int r = dir ? read_file(dir, &text, err) : err_sys(err, ENOMEM, "credentials");

	r = r ? r : dockercfg_find(str_or_empty(text.data), text.len, server, out, err);
	return r || !out->helper ? r : ask_helper(out, dockercfg_key(server), err);
}

int credentials_find(struct credentials *out, const char *image, struct err *err)
{
	*out = (struct credentials){ .message = CLEAT__V1__REGISTRY_AUTH__INIT };
	dockercfg_host(image, out->host);
	int r = credentials_of(&out->entry, out->host, err);

	out->message.server = out->host;
	if (out->entry.username)
		out->message.username = out->entry.username;
	if (out->entry.password)
		out->message.password = out->entry.password;
	if (out->entry.identity_token)
		out->message.identity_token = out->entry.identity_token;
	return r;
}

int credentials_keep(const char *server, const struct dockercfg_entry *entry, struct err *err)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	cleanup(dockercfg_entry_deinit) struct dockercfg_entry now = { 0 };
	cleanup_free char *dir = config_dir(), *path = dir ? str_path(dir, "config.json") : NULL;
	cleanup_free char *out = NULL;
	int r = path ? read_file(dir, &text, err) : err_sys(err, ENOMEM, "credentials");

	r = r ? r : dockercfg_find(str_or_empty(text.data), text.len, server, &now, err);
	if (r == 0 && now.helper) {
		r = tell_helper(now.helper, dockercfg_key(server), entry, err);
		entry = entry ? &now : NULL;
	}
	r = r ? r : dockercfg_store(str_or_empty(text.data), text.len, server, entry, &out, err);
	if (r < 0)
		return r;
	r = fd_mkdir_all(AT_FDCWD, dir, 0700);
	r = r ? r : fd_replace_file(AT_FDCWD, path, out, strlen(out), 0600, false);
	return r < 0 ? err_sys(err, r, "write %s", path) : 0;
}
