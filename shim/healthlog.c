/* SPDX-License-Identifier: Apache-2.0 */
#include "healthlog.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fd.h"

enum { BYTES_MAX = HEALTH_RESULTS * (sizeof(struct health_output) + 64) };

void healthlog_add(struct healthlog *log, const Cleat__Shim__V1__HealthResult *result, char *output)
{
	if (!output)
		return;
	if (log->n == HEALTH_RESULTS) {
		free(log->results[0].output);
		memmove(log->results, log->results + 1,
			(HEALTH_RESULTS - 1) * sizeof(log->results[0]));
		log->n--;
	}
	log->results[log->n] = *result;
	log->results[log->n++].output = output;
}

int healthlog_write(const struct healthlog *log, int state_fd)
{
	Cleat__Shim__V1__HealthLog message = CLEAT__SHIM__V1__HEALTH_LOG__INIT;
	Cleat__Shim__V1__HealthResult *list[HEALTH_RESULTS];
	cleanup_free uint8_t *bytes = NULL;

	for (size_t i = 0; i < log->n; i++)
		list[i] = (Cleat__Shim__V1__HealthResult *)(uintptr_t)&log->results[i];
	message.results = list;
	message.n_results = log->n;
	bytes = malloc(cleat__shim__v1__health_log__get_packed_size(&message) + 1);
	if (!bytes)
		return -ENOMEM;
	return fd_replace_file(state_fd, "health", bytes,
			       cleat__shim__v1__health_log__pack(&message, bytes), 0600, false);
}

void healthlog_read(struct healthlog *log, int state_fd)
{
	cleanup(buf_deinit) struct buf b = BUF_NULL;
	Cleat__Shim__V1__HealthLog *message;

	if (fd_read_file(state_fd, "health", BYTES_MAX, &b) < 0)
		return;
	message = cleat__shim__v1__health_log__unpack(NULL, b.len, (const uint8_t *)b.data);
	if (!message)
		return;
	for (size_t i = 0; i < message->n_results; i++)
		healthlog_add(log, message->results[i], strdup(message->results[i]->output));
	cleat__shim__v1__health_log__free_unpacked(message, NULL);
}
