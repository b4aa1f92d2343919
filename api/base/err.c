/* SPDX-License-Identifier: Apache-2.0 */
/* One table maps a code to its names, its HTTP status and the errno that carries it through int
 * results. The way back, errno to code, is a second table, because many errnos share a code. */
#include "err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "str.h"

static const struct {
	const char *grpc, *connect;
	int http, errnum;
} codes[ERR_N_CODES] = {
	[ERR_OK] = { "OK", "ok", 200, 0 },
	[ERR_CANCELLED] = { "CANCELLED", "canceled", 499, ECANCELED },
	[ERR_UNKNOWN] = { "UNKNOWN", "unknown", 500, EIO },
	[ERR_INVALID] = { "INVALID_ARGUMENT", "invalid_argument", 400, EINVAL },
	[ERR_DEADLINE] = { "DEADLINE_EXCEEDED", "deadline_exceeded", 504, ETIMEDOUT },
	[ERR_NOT_FOUND] = { "NOT_FOUND", "not_found", 404, ENOENT },
	[ERR_EXISTS] = { "ALREADY_EXISTS", "already_exists", 409, EEXIST },
	[ERR_PERMISSION] = { "PERMISSION_DENIED", "permission_denied", 403, EACCES },
	[ERR_EXHAUSTED] = { "RESOURCE_EXHAUSTED", "resource_exhausted", 429, EMSGSIZE },
	[ERR_PRECONDITION] = { "FAILED_PRECONDITION", "failed_precondition", 409, EBUSY },
	[ERR_ABORTED] = { "ABORTED", "aborted", 409, EAGAIN },
	[ERR_OUT_OF_RANGE] = { "OUT_OF_RANGE", "out_of_range", 400, ERANGE },
	[ERR_UNIMPLEMENTED] = { "UNIMPLEMENTED", "unimplemented", 501, EOPNOTSUPP },
	[ERR_INTERNAL] = { "INTERNAL", "internal", 500, EPROTO },
	[ERR_UNAVAILABLE] = { "UNAVAILABLE", "unavailable", 503, ECONNREFUSED },
	[ERR_DATA_LOSS] = { "DATA_LOSS", "data_loss", 500, EBADMSG },
	[ERR_UNAUTHENTICATED] = { "UNAUTHENTICATED", "unauthenticated", 401, EKEYREJECTED },
};

static const struct {
	int errnum;
	enum err_code code;
} errnos[] = {
	{ ECANCELED, ERR_CANCELLED },
	{ EINVAL, ERR_INVALID },
	{ ENAMETOOLONG, ERR_INVALID },
	{ ETIMEDOUT, ERR_DEADLINE },
	{ ENOENT, ERR_NOT_FOUND },
	{ ESRCH, ERR_NOT_FOUND },
	{ EEXIST, ERR_EXISTS },
	{ EACCES, ERR_PERMISSION },
	{ EPERM, ERR_PERMISSION },
	{ EMSGSIZE, ERR_EXHAUSTED },
	{ ENOMEM, ERR_EXHAUSTED },
	{ ENFILE, ERR_EXHAUSTED },
	{ EMFILE, ERR_EXHAUSTED },
	{ ENOSPC, ERR_EXHAUSTED },
	{ EDQUOT, ERR_EXHAUSTED },
	{ EBUSY, ERR_PRECONDITION },
	{ EAGAIN, ERR_ABORTED },
	{ ERANGE, ERR_OUT_OF_RANGE },
	{ EOPNOTSUPP, ERR_UNIMPLEMENTED },
	{ ENOSYS, ERR_UNIMPLEMENTED },
	{ EPROTO, ERR_INTERNAL },
	{ ECONNREFUSED, ERR_UNAVAILABLE },
	{ ECONNRESET, ERR_UNAVAILABLE },
	{ ENOTCONN, ERR_UNAVAILABLE },
	{ EPIPE, ERR_UNAVAILABLE },
	{ ESHUTDOWN, ERR_UNAVAILABLE },
	{ EBADMSG, ERR_DATA_LOSS },
	{ EKEYREJECTED, ERR_UNAUTHENTICATED },
};

static int magnitude(int errnum)
{
	return errnum < 0 ? -errnum : errnum;
}

int err_to_errno(enum err_code code)
{
	return code < ERR_N_CODES ? -codes[code].errnum : -EIO;
}

enum err_code err_from_errno(int errnum)
{
	int e = magnitude(errnum);

	if (e == 0)
		return ERR_OK;
	for (size_t i = 0; i < ARRAY_LEN(errnos); i++)
		if (errnos[i].errnum == e)
			return errnos[i].code;
	return ERR_INTERNAL;
}

const char *err_code_name(enum err_code code)
{
	return code < ERR_N_CODES ? codes[code].grpc : "UNKNOWN";
}

const char *err_code_connect(enum err_code code)
{
	return code < ERR_N_CODES ? codes[code].connect : "unknown";
}

int err_code_http(enum err_code code)
{
	return code < ERR_N_CODES ? codes[code].http : 500;
}

/* Messages travel to terminals and into JSON: no control bytes, and a cut one says so without
 * leaving half a UTF-8 sequence behind. */
static void finish_message(char *text, int wanted)
{
	if (wanted >= ERR_MESSAGE_MAX) {
		size_t end = ERR_MESSAGE_MAX - sizeof("...");

		while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80)
			end--;
		memcpy(text + end, "...", sizeof("..."));
	}
	for (unsigned char *p = (unsigned char *)text; *p; p++)
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
	str_mend_utf8(text);
}

static void set_message(struct err *err, const char *fmt, va_list args)
{
	finish_message(err->message, vsnprintf(err->message, ERR_MESSAGE_MAX, fmt, args));
}

int err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
	va_list args;

	if (err) {
		*err = (struct err){ .code = code };
		va_start(args, fmt);
		set_message(err, fmt, args);
		va_end(args);
	}
	return err_to_errno(code);
}

int err_reason(struct err *err, enum err_code code, const char *reason, const char *fmt, ...)
{
	va_list args;

	if (err) {
		*err = (struct err){ .code = code };
		snprintf(err->reason, sizeof(err->reason), "%s", reason);
		va_start(args, fmt);
		set_message(err, fmt, args);
		va_end(args);
	}
	return err_to_errno(code);
}

int err_sys(struct err *err, int errnum, const char *fmt, ...)
{
	int e = magnitude(errnum);
	char text[ERR_MESSAGE_MAX];
	va_list args;

	if (err) {
		va_start(args, fmt);
		vsnprintf(text, sizeof(text), fmt, args);
		va_end(args);
		*err = (struct err){ .code = err_from_errno(e), .sys = e };
		finish_message(err->message, snprintf(err->message, ERR_MESSAGE_MAX, "%s: %s", text,
						      strerrordesc_np(e) ?: "unknown error"));
	}
	return -e;
}

int err_wrap(struct err *err, int r, const char *fmt, ...)
{
	char text[ERR_MESSAGE_MAX], cause[ERR_MESSAGE_MAX];
	va_list args;

	if (!err)
		return r;
	if (err->code == ERR_OK)
		err_sys(err, r, "failed");
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	snprintf(cause, sizeof(cause), "%s",
		 strncmp(err->message, "failed: ", 8) == 0 ? err->message + 8 : err->message);
	finish_message(err->message,
		       snprintf(err->message, ERR_MESSAGE_MAX, "%s: %s", text, cause));
	return r;
}
