/* SPDX-License-Identifier: Apache-2.0 */
#include "signame.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <strings.h>

#include "str.h"

enum { SIGNAL_MAX = 64, REAL_TIME_FIRST = 34 }; /* the libc keeps 32 and 33 for itself */

static const struct {
	const char *name;
	int number;
} signals[] = {
	{ "HUP", SIGHUP },       { "INT", SIGINT },   { "QUIT", SIGQUIT },     { "ILL", SIGILL },
	{ "TRAP", SIGTRAP },     { "ABRT", SIGABRT }, { "IOT", SIGABRT },      { "BUS", SIGBUS },
	{ "FPE", SIGFPE },       { "KILL", SIGKILL }, { "USR1", SIGUSR1 },     { "SEGV", SIGSEGV },
	{ "USR2", SIGUSR2 },     { "PIPE", SIGPIPE }, { "ALRM", SIGALRM },     { "TERM", SIGTERM },
	{ "STKFLT", SIGSTKFLT }, { "CHLD", SIGCHLD }, { "CONT", SIGCONT },     { "STOP", SIGSTOP },
	{ "TSTP", SIGTSTP },     { "TTIN", SIGTTIN }, { "TTOU", SIGTTOU },     { "URG", SIGURG },
	{ "XCPU", SIGXCPU },     { "XFSZ", SIGXFSZ }, { "VTALRM", SIGVTALRM }, { "PROF", SIGPROF },
	{ "WINCH", SIGWINCH },   { "IO", SIGIO },     { "POLL", SIGPOLL },     { "PWR", SIGPWR },
	{ "SYS", SIGSYS },
};

int signame_number(const char *text, int *number)
{
	const char *name = strncasecmp(text, "SIG", 3) ? text : text + 3;
	int64_t value;

	if (str_int_in(text, 1, SIGNAL_MAX, &value) == 0) {
		*number = (int)value;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		if (!strcasecmp(signals[i].name, name)) {
			*number = signals[i].number;
			return 0;
		}
	if (strncasecmp(name, "RTMIN+", 6) ||
	    str_int_in(name + 6, 0, SIGNAL_MAX - REAL_TIME_FIRST, &value) < 0)
		return -EINVAL;
	*number = REAL_TIME_FIRST + (int)value;
	return 0;
}
