/* SPDX-License-Identifier: Apache-2.0 */
/* A look at the lines that begin with FROM is enough: a name made of variables has credentials only where
 * another one has the same registry, and a wrong guess costs nothing. */
#include "buildauth.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "credentials.h"
#include "msg.h"

/* The image of a line "FROM [--flag...] IMAGE ...", cut in place; NULL = it is no such line. */
static char *image_of(char *line)
{
	char *rest = line + strspn(line, " \t"), *word = strsep(&rest, " \t\r");

	if (!word || strcasecmp(word, "FROM") != 0)
		return NULL;
	while ((word = strsep(&rest, " \t\r")))
		if (word[0] && strncmp(word, "--", 2) != 0)
			return strchr(word, '$') ? NULL : word;
	return NULL;
}

static bool has(const Cleat__V1__BuildRequest__Options *o, const char *server)
{
	for (size_t i = 0; i < o->n_auths; i++)
		if (strcmp(o->auths[i]->server, server) == 0)
			return true;
	return false;
}

static int add(Cleat__V1__BuildRequest__Options *o, const char *image, struct err *err)
{
	cleanup(credentials_deinit) struct credentials found = { 0 };
	int r = credentials_find(&found, image, err);
	Cleat__V1__RegistryAuth *auth;

	if (r < 0 || has(o, found.message.server))
		return r;
	auth = msg_new(&cleat__v1__registry_auth__descriptor);
	if (!auth || !msg_push(&o->auths, &o->n_auths, auth) ||
	    !msg_set(&auth->server, found.message.server) ||
	    !msg_set(&auth->username, found.message.username) ||
	    !msg_set(&auth->password, found.message.password) ||
	    !msg_set(&auth->identity_token, found.message.identity_token))
		return err_sys(err, ENOMEM, "build");
	return 0;
}

int buildauth_add(Cleat__V1__BuildRequest__Options *o, struct err *err)
{
	cleanup_free char *text =
		strndup((const char *)o->dockerfile_text.data, o->dockerfile_text.len);
	char *rest = text, *line;
	int r = text ? 0 : err_sys(err, ENOMEM, "build");

	while (r == 0 && (line = strsep(&rest, "\n"))) {
		const char *image = image_of(line);

		if (image && strcmp(image, "scratch") != 0)
			r = add(o, image, err);
	}
	return r;
}
