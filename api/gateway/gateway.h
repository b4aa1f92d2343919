/* SPDX-License-Identifier: Apache-2.0 */
/* From an HTTP request to calls of the engine and back: Docker Engine API 1.24 to 1.48 as far as it is
 * built, and every unary and server-streaming method as POST /cleat.v1.Service/Method (Connect). */
#pragma once

#include "http.h"

/* Of an http_service; arg is the engine's URL, ipc:///path. */
void gateway_handle(struct http_request *request, void *arg);
bool gateway_streams_body(const char *method, const char *path);
bool gateway_is_shared(const char *method, const char *path);
bool gateway_is_quick(const char *method, const char *path);
void gateway_ended(const struct http_request *request, const struct http_outcome *outcome);
