/* SPDX-License-Identifier: Apache-2.0 */
/* The user's terminal. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <termios.h>

struct term {
	bool raw;
	struct termios saved;
};

/* Rows and columns of the terminal at fd; false when it is none. */
bool term_size(int fd, uint32_t *rows, uint32_t *columns);
/* A line from the terminal at fd without showing what is typed, without its newline. The line's length, or
 * -errno. */
int term_secret(int fd, char *out, size_t size);
/* Raw mode until term_restore(); 0 or -errno. */
int term_raw(struct term *term, int fd);
void term_restore(struct term *term, int fd);
