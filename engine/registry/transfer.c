/* SPDX-License-Identifier: Apache-2.0 */
/* A multi handle with one easy handle in it, as only that can wait for the stop descriptor too. The easy
 * handle is reset for each request and keeps its connections. What a redirect answers is forgotten with the
 * next status line. */
#include "transfer.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

#include "backoff.h"
#include "certs.h"
#include "curllib.h"
#include "fd.h"
#include "str.h"

enum { REDIRECTS_MAX = 5, READ_BYTES = 256 << 10, POLL_MS = 500 };

struct transfer {
	const struct curllib *curl;
	CURLM *multi;
	CURL *easy;
	struct transfer_options options;
	struct transfer_watch watch; /* fd -1 = nothing, or it was asked */
	char *certs_dir;
	/* of the request at hand */
	const struct transfer_request *request;
	struct transfer_reply *reply;
	struct curl_slist *headers;
	struct certs certs;
	uint64_t sent;
	int64_t moved_ns; /* when a byte came or went last */
	int failed;       /* the sink's result */
	struct err err;
	char why[CURL_ERROR_SIZE];
};

static const struct field {
	const char *name;
	size_t offset, size;
	bool joined;
} fields[] = {
#define FIELD(name, member, joined)                                             \
	{                                                                       \
		name, offsetof(struct transfer_reply, member),                  \
			sizeof(((struct transfer_reply *)NULL)->member), joined \
	}
	FIELD("content-type", content_type, false),   FIELD("docker-content-digest", digest, false),
	FIELD("location", location, false),           FIELD("www-authenticate", challenge, true),
	FIELD("retry-after", retry_after, false),     FIELD("range", range, false),
	FIELD("content-range", content_range, false), FIELD("link", link, false),
#undef FIELD
};

void transfer_reply_deinit(struct transfer_reply *reply)
{
	free(reply->url);
	buf_deinit(&reply->body);
	*reply = (struct transfer_reply){ 0 };
}

/* A value that does not fit is none: half a URL would be worse. */
static void keep_field(const struct field *field, struct transfer_reply *reply, const char *value,
		       size_t n)
{
	char *at = (char *)reply + field->offset;
	size_t has = field->joined ? strlen(at) : 0;

	if (has + n + 3 > field->size)
		return;
	(void)snprintf(at + has, field->size - has, "%s%.*s", has ? ", " : "", (int)n, value);
}

static size_t on_header(char *line, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;
	size_t len = size * n, name, end = len;

	t->moved_ns = fd_monotonic_ns();
	if (len >= 5 && strncasecmp(line, "HTTP/", 5) == 0) {
		transfer_reply_deinit(t->reply);
		t->reply->content_length = UINT64_MAX;
		t->curl->easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &t->reply->status);
		return len;
	}
	const char *colon = memchr(line, ':', len);

	if (!colon)
		return len;
	name = (size_t)(colon - line);
	while (end > name + 1 && strchr("\r\n \t", line[end - 1]))
		end--;
	for (colon++; colon < line + end && (*colon == ' ' || *colon == '\t');)
		colon++;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (strlen(fields[i].name) == name && strncasecmp(fields[i].name, line, name) == 0)
			keep_field(&fields[i], t->reply, colon, (size_t)(line + end - colon));
	return len;
}

static bool is_content(long status)
{
	return status == 200 || status == 206;
}

static int keep_body(struct transfer *t, const char *data, size_t n)
{
	size_t max = t->request->body_max ? t->request->body_max : TRANSFER_BODY_MAX;
	struct buf *body = &t->reply->body;
	bool fits = body->len + n <= max;

	buf_append(body, data, fits ? n : max - body->len);
	if (!fits && is_content(t->reply->status))
		return err_set(&t->err, ERR_INVALID, "it is longer than %zu bytes", max);
	return body->error;
}

