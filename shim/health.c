/* SPDX-License-Identifier: Apache-2.0 */
/* A failure within the start period counts only once the container has been healthy; the start interval
 * holds while it is neither. */
#include "health.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "str.h"

#define SECOND  INT64_C(1000000000)
#define MINIMUM INT64_C(1000000)

void health_config_default(struct health_config *config)
{
	config->interval_ns = config->interval_ns > 0 ? config->interval_ns : 30 * SECOND;
	config->timeout_ns = config->timeout_ns > 0 ? config->timeout_ns : 30 * SECOND;
	config->start_interval_ns =
		config->start_interval_ns > 0 ? config->start_interval_ns : 5 * SECOND;
	config->interval_ns = config->interval_ns < MINIMUM ? MINIMUM : config->interval_ns;
	config->start_interval_ns =
		config->start_interval_ns < MINIMUM ? MINIMUM : config->start_interval_ns;
	config->retries = config->retries ? config->retries : 3;
}

void health_begin(struct health *health)
{
	*health = (struct health){ .status = HEALTH_STARTING };
}

bool health_result(struct health *health, const struct health_config *config, int exit_code,
		   int64_t since_start_ns)
{
	const enum health_status before = health->status;

	if (exit_code == 0) {
		*health = (struct health){ .status = HEALTH_HEALTHY };
	} else if (before != HEALTH_STARTING || since_start_ns >= config->start_period_ns) {
		health->streak += health->streak < UINT32_MAX;
		if (health->streak >= config->retries)
			health->status = HEALTH_UNHEALTHY;
	}
	return health->status != before;
}

int64_t health_wait_ns(const struct health *health, const struct health_config *config,
		       int64_t since_start_ns)
{
	return health->status == HEALTH_STARTING && since_start_ns < config->start_period_ns
		       ? config->start_interval_ns
		       : config->interval_ns;
}

void health_output_add(struct health_output *output, const char *data, size_t n)
{
	size_t room = HEALTH_OUTPUT_MAX - output->n;
	size_t kept = n < room ? n : room;

	memcpy(output->text + output->n, data, kept);
	output->n += kept;
	output->truncated |= kept < n;
}

/* A character whose rest was too much is no damage. */
static void drop_torn_character(struct health_output *output)
{
	size_t n = output->n, back = 0;

	while (back < 3 && back < n && ((unsigned char)output->text[n - 1 - back] & 0xc0) == 0x80)
		back++;
	if (back < n && (unsigned char)output->text[n - 1 - back] >= 0xc0 &&
	    str_utf8_len((const unsigned char *)output->text + n - 1 - back, back + 1) == 0)
		output->n = n - 1 - back;
}

void health_output_end(struct health_output *output)
{
	if (output->truncated)
		drop_torn_character(output);
	for (size_t i = 0; i < output->n; i++)
		if (output->text[i] == '\0')
			output->text[i] = '?';
	(void)snprintf(output->text + output->n, sizeof(output->text) - output->n, "%s",
		       output->truncated ? "..." : "");
	str_mend_utf8(output->text);
	output->n = strlen(output->text);
}

void health_output_timeout(struct health_output *output, int64_t timeout_ns)
{
	char head[80], span[HEALTH_DURATION_MAX];
	size_t n;

	health_output_end(output);
	n = (size_t)snprintf(head, sizeof(head), "Health check exceeded timeout (%s)%s",
			     health_duration(timeout_ns, span), output->n ? ": " : "");
	if (output->n + n >= sizeof(output->text))
		output->n = sizeof(output->text) - n - 1;
	memmove(output->text + n, output->text, output->n);
	memcpy(output->text, head, n);
	output->n += n;
	output->text[output->n] = '\0';
}

/* "1.5" of 1500 thousandths and the like: as few digits as say it. */
static void fraction(char *out, size_t size, int64_t value, int64_t unit, const char *name)
{
	char digits[16];
	int width = 0;
	size_t n;

	for (int64_t u = unit; u > 1; u /= 10)
		width++;
	(void)snprintf(digits, sizeof(digits), "%0*" PRId64, width, value % unit);
	n = strlen(digits);
	while (n && digits[n - 1] == '0')
		n--;
	digits[width ? n : 0] = '\0';
	(void)snprintf(out, size, "%" PRId64 "%s%s%s", value / unit, digits[0] ? "." : "", digits,
		       name);
}

const char *health_duration(int64_t ns, char out[HEALTH_DURATION_MAX])
{
	const int64_t minutes = ns / (60 * SECOND), hours = minutes / 60;
	int n = 0;

	if (ns > 0 && ns < SECOND) {
		const int64_t unit = ns >= 1000000 ? 1000000 : ns >= 1000 ? 1000 : 1;

		fraction(out, HEALTH_DURATION_MAX, ns, unit,
			 unit == 1000000 ? "ms"
			 : unit == 1000  ? "\u00b5s"
					 : "ns");
		return out;
	}
	if (hours)
		n = snprintf(out, HEALTH_DURATION_MAX, "%" PRId64 "h%" PRId64 "m", hours,
			     minutes % 60);
	else if (minutes)
		n = snprintf(out, HEALTH_DURATION_MAX, "%" PRId64 "m", minutes);
	fraction(out + n, HEALTH_DURATION_MAX - (size_t)n, ns % (60 * SECOND), SECOND, "s");
	return out;
}
