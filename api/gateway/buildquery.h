/* SPDX-License-Identifier: Apache-2.0 */
/* The query of POST /build as the options of a build. Private to the gateway. */
#pragma once

#include "cleat/v1/images.pb-c.h"
#include "exchange.h"

/* Fills *o, whose parts are then all from malloc. -EINVAL naming the parameter. */
int buildquery_read(struct gw *gw, Cleat__V1__BuildRequest__Options *o, struct err *err) must_check;
