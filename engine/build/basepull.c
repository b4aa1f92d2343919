/* SPDX-License-Identifier: Apache-2.0 */
#include "basepull.h"

#include <string.h>

#include "container/history.h"
#include "reference.h"
#include "registry/pull.h"
#include "str.h"

/* The hub has several names among credentials. */
static bool is_of(const Cleat__V1__RegistryAuth *auth, const char *domain)
{
	static const char *const hub[] = { "", "index.docker.io", "https://index.docker.io/v1/" };

	if (strcmp(auth->server, domain) == 0)
		return true;
	for (size_t i = 0; strcmp(domain, "docker.io") == 0 && i < ARRAY_LEN(hub); i++)
		if (strcmp(auth->server, hub[i]) == 0)
			return true;
	return false;
}

static const Cleat__V1__RegistryAuth *find_auth(const struct build *b, const struct reference *ref)
{
	const Cleat__V1__BuildRequest__Options *o = b->options->request;

	for (size_t i = 0; i < o->n_auths; i++)
		if (is_of(o->auths[i], ref->domain))
			return o->auths[i];
	return NULL;
}

static int no_progress(void *ctx, const char *id, const char *status, uint64_t now, uint64_t total)
{
	(void)ctx;
	(void)id;
	(void)status;
	(void)now;
	(void)total;
	return 0;
}

static int tell_pulled(void *ctx, const struct pulled *pulled)
{
	struct build *b = ctx;
	char shown[REFERENCE_MAX];
	cleanup_free char *text = NULL;

	reference_familiar(pulled->reference, shown);
	history_transfer(b->engine, pulled->reference, "pull");
	text = str_printf("pulled %s@%s", shown, pulled->digest);
	if (text && !pulled->was_current)
		told_note(b, text);
	return 0;
}

int basepull(struct build *b, const char *name, const char *platform, struct err *err)
{
	struct platform parsed = { .os = "" };
	struct auth_credentials credentials = { 0 };
	struct pull_options options = { .reference = name,
					.cancel_fd = b->options->cancel_fd,
					.progress = no_progress,
					.pulled = tell_pulled,
					.ctx = b };
	struct reference ref;
	int r = reference_parse(name, &ref, err);

	r = r || !platform ? r : platform_parse(platform, &parsed, err);
	if (r < 0)
		return r;
	const Cleat__V1__RegistryAuth *auth = find_auth(b, &ref);

	if (auth) {
		credentials =
			(struct auth_credentials){ auth->username, auth->password,
						   auth->identity_token, auth->registry_token };
		options.auth = &credentials;
	}
	options.platform = platform ? &parsed : NULL;
	return image_pull(b->engine, &options, err);
}
