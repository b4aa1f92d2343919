/* SPDX-License-Identifier: Apache-2.0 */
/* How names change from the proto to C and Python. The spelling of C types follows protoc-c, whose
 * output the stubs use. Results live in the model's arena. Pure. */
#pragma once

#include <stdbool.h>

#include "model.h"

/* "cleat.v1.Containers" -> "cleat_v1_containers"; "InspectAll" -> "inspect_all". */
const char *name_snake(struct model *m, const char *name);
/* "cleat.v1.LogsRequest" -> "Cleat__V1__LogsRequest": protoc-c's type. */
const char *name_c_type(struct model *m, const char *full_name);
/* "cleat.v1.LogsRequest" -> "cleat__v1__logs_request": protoc-c's prefix of functions. */
const char *name_c_lower(struct model *m, const char *full_name);

bool name_is_c_keyword(const char *name);
bool name_is_python_keyword(const char *name);
