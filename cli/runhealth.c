/* SPDX-License-Identifier: Apache-2.0 */
/* --health-*, --no-healthcheck and what a restart policy has beside its name. As with Docker a flag that
 * says 0 or nothing says nothing. */
#include <errno.h>
#include <string.h>

#include "msg.h"
#include "runparse.h"
#include "str.h"

#define MS_NS INT64_C(1000000)

static int no_memory(struct err *err)
{
	return err_sys(err, ENOMEM, "command line");
}

static int duration(const struct flags *flags, const char *flag, int64_t *ns, struct err *err)
{
	const char *text = flags_text(flags, flag);

	if (!text)
		return 0;
	if (text[0] == '-' && str_duration_ns(text + 1, ns) == 0)
		return err_set(err, ERR_INVALID, "--%s cannot be negative", flag);
	return str_duration_ns(text, ns) < 0 ? runparse_bad(err, flag, text, "a duration like 30s")
					     : 0;
}

static int retries(const struct flags *flags, uint32_t *out, struct err *err)
{
	const char *text = flags_text(flags, "health-retries");
	int64_t n = 0;

	if (text && str_int_in(text, INT32_MIN, INT32_MAX, &n) < 0)
		return runparse_bad(err, "health-retries", text, "a number");
	if (n < 0)
		return err_set(err, ERR_INVALID, "--health-retries cannot be negative");
	*out = (uint32_t)n;
	return 0;
}

static int fill(const struct flags *flags, Cleat__V1__HealthCheck *h, struct err *err)
{
	int r = duration(flags, "health-interval", &h->interval_ns, err);

	r = r ? r : duration(flags, "health-timeout", &h->timeout_ns, err);
	r = r ? r : retries(flags, &h->retries, err);
	r = r ? r : duration(flags, "health-start-period", &h->start_period_ns, err);
	return r ? r : duration(flags, "health-start-interval", &h->start_interval_ns, err);
}

static int set_test(Cleat__V1__HealthCheck *h, const char *kind, const char *line, struct err *err)
{
	h->test = msg_new(&cleat__v1__string_list__descriptor);
	if (!h->test || !msg_add(&h->test->values, &h->test->n_values, kind) ||
	    (line && !msg_add(&h->test->values, &h->test->n_values, line)))
		return no_memory(err);
	return 0;
}

static int health(const struct flags *flags, Cleat__V1__ContainerConfig *c, struct err *err)
{
	const char *line = str_or_empty(flags_text(flags, "health-cmd"));
	Cleat__V1__HealthCheck said = CLEAT__V1__HEALTH_CHECK__INIT, *h;
	const bool none = flags_switch(flags, "no-healthcheck");
	int r = fill(flags, &said, err);
	const bool any = line[0] || said.interval_ns || said.timeout_ns || said.retries ||
			 said.start_period_ns || said.start_interval_ns;

	if (r < 0)
		return r;
	if (none && any)
		return err_set(err, ERR_INVALID,
			       "--no-healthcheck conflicts with --health-* options");
	if (!none && !any)
		return 0;
	h = c->health_check = msg_new(&cleat__v1__health_check__descriptor);
	if (!h)
		return no_memory(err);
	*h = said;
	if (none)
		return set_test(h, "NONE", NULL, err);
	return line[0] ? set_test(h, "CMD-SHELL", line, err) : 0;
}

static int delay(const struct flags *flags, const char *flag, uint32_t *out_ms, struct err *err)
{
	int64_t ns = 0;
	int r = duration(flags, flag, &ns, err);

	if (r < 0 || ns == 0)
		return r;
	if (ns < MS_NS || ns / MS_NS > UINT32_MAX)
		return runparse_bad(err, flag, flags_text(flags, flag),
				    "a duration from 1ms to 49 days");
	*out_ms = (uint32_t)(ns / MS_NS);
	return 0;
}

static int restart(const struct flags *flags, Cleat__V1__ContainerConfig *c, struct err *err)
{
	Cleat__V1__RestartPolicy said = CLEAT__V1__RESTART_POLICY__INIT, *p = c->restart_policy;
	int r = delay(flags, "restart-delay", &said.delay_ms, err);

	said.on_unhealthy = flags_switch(flags, "restart-unhealthy");
	r = r ? r : delay(flags, "restart-delay-max", &said.max_delay_ms, err);
	if (r < 0 || !(said.delay_ms || said.max_delay_ms || said.on_unhealthy))
		return r;
	if (!p || !p->name[0] || strcmp(p->name, "no") == 0)
		return err_set(err, ERR_INVALID,
			       "--restart-delay, --restart-delay-max and --restart-unhealthy need "
			       "--restart");
	p->delay_ms = said.delay_ms;
	p->max_delay_ms = said.max_delay_ms;
	p->on_unhealthy = said.on_unhealthy;
	return 0;
}

int runhealth_apply(const struct flags *flags, Cleat__V1__ContainerConfig *c, struct err *err)
{
	int r = health(flags, c, err);

	return r ? r : restart(flags, c, err);
}
