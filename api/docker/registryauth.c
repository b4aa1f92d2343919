/* SPDX-License-Identifier: Apache-2.0 */
#include "registryauth.h"

#include <errno.h>
#include <stdlib.h>

#include "base64.h"
#include "jsonfield.h"

#define FIELD(name, field)                                         \
	{                                                          \
		.key = name, .kind = JSONFIELD_TEXT,               \
		.offset = offsetof(Cleat__V1__RegistryAuth, field) \
	}

static const struct jsonfield_rule rules[] = {
	FIELD("username", username),
	FIELD("password", password),
	FIELD("serveraddress", server),
	FIELD("identitytoken", identity_token),
	FIELD("registrytoken", registry_token),
};

static void auth_freep(Cleat__V1__RegistryAuth **auth)
{
	if (*auth)
		cleat__v1__registry_auth__free_unpacked(*auth, NULL);
}

static void json_freep(json_t **doc)
{
	json_decref(*doc);
}

int registryauth_json(json_t *body, Cleat__V1__RegistryAuth **out, struct err *err)
{
	cleanup(auth_freep) Cleat__V1__RegistryAuth *auth = malloc(sizeof(*auth));

	if (!auth)
		return jsonfield_no_memory(err);
	cleat__v1__registry_auth__init(auth);
	if (!json_is_object(body))
		return err_set(err, ERR_INVALID, "the credentials are not a JSON object");
	int r = jsonfield_apply(rules, ARRAY_LEN(rules), body, auth, err);

	if (r == 0)
		*out = steal(&auth);
	return r;
}

int registryauth_header(const char *header, Cleat__V1__RegistryAuth **out, struct err *err)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	cleanup(json_freep) json_t *doc = NULL;

	if (base64_decode(&text, header) < 0)
		return err_set(err, ERR_INVALID, "X-Registry-Auth is no base64");
	doc = text.len ? json_loadb(text.data, text.len, 0, NULL) : json_object();
	return registryauth_json(doc, out, err);
}