static size_t on_data(char *data, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;
	const struct transfer_request *request = t->request;

	t->moved_ns = fd_monotonic_ns();
	t->curl->easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &t->reply->status);
	if (request->sink && is_content(t->reply->status))
		t->failed = request->sink(request->ctx, t->reply, data, size * n, &t->err);
	else
		t->failed = keep_body(t, data, size * n);
	return t->failed ? 0 : size * n;
}

static size_t on_read(char *out, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;
	const struct transfer_request *request = t->request;
	uint64_t left = request->len - t->sent;
	size_t take = left < size * n ? (size_t)left : size * n;

	if (request->data) {
		memcpy(out, (const char *)request->data + t->sent, take);
	} else if (take) {
		ssize_t got = pread(request->fd, out, take, (off_t)(request->offset + t->sent));

		if (got <= 0) {
			t->failed = err_sys(&t->err, got < 0 ? errno : EIO, "read a blob");
			return CURL_READFUNC_ABORT;
		}
		take = (size_t)got;
	}
	t->sent += take;
	t->moved_ns = fd_monotonic_ns();
	if (request->sent)
		*request->sent += take;
	return take;
}

/* A connection that was kept may turn out closed when the body is on its way. */
static int on_seek(void *ctx, curl_off_t offset, int origin)
{
	struct transfer *t = ctx;

	if (origin != SEEK_SET || offset < 0)
		return CURL_SEEKFUNC_FAIL;
	if (t->request->sent)
		*t->request->sent -= t->sent - (uint64_t)offset;
	t->sent = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

#define set(option, value) (void)t->curl->easy_setopt(t->easy, option, value)

static void set_limits(struct transfer *t)
{
	bool tls = str_has_prefix(t->request->url, "https://");

	set(CURLOPT_NOSIGNAL, 1L);
	set(CURLOPT_PROTOCOLS_STR, "http,https");
	set(CURLOPT_REDIR_PROTOCOLS_STR, tls ? "https" : "http,https");
	set(CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX);
	set(CURLOPT_CONNECTTIMEOUT, (long)t->options.timeout_s);
	set(CURLOPT_TCP_KEEPALIVE, 1L);
	set(CURLOPT_BUFFERSIZE, (long)READ_BYTES);
	set(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
}

static void set_method(struct transfer *t)
{
	const char *method = t->request->method;

	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0) {
		set(CURLOPT_FOLLOWLOCATION, 1L);
		set(CURLOPT_NOBODY, method[0] == 'H' ? 1L : 0L);
		return;
	}
	set(CURLOPT_UPLOAD, 1L);
	set(CURLOPT_CUSTOMREQUEST, method);
	set(CURLOPT_INFILESIZE_LARGE, (curl_off_t)t->request->len);
	set(CURLOPT_READFUNCTION, on_read);
	set(CURLOPT_READDATA, t);
	set(CURLOPT_SEEKFUNCTION, on_seek);
	set(CURLOPT_SEEKDATA, t);
}

static int set_headers(struct transfer *t)
{
	/* waiting for "100 Continue" costs a second with servers that do not send it */
	struct curl_slist *list = t->curl->slist_append(NULL, "Expect:");

	for (size_t i = 0; list && i < TRANSFER_HEADERS_MAX; i++) {
		const char *header = t->request->headers[i];
		struct curl_slist *longer = header ? t->curl->slist_append(list, header) : list;

		if (!longer)
			t->curl->slist_free_all(list);
		list = longer;
	}
	t->headers = list;
	set(CURLOPT_HTTPHEADER, list);
	return list ? 0 : -ENOMEM;
}

static void set_tls(struct transfer *t)
{
	struct certs *certs = &t->certs;
	struct curl_blob blob = { certs->authorities.data, certs->authorities.len, CURL_BLOB_COPY };

	set(CURLOPT_SSL_VERIFYPEER, t->request->insecure ? 0L : 1L);
	set(CURLOPT_SSL_VERIFYHOST, t->request->insecure ? 0L : 2L);
	if (blob.len)
		set(CURLOPT_CAINFO_BLOB, &blob);
	if (certs->cert) {
		set(CURLOPT_SSLCERT, certs->cert);
		set(CURLOPT_SSLKEY, certs->key);
	}
}

static int prepare(struct transfer *t, struct err *err)
{
	int r = t->request->host ? certs_find(&t->certs, t->certs_dir, t->request->host, err) : 0;

	if (r < 0)
		return r;
	t->curl->easy_reset(t->easy);
	set(CURLOPT_URL, t->request->url);
	set(CURLOPT_USERAGENT, "cleat/" CLEAT_VERSION);
	set(CURLOPT_ERRORBUFFER, t->why);
	set(CURLOPT_HEADERFUNCTION, on_header);
	set(CURLOPT_HEADERDATA, t);
	set(CURLOPT_WRITEFUNCTION, on_data);
	set(CURLOPT_WRITEDATA, t);
	set_limits(t);
	set_method(t);
	set_tls(t);
	r = set_headers(t);
	return r < 0 ? err_sys(err, r, "HTTP request") : 0;
}

static int stopped(struct err *err)
{
	return err_set(err, ERR_CANCELLED, "it was cancelled");
}

static bool stands_still(const struct transfer *t)
{
	return fd_monotonic_ns() - t->moved_ns > t->options.timeout_s * INT64_C(1000000000);
}

void transfer_watch(struct transfer *t, const struct transfer_watch *watch)
{
	t->watch = watch ? *watch : (struct transfer_watch){ .fd = -1 };
}

static bool watch_stops(struct transfer *t)
{
	struct transfer_watch watch = t->watch;

	transfer_watch(t, NULL);
	return watch.stops(watch.ctx);
}

/* Runs the easy handle to its end. A descriptor of -1 is never readable, here and for poll(2). */
static int drive(struct transfer *t, CURLcode *code, struct err *err)
{
	struct curl_waitfd ends[] = { { .fd = t->options.stop_fd, .events = CURL_WAIT_POLLIN },
				      { .fd = -1, .events = CURL_WAIT_POLLIN } };
	int running = 1, queued;

	for (;;) {
		CURLMcode m = t->curl->multi_perform(t->multi, &running);

		ends[1].fd = t->watch.fd;
		if (m == CURLM_OK && running)
			m = t->curl->multi_poll(t->multi, ends, ARRAY_LEN(ends), POLL_MS, NULL);
		if (m != CURLM_OK)
			return err_set(err, ERR_INTERNAL, "%s", t->curl->multi_strerror(m));
		if (ends[0].revents || (ends[1].revents && watch_stops(t)))
			return stopped(err);
		ends[1].revents = 0;
		if (!running)
			break;
		if (stands_still(t)) {
			*code = CURLE_OPERATION_TIMEDOUT;
			return 0;
		}
	}
	CURLMsg *end = t->curl->multi_info_read(t->multi, &queued);

	*code = end ? end->data.result : CURLE_RECV_ERROR;
	return 0;
}

/* The URL without what may be secret in it. */
static int url_shown(const char *url)
{
	return (int)strcspn(url, "?#");
}

/* In a handshake libcurl's text alone tells a cut from a refusal. */
static bool is_cut(CURLcode code, const char *why)
{
	return code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR || code == CURLE_GOT_NOTHING ||
	       code == CURLE_PARTIAL_FILE ||
	       (code == CURLE_SSL_CONNECT_ERROR && strstr(why, "reset by peer"));
}

static int failure(const struct transfer *t, CURLcode code, struct err *err)
{
	const char *url = t->request->url, *why = t->why[0] ? t->why : t->curl->easy_strerror(code);
	enum err_code kind = ERR_UNAVAILABLE;

	t->reply->cut = is_cut(code, why);
	if (t->failed) {
		if (err)
			*err = t->err;
		return err_wrap(err, t->failed, "%s %.*s", t->request->method, url_shown(url), url);
	}
	if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CERTPROBLEM ||
	    code == CURLE_SSL_CACERT_BADFILE || code == CURLE_URL_MALFORMAT ||
	    code == CURLE_TOO_MANY_REDIRECTS || code == CURLE_UNSUPPORTED_PROTOCOL)
		kind = ERR_PRECONDITION;
	if (code == CURLE_OPERATION_TIMEDOUT)
		why = "no answer in time";
	else if (code == CURLE_SSL_CONNECT_ERROR && strstr(why, "wrong version number"))
		why = "the server speaks plain HTTP, which insecure-registries would have to allow";
	return err_set(err, kind, "%s %.*s: %s", t->request->method, url_shown(url), url, why);
}

