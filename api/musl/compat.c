/* SPDX-License-Identifier: Apache-2.0 */
/* What Debian's archives of libseccomp and jansson call because they were compiled with
 * _FORTIFY_SOURCE. The checks are kept: a destination that is too small ends the program. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int __fprintf_chk(FILE *stream, int flag, const char *format, ...);
int __snprintf_chk(char *s, size_t n, int flag, size_t size, const char *format, ...);
int __vsnprintf_chk(char *s, size_t n, int flag, size_t size, const char *format, va_list args);
char *__strncpy_chk(char *to, const char *from, size_t n, size_t size);

int __fprintf_chk(FILE *stream, int flag, const char *format, ...)
{
	va_list args;
	int n;

	(void)flag;
	va_start(args, format);
	n = vfprintf(stream, format, args);
	va_end(args);
	return n;
}

int __vsnprintf_chk(char *s, size_t n, int flag, size_t size, const char *format, va_list args)
{
	(void)flag;
	if (size < n)
		abort();
	return vsnprintf(s, n, format, args);
}

int __snprintf_chk(char *s, size_t n, int flag, size_t size, const char *format, ...)
{
	va_list args;
	int r;

	va_start(args, format);
	r = __vsnprintf_chk(s, n, flag, size, format, args);
	va_end(args);
	return r;
}

char *__strncpy_chk(char *to, const char *from, size_t n, size_t size)
{
	if (size < n)
		abort();
	return strncpy(to, from, n);
}
