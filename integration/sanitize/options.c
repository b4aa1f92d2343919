/* SPDX-License-Identifier: Apache-2.0 */
/* Defaults of a sanitized program. They are compiled in because a shim, a worker and a runtime start with
 * an environment of their own making, and their standard error is nobody's: what a sanitizer finds goes to
 * a file in the reports directory of the build. The environment still overrides.
 *
 * A leak checker stops its own process by ptrace from a thread it clones. A worker's system call filter
 * forbids that, and a runtime is a chain of processes in different pid namespaces in which it never ends. */
#define REPORTS "log_path=" CLEAT_REPORTS ":print_stacktrace=1"

#ifdef CLEAT_NO_LEAKS
#define LEAKS ":detect_leaks=0"
#else
#define LEAKS ":detect_leaks=1"
#endif

const char *__asan_default_options(void);
const char *__ubsan_default_options(void);
const char *__tsan_default_options(void);

const char *__asan_default_options(void)
{
	return REPORTS LEAKS;
}

const char *__ubsan_default_options(void)
{
	return REPORTS;
}

const char *__tsan_default_options(void)
{
	return REPORTS;
}
