/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "str.h"

static const char *const names[] = {
#define FAULT_NAME(name) #name,
	FAULT_POINTS(FAULT_NAME)
#undef FAULT_NAME
};

enum fault fault_armed = N_FAULTS;
static _Atomic uint64_t times = 1; /* until it happens */

void fault_hit(void)
{
	if (atomic_fetch_sub(&times, 1) != 1)
		return;
	(void)kill(getpid(), SIGKILL);
	_exit(128 +
	      SIGKILL); /* a worker may send no signals; for who waits for it this is as sudden */
}

int fault_setup(void)
{
	const char *text = getenv("CLEAT_FAULT");
	size_t len = text ? strcspn(text, ":") : 0;
	uint64_t n = 1;

	if (!text)
		return 0;
	if (text[len] && (str_u64(text + len + 1, &n) < 0 || n == 0))
		return -EINVAL;
	for (size_t i = 0; i < N_FAULTS; i++)
		if (strlen(names[i]) == len && memcmp(names[i], text, len) == 0) {
			times = n;
			fault_armed = (enum fault)i;
			return 0;
		}
	return -EINVAL;
}

char *fault_environment(void)
{
	const char *text = getenv("CLEAT_FAULT");

	return text ? str_printf("CLEAT_FAULT=%s", text) : NULL;
}
