/* SPDX-License-Identifier: Apache-2.0 */
/* From an HTTP request to a call of the engine and back: every unary method as
 * POST /cleat.v1.Service/Method in the Connect protocol with JSON, and Docker's /_ping. */
#pragma once

#include "http.h"

/* An http_handler; arg is the engine's URL, ipc:///path. Blocks. */
void gateway_handle(struct http_request *request, void *arg);
