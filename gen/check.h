/* SPDX-License-Identifier: Apache-2.0 */
/* What protoc accepts and we cannot express. */
#pragma once

#include "model.h"

/* Checks the files to be generated: 0, or -EINVAL with m->error naming file and line. */
int check_model(struct model *m) must_check;