static void finish(struct transfer *t)
{
	curl_off_t length = -1;
	const char *url = NULL;

	t->curl->easy_getinfo(t->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	t->curl->easy_getinfo(t->easy, CURLINFO_EFFECTIVE_URL, &url);
	t->curl->easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &t->reply->status);
	t->reply->content_length = length < 0 ? UINT64_MAX : (uint64_t)length;
	t->reply->url = strdup(str_or_empty(url));
}

int transfer_run(struct transfer *t, const struct transfer_request *request,
		 struct transfer_reply *reply, struct err *err)
{
	CURLcode code = CURLE_OK;

	t->request = request;
	t->reply = reply;
	t->sent = 0;
	t->moved_ns = fd_monotonic_ns();
	t->failed = 0;
	t->err = ERR_NULL;
	t->why[0] = '\0';
	*reply = (struct transfer_reply){ .content_length = UINT64_MAX };
	int r = prepare(t, err);

	if (r == 0 && t->curl->multi_add_handle(t->multi, t->easy) != CURLM_OK)
		r = err_set(err, ERR_INTERNAL, "HTTP request: libcurl refuses it");
	else if (r == 0) {
		r = drive(t, &code, err);
		if (r == 0 && code != CURLE_OK)
			r = failure(t, code, err);
		finish(t);
		t->curl->multi_remove_handle(t->multi, t->easy);
	}
	t->curl->slist_free_all(t->headers);
	t->headers = NULL;
	certs_deinit(&t->certs);
	return r;
}

