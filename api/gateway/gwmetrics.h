/* SPDX-License-Identifier: Apache-2.0 */
/* GET /metrics: the gateway's own counts and the engine's, in Prometheus' text format. Thread-safe. */
#pragma once

#include "exchange.h"

/* Counts a request that is over. Never blocks. */
void gwmetrics_request(const struct http_request *request, const struct http_outcome *outcome);

/* The route's handler. Without an engine it tells the gateway's own. */
void gw_metrics(struct gw *gw);
