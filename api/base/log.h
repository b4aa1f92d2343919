/* SPDX-License-Identifier: Apache-2.0 */
/* The program's own log: one line a record on stderr, `level message key=value ...`, written with
 * one write(2). A function logs or returns an error, never both. Thread-safe; may block as stderr
 * does. */
#pragma once

#include "mem.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Records above `level` are dropped. Default LOG_INFO. `prefix` (borrowed for ever) begins each
 * line: "cleatd". */
void log_setup(const char *prefix, enum log_level level);

void log_write(enum log_level level, const char *fmt, ...) printf_like(2, 3);

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)
