/* SPDX-License-Identifier: Apache-2.0 */
/* HEALTHCHECK. */
#include <errno.h>
#include <string.h>

#include "meta.h"
#include "str.h"

#define MIN_INTERVAL_NS INT64_C(1000000)

static int memory(int r, struct err *err)
{
	return r < 0 ? err_sys(err, ENOMEM, "build") : 0;
}

static int set_duration(const struct instruction *in, const char *flag, const char *key,
			json_t *check, struct err *err)
{
	const char *text = instruction_flag(in, flag, 0);
	int64_t ns = 0;

	if (!text)
		return 0;
	if (str_duration_ns(text, &ns) < 0)
		return err_set(err, ERR_INVALID, "invalid duration \"%.40s\" for --%s", text, flag);
	if (ns != 0 && ns < MIN_INTERVAL_NS)
		return err_set(err, ERR_INVALID, "Interval \"%.40s\" cannot be less than 1ms",
			       flag);
	return memory(ns ? json_object_set_new(check, key, json_integer(ns)) : 0, err);
}

static int set_retries(const struct instruction *in, json_t *check, struct err *err)
{
	const char *text = instruction_flag(in, "retries", 0);
	int64_t n = 0;

	if (text && str_int_in(text, 0, INT32_MAX, &n) < 0)
		return err_set(err, ERR_INVALID, "--retries must be a number, not \"%.40s\"", text);
	return memory(n ? json_object_set_new(check, "Retries", json_integer(n)) : 0, err);
}

static json_t *health_test(const struct instruction *in)
{
	bool none = strcmp(in->words.v[0], "NONE") == 0;
	json_t *test = json_array();

	json_array_append_new(test, json_string(none ? "NONE" : in->json ? "CMD" : "CMD-SHELL"));
	for (size_t i = 1; i < in->words.n; i++)
		json_array_append_new(test, json_string(in->words.v[i]));
	return test;
}

int meta_health(struct meta *m, const struct instruction *in, struct err *err)
{
	static const char *const durations[][2] = { { "interval", "Interval" },
						    { "timeout", "Timeout" },
						    { "start-period", "StartPeriod" },
						    { "start-interval", "StartInterval" } };
	json_t *check = json_pack("{s:o}", "Test", health_test(in));
	int r = check ? 0 : memory(-ENOMEM, err);

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(durations); i++)
		r = set_duration(in, durations[i][0], durations[i][1], check, err);
	r = r ? r : set_retries(in, check, err);
	if (r < 0) {
		json_decref(check);
		return r;
	}
	return memory(imagedoc_set_json(&m->image, "Healthcheck", check), err);
}
