/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and times as Docker's tables show them. Pure; results are in the caller's buffer. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { HUMAN_MAX = 48 };

/* "Less than a second", "5 seconds", "About a minute", "3 hours", "2 weeks". */
const char *human_duration(int64_t ns, char out[HUMAN_MAX]);
/* The same with " ago", of the time between then_ns and now_ns. */
const char *human_ago(int64_t now_ns, int64_t then_ns, char out[HUMAN_MAX]);
/* Decimal units with at most `digits` significant digits: "4.27MB", "0B". */
const char *human_size(uint64_t bytes, int digits, char out[HUMAN_MAX]);
/* Binary units with at most four significant digits, as Docker shows memory: "1.5MiB". */
const char *human_memory(uint64_t bytes, char out[HUMAN_MAX]);
/* "2026-01-02 03:04:05 +0000 UTC" */
const char *human_time(int64_t ns, char out[HUMAN_MAX]);
/* An id's first 12 digits, without "sha256:". */
const char *human_id(const char *id, char out[HUMAN_MAX]);
