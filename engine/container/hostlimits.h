/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "limitcheck.h"

/* What the kernel can limit now, by the files of its control groups. Blocks on these only. */
void hostlimits_read(struct hostlimits *host);

/* limitcheck() with it; costs nothing where there are no limits. */
int hostlimits_check(Cleat__V1__Resources *limits, struct warnings warnings,
		     struct err *err) must_check;
