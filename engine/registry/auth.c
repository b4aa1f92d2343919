/* SPDX-License-Identifier: Apache-2.0 */
#include "auth.h"

#include <errno.h>
#include <string.h>

#include "base64.h"
#include "regjson.h"
#include "str.h"
#include "urltext.h"

#define CLIENT_ID "cleat"

static bool given(const char *text)
{
	return text && text[0];
}

static char *basic(const struct auth_credentials *who)
{
	cleanup(buf_deinit) struct buf value = BUF_NULL;
	cleanup_free char *pair =
		str_printf("%s:%s", str_or_empty(who->username), str_or_empty(who->password));

	buf_puts(&value, "Basic ");
	if (pair)
		base64_encode(&value, pair, strlen(pair));
	return pair ? buf_steal(&value) : NULL;
}

static void add_field(struct buf *out, const char *name, const char *text)
{
	if (!text[0])
		return;
	buf_printf(out, "%s%s=", out->len ? "&" : "", name);
	urltext_escape(out, text);
}

/* Docker's form repeats scope=, OAuth2's has one list. */
static void add_scopes(struct buf *out, const char *scopes)
{
	while (*scopes) {
		size_t n = strcspn(scopes, " ");
		cleanup_free char *one = strndup(scopes, n);

		add_field(out, "scope", str_or_empty(one));
		scopes += n + (scopes[n] == ' ');
	}
}

/* GET of Docker's token specification, with basic credentials if there are some. */
static int ask(struct transfer *t, const struct auth_question *q,
	       const struct auth_credentials *who, struct transfer_request *request,
	       struct transfer_reply *reply, struct err *err)
{
	const char *realm = q->challenge->realm;
	cleanup(buf_deinit) struct buf query = BUF_NULL;
	cleanup_free char *credentials = given(who->username) ? basic(who) : NULL;
	cleanup_free char *header =
		credentials ? str_printf("Authorization: %s", credentials) : NULL;

	add_field(&query, "service", q->challenge->service);
	add_scopes(&query, q->scope);
	if (given(who->username))
		add_field(&query, "account", who->username);
	if (q->identity_token) {
		add_field(&query, "client_id", CLIENT_ID);
		add_field(&query, "offline_token", "true");
	}
	cleanup_free char *url = str_printf("%s%c%s", realm, strchr(realm, '?') ? '&' : '?',
					    str_or_empty(query.data));

	if (!url || query.error || (given(who->username) && !header))
		return err_sys(err, ENOMEM, "token");
	request->method = "GET";
	request->url = url;
	request->headers[0] = header;
	return transfer_run(t, request, reply, err);
}

/* POST of OAuth2, with an identity token. */
static int exchange(struct transfer *t, const struct auth_question *q,
		    const struct auth_credentials *who, struct transfer_request *request,
		    struct transfer_reply *reply, struct err *err)
{
	cleanup(buf_deinit) struct buf form = BUF_NULL;

	add_field(&form, "grant_type", "refresh_token");
	add_field(&form, "service", q->challenge->service);
	add_field(&form, "client_id", CLIENT_ID);
	add_field(&form, "scope", q->scope);
	add_field(&form, "refresh_token", who->identity_token);
	if (form.error)
		return err_sys(err, ENOMEM, "token");
	request->method = "POST";
	request->url = q->challenge->realm;
	request->headers[0] = "Content-Type: application/x-www-form-urlencoded";
	request->data = form.data;
	request->len = form.len;
	return transfer_run(t, request, reply, err);
}

static int refused(const struct transfer_reply *reply, struct err *err)
{
	char why[REGJSON_TEXT_MAX];

	regjson_error(str_or_empty(reply->body.data), reply->body.len, why);
	if (reply->status == 401 || reply->status == 403)
		return err_set(err, ERR_UNAUTHENTICATED, "unauthorized: %s",
			       why[0] ? why : "incorrect username or password");
	return err_set(err, ERR_UNAVAILABLE, "the token server answered %ld%s%s", reply->status,
		       why[0] ? ": " : "", why);
}

static int take_identity(const struct auth_question *q, const struct transfer_reply *reply,
			 struct err *err)
{
	char *identity = NULL;

	if (!q->identity_token)
		return 0;
	if (regjson_identity(str_or_empty(reply->body.data), reply->body.len, &identity) < 0)
		return err_sys(err, ENOMEM, "token");
	free(*q->identity_token);
	*q->identity_token = identity;
	return 0;
}

static int bearer(struct transfer *t, const struct auth_question *q,
		  const struct auth_credentials *who, char **out, struct err *err)
{
	struct transfer_request request = { .host = q->host, .insecure = q->insecure };
	cleanup(transfer_reply_deinit) struct transfer_reply reply = { 0 };
	cleanup_free char *token = NULL;
	bool secret = given(who->username) || given(who->identity_token);

	if (given(who->registry_token)) {
		*out = str_printf("Bearer %s", who->registry_token);
		return *out ? 0 : err_sys(err, ENOMEM, "token");
	}
	if (secret && !q->plain && !str_has_prefix(q->challenge->realm, "https://"))
		return err_set(err, ERR_PRECONDITION,
			       "credentials are not sent to %.120s, which is plain HTTP",
			       q->challenge->realm);
	int r = given(who->identity_token) ? exchange(t, q, who, &request, &reply, err)
					   : ask(t, q, who, &request, &reply, err);

	if (r < 0)
		return r;
	if (reply.status != 200)
		return refused(&reply, err);
	r = regjson_token(str_or_empty(reply.body.data), reply.body.len, &token, err);
	r = r ? r : take_identity(q, &reply, err);
	*out = r ? NULL : str_printf("Bearer %s", token);
	return r || *out ? r : err_sys(err, ENOMEM, "token");
}

int auth_answer(struct transfer *t, const struct auth_question *q,
		const struct auth_credentials *who, char **out, struct err *err)
{
	if (q->challenge->scheme == CHALLENGE_BEARER)
		return bearer(t, q, who, out, err);
	if (!given(who->username))
		return err_set(err, ERR_UNAUTHENTICATED, "unauthorized: no basic auth credentials");
	*out = basic(who);
	return *out ? 0 : err_sys(err, ENOMEM, "credentials");
}
