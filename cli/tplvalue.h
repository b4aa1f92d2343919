/* SPDX-License-Identifier: Apache-2.0 */
/* Values of templates: how Go prints them, what counts as true, and the functions. Pure. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "err.h"

/* As fmt.Print has it: [a b], map[k:v], <no value>. */
void tplvalue_print(struct buf *out, const json_t *value);
/* Not false, 0, "", null or empty. */
bool tplvalue_true(const json_t *value);
/* Calls the function `name`; *result is owned. ERR_INVALID for an unknown function or bad
 * arguments. */
int tplvalue_call(const char *name, json_t *const *args, size_t n_args, json_t **result,
		  struct err *err) must_check;
bool tplvalue_is_function(const char *name);
