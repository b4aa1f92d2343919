/* SPDX-License-Identifier: Apache-2.0 */
/* As cfmakeraw(3), with the state before kept. */
#include "term.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool term_size(int fd, uint32_t *rows, uint32_t *columns)
{
	struct winsize ws;

	if (ioctl(fd, TIOCGWINSZ, &ws) < 0)
		return false;
	*rows = ws.ws_row;
	*columns = ws.ws_col;
	return true;
}

int term_secret(int fd, char *out, size_t size)
{
	struct termios before, quiet;
	size_t n = 0;

	if (tcgetattr(fd, &before) < 0)
		return -errno;
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	if (tcsetattr(fd, TCSAFLUSH, &quiet) < 0)
		return -errno;
	while (n + 1 < size && read(fd, out + n, 1) == 1 && out[n] != '\n')
		n++;
	out[n] = '\0';
	tcsetattr(fd, TCSAFLUSH, &before);
	return (int)n;
}

int term_raw(struct term *term, int fd)
{
	struct termios t;

	if (tcgetattr(fd, &term->saved) < 0)
		return -errno;
	t = term->saved;
	cfmakeraw(&t);
	if (tcsetattr(fd, TCSANOW, &t) < 0)
		return -errno;
	term->raw = true;
	return 0;
}

void term_restore(struct term *term, int fd)
{
	if (term->raw)
		tcsetattr(fd, TCSANOW, &term->saved);
	term->raw = false;
}
