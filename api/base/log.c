/* SPDX-License-Identifier: Apache-2.0 */
/* A record is formatted into one stack buffer and leaves with one write, so that lines of several
 * threads and processes on one stderr do not mix. */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 1024 };

static const char *const names[] = { "error", "warn", "info", "debug" };
static const char *log_prefix = "cleat";
static enum log_level log_limit = LOG_INFO;

void log_setup(const char *prefix, enum log_level level)
{
	log_prefix = prefix;
	log_limit = level;
}

void log_write(enum log_level level, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	int saved = errno;
	va_list args;
	int n, m;

	if (level > log_limit)
		return;
	n = snprintf(line, sizeof(line), "%s: %s: ", log_prefix, names[level]);
	va_start(args, fmt);
	m = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, args);
	va_end(args);
	n = m < 0 ? n : n + m;
	if (n > LINE_MAX_BYTES - 2)
		n = LINE_MAX_BYTES - 2;
	for (int i = 0; i < n; i++)
		if ((unsigned char)line[i] < 0x20)
			line[i] = ' ';
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)n) < 0) {
		/* nowhere left to say it */
	}
	errno = saved;
}
