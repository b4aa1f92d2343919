/* SPDX-License-Identifier: Apache-2.0 */
#include "copymode.h"

#include <string.h>
#include <sys/stat.h>

enum { DIGITS_MAX = 5 };

/* The bits of everybody that a letter stands for in a file of this mode. */
static mode_t bits_of(char letter, mode_t mode)
{
	switch (letter) {
	case 'r':
		return 0444;
	case 'w':
		return 0222;
	case 'x':
		return 0111;
	case 'X': /* of directories, and where somebody can */
		return S_ISDIR(mode) || mode & 0111 ? 0111 : 0;
	case 's':
		return S_ISUID | S_ISGID;
	case 't':
		return S_ISVTX;
	case 'u': /* what the owner has, for those who are meant */
		return (mode >> 6 & 7) * 0111;
	case 'g':
		return (mode >> 3 & 7) * 0111;
	default:
		return (mode & 7) * 0111;
	}
}

static mode_t who_of(const char *letters, size_t n)
{
	mode_t who = n ? 0 : 07777;

	for (size_t i = 0; i < n; i++)
		who |= letters[i] == 'u'   ? 04700
		       : letters[i] == 'g' ? 02070
		       : letters[i] == 'o' ? 01007
					   : 07777;
	return who;
}

/* One "+x", "-rw", "=g" or "=". Its length; 0 = it is none. */
static size_t operate(const char *text, mode_t who, mode_t *mode)
{
	mode_t bits = 0;

	if (!text[0] || !strchr("+-=", text[0]))
		return 0;
	size_t n = strspn(text + 1, "rwxXst");

	if (n == 0 && text[1] && strchr("ugo", text[1]))
		n = 1;
	for (size_t i = 1; i <= n; i++)
		bits |= bits_of(text[i], *mode);
	bits &= who;
	if (text[0] == '=')
		*mode &= ~who;
	*mode = text[0] == '-' ? *mode & ~bits : *mode | bits;
	return n + 1;
}

/* "ug+r-x", up to the comma. */
static bool change(const char **text, mode_t *mode)
{
	size_t n = strspn(*text, "ugoa"), done = 0, length;
	mode_t who = who_of(*text, n);

	for (*text += n; (length = operate(*text, who, mode)); *text += length)
		done += length;
	return done > 0;
}

static bool all_changes(const char *text, mode_t *mode)
{
	do {
		if (!change(&text, mode))
			return false;
	} while (*text++ == ',');
	return text[-1] == '\0';
}

/* The mode that octal digits say; -1 = they are none, or too much. */
static int octal(const char *text)
{
	size_t n = strspn(text, "01234567");
	int mode = 0;

	if (n == 0 || n > DIGITS_MAX || text[n])
		return -1;
	while (*text)
		mode = mode * 8 + *text++ - '0';
	return mode <= 07777 ? mode : -1;
}

bool copymode_is_valid(const char *text)
{
	mode_t mode = 0;

	return octal(text) >= 0 || all_changes(text, &mode);
}

mode_t copymode_apply(const char *text, mode_t mode)
{
	int all = octal(text);

	if (all >= 0)
		return (mode_t)all;
	(void)all_changes(text, &mode);
	return mode & 07777;
}
