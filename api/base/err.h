/* SPDX-License-Identifier: Apache-2.0 */
/* Errors, in two tiers. Leaf and pure code returns 0 or -errno. Operations a user can cause take a
 * last parameter `struct err *err` on the caller's stack, return 0 or a negative errno too, and put
 * a sentence into *err where the cause is known. Context is put in front with err_wrap() on the way
 * up, and the sentence is printed once: at the RPC edge, or in a program's main. There is nothing to
 * free, so an error may simply be forgotten. All functions accept err == NULL. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "mem.h"

/* gRPC's status codes, by number (grpc.github.io/grpc/core/md_doc_statuscodes.html). */
enum err_code {
	ERR_OK = 0,
	ERR_CANCELLED = 1,
	ERR_UNKNOWN = 2,
	ERR_INVALID = 3, /* INVALID_ARGUMENT */
	ERR_DEADLINE = 4,
	ERR_NOT_FOUND = 5,
	ERR_EXISTS = 6,
	ERR_PERMISSION = 7,
	ERR_EXHAUSTED = 8,    /* RESOURCE_EXHAUSTED */
	ERR_PRECONDITION = 9, /* FAILED_PRECONDITION: wrong state */
	ERR_ABORTED = 10,
	ERR_OUT_OF_RANGE = 11,
	ERR_UNIMPLEMENTED = 12,
	ERR_INTERNAL = 13,
	ERR_UNAVAILABLE = 14,
	ERR_DATA_LOSS = 15,
	ERR_UNAUTHENTICATED = 16,
	ERR_N_CODES
};

enum { ERR_MESSAGE_MAX = 240, ERR_REASON_MAX = 48 };

struct err {
	enum err_code code;
	int sys;                     /* errno of the cause, 0 = none */
	bool not_started;            /* the call never began: safe to repeat */
	char reason[ERR_REASON_MAX]; /* stable word for programs, "" = none: CONTAINER_NOT_FOUND */
	char message[ERR_MESSAGE_MAX]; /* one sentence for people, no newline, UTF-8 */
};

#define ERR_NULL ((struct err){ 0 })

/* Sets code and message; a longer message ends in "...". Control bytes of the message are replaced
 * by '?'. Returns the errno that stands for the code, negative: `return err_set(err, ...)`. */
int err_set(struct err *err, enum err_code code, const char *fmt, ...) printf_like(3, 4);

/* As err_set, with the stable word for programs. */
int err_reason(struct err *err, enum err_code code, const char *reason, const char *fmt, ...)
	printf_like(4, 5);

/* A failed system call: the message is the formatted text, ": " and strerror(errnum), the code
 * follows from errnum. errnum may be negative or positive. Returns -abs(errnum). */
int err_sys(struct err *err, int errnum, const char *fmt, ...) printf_like(3, 4);

/* Puts the formatted text and ": " before the message there is; code, reason and errno stay. If
 * *err holds no error yet (a leaf returned -errno without a message) it is made from `r`.
 * Returns r, so that `return err_wrap(err, r, ...)` passes the result on. */
int err_wrap(struct err *err, int r, const char *fmt, ...) printf_like(3, 4);

/* The negative errno that stands for a code in int results; 0 for ERR_OK. */
int err_to_errno(enum err_code code);
/* The code for an errno of either sign; ERR_INTERNAL when nothing fits better. */
enum err_code err_from_errno(int errnum);

/* "NOT_FOUND" and so on, as gRPC spells it; "UNKNOWN" for a number out of range. */
const char *err_code_name(enum err_code code);
/* "not_found" and so on, as the Connect protocol spells it. */
const char *err_code_connect(enum err_code code);
/* HTTP status Docker's API uses for the code. */
int err_code_http(enum err_code code);
