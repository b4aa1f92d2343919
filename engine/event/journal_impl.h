/* SPDX-License-Identifier: Apache-2.0 */
/* Private to engine/event. */
#pragma once

#include <pthread.h>

#include "journal.h"

struct journal {
	int dir_fd, fd;        /* the directory; the file written last, -1 = none yet */
	uint64_t first;        /* its first sequence */
	uint64_t segment_max;  /* bytes of one file */
	pthread_mutex_t mutex; /* of the threads; other engines are excluded by the lock file */
};
