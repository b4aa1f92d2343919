/* SPDX-License-Identifier: Apache-2.0 */
/* The user's terminal. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

struct term {
	bool raw;
	struct termios saved;
};

/* Rows and columns of the terminal at fd; false when it is none. */
bool term_size(int fd, uint32_t *rows, uint32_t *columns);
/* Raw mode until term_restore(); 0 or -errno. */
int term_raw(struct term *term, int fd);
void term_restore(struct term *term, int fd);