int transfer_wait(struct transfer *t, int64_t ms, struct err *err)
{
	struct pollfd ends[] = { { .fd = t->options.stop_fd, .events = POLLIN },
				 { .fd = t->watch.fd, .events = POLLIN } };
	int64_t end = fd_monotonic_ns() + ms * 1000000, left;

	while ((left = end - fd_monotonic_ns()) > 0) {
		if (poll(ends, ARRAY_LEN(ends), (int)(left / 1000000) + 1) > 0 &&
		    (ends[0].revents || watch_stops(t)))
			return stopped(err);
		ends[1].fd = t->watch.fd;
	}
	return 0;
}

int transfer_back_off(struct transfer *t, unsigned int tries, const struct transfer_reply *reply,
		      struct err *err)
{
	uint32_t random = 0;
	int64_t asked_ms = reply ? backoff_asked_ms(reply->retry_after, time(NULL)) : -1;

	(void)!getrandom(&random, sizeof(random), 0);
	return transfer_wait(t, backoff_ms(tries, asked_ms, random), err);
}

int transfer_open(struct transfer **out, const struct transfer_options *options, struct err *err)
{
	const struct curllib *curl = curllib_get(err);
	cleanup(transfer_freep) struct transfer *t = curl ? calloc(1, sizeof(*t)) : NULL;

	if (!curl)
		return -EIO;
	if (t) {
		t->curl = curl;
		t->options = *options;
		t->watch.fd = -1;
		t->certs_dir = strdup(options->certs_dir);
		t->multi = curl->multi_init();
		t->easy = curl->easy_init();
	}
	if (!t || !t->certs_dir || !t->multi || !t->easy)
		return err_sys(err, ENOMEM, "HTTP");
	*out = steal(&t);
	return 0;
}

struct transfer *transfer_free(struct transfer *t)
{
	if (!t)
		return NULL;
	t->curl->easy_cleanup(t->easy);
	t->curl->multi_cleanup(t->multi);
	free(t->certs_dir);
	free(t);
	return NULL;
}

void transfer_freep(struct transfer **t)
{
	*t = transfer_free(*t);
}
