/* SPDX-License-Identifier: Apache-2.0 */
/* Private to engine/event. */
#pragma once

#include <dirent.h>
#include <pthread.h>

#include "journal.h"

struct journal {
	/* The directory; the file written last, -1 = none yet; the lock file; one to give up where there
	 * are no more. An event needs no other. */
	int dir_fd, fd, lock_fd, spare_fd;
	DIR *list;             /* of the directory */
	pthread_mutex_t turn;  /* the lock file's, of the threads */
	uint64_t first;        /* its first sequence */
	uint64_t segment_max;  /* bytes of one file */
	pthread_mutex_t mutex; /* of the threads; other engines are excluded by the lock file */
};
