/* SPDX-License-Identifier: Apache-2.0 */
/* Under the lock the newest file is looked at anew each time: another engine may have written. Its last
 * record tells the sequence that follows; a rest behind it was torn by a kill and is cut. To find the last
 * record the file is read from its end: the size stands on both sides. */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "eventrec.h"
#include "fd.h"
#include "journal_impl.h"
#include "segment.h"

enum { SEGMENTS = 8, SEGMENT_MIN = 8 << 10 };

static int open_segment(struct journal *journal, uint64_t first)
{
	char name[SEGMENT_NAME_MAX];
	int fd;

	segment_name(first, name);
	fd = openat(journal->dir_fd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EMFILE) {
		closep(&journal->spare_fd);
		journal->spare_fd = -1;
		fd = openat(journal->dir_fd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	}
	if (fd < 0)
		return -errno;
	closep(&journal->fd);
	journal->fd = fd;
	journal->first = first;
	if (journal->spare_fd < 0)
		journal->spare_fd = fcntl(journal->dir_fd, F_DUPFD_CLOEXEC, 0);
	return 0;
}

/* Opens the newest file if it is not open already. */
static int open_newest(struct journal *journal)
{
	cleanup_free uint64_t *list = NULL;
	size_t n;
	int r = segment_list_of(journal->list, &list, &n);

	if (r < 0)
		return r;
	if (n == 0)
		return open_segment(journal, 1);
	if (journal->fd >= 0 && journal->first == list[n - 1])
		return 0;
	return open_segment(journal, list[n - 1]);
}

static int open_files(struct journal *journal, int state_fd)
{
	int list;

	journal->dir_fd = openat(state_fd, "events", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (journal->dir_fd < 0)
		return -errno;
	list = openat(journal->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	journal->list = fd_dir(list);
	if (!journal->list)
		return -errno;
	journal->lock_fd = openat(journal->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	journal->spare_fd = fcntl(journal->dir_fd, F_DUPFD_CLOEXEC, 0);
	return journal->lock_fd < 0 || journal->spare_fd < 0 ? -errno : open_newest(journal);
}

int journal_open(struct journal **out, int state_fd, uint64_t max_bytes, struct err *err)
{
	struct journal *journal = calloc(1, sizeof(*journal));
	int r = journal ? fd_mkdir_all(state_fd, "events", 0700) : -ENOMEM;

	if (r == 0) {
		journal->fd = journal->lock_fd = journal->spare_fd = -1;
		journal->segment_max =
			max_bytes / SEGMENTS > SEGMENT_MIN ? max_bytes / SEGMENTS : SEGMENT_MIN;
		pthread_mutex_init(&journal->mutex, NULL);
		pthread_mutex_init(&journal->turn, NULL);
		r = open_files(journal, state_fd);
	}
	if (r < 0) {
		journal_free(journal);
		return err_sys(err, r, "open the event journal");
	}
	*out = journal;
	return 0;
}

struct journal *journal_free(struct journal *journal)
{
	if (!journal)
		return NULL;
	closep(&journal->fd);
	closep(&journal->lock_fd);
	closep(&journal->spare_fd);
	if (journal->list)
		closedir(journal->list);
	closep(&journal->dir_fd);
	pthread_mutex_destroy(&journal->mutex);
	pthread_mutex_destroy(&journal->turn);
	free(journal);
	return NULL;
}

int journal_lock(struct journal *journal)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int r;

	pthread_mutex_lock(&journal->turn);
	do {
		r = fcntl(journal->lock_fd, F_OFD_SETLKW, &lock) < 0 ? -errno : 0;
	} while (r == -EINTR);
	if (r < 0)
		pthread_mutex_unlock(&journal->turn);
	return r;
}

void journal_unlock(struct journal *journal)
{
	struct flock lock = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	(void)fcntl(journal->lock_fd, F_OFD_SETLK, &lock);
	pthread_mutex_unlock(&journal->turn);
}

/* Where the record begins that ends at `end`: 1, 0 when none does. */
static int find_last(int fd, uint64_t end, uint64_t *start)
{
	uint32_t sizes[2];
	uint64_t whole;

	if (end < EVENTREC_EXTRA || pread(fd, &sizes[1], sizeof(sizes[1]),
					  (off_t)(end - sizeof(sizes[1]))) != sizeof(sizes[1]))
		return 0;
	whole = EVENTREC_EXTRA + (uint64_t)sizes[1];
	if (sizes[1] > EVENTREC_MAX || whole > end ||
	    pread(fd, &sizes[0], sizeof(sizes[0]), (off_t)(end - whole)) != sizeof(sizes[0]) ||
	    sizes[0] != sizes[1])
		return 0;
	*start = end - whole;
	return 1;
}

/* Walks from the start to the end of the last whole record. */
static int whole_end(int fd, uint64_t size, uint64_t *end)
{
	cleanup_free char *bytes = malloc(EVENTREC_MAX + EVENTREC_EXTRA);

	if (!bytes)
		return -ENOMEM;
	for (*end = 0; *end < size;) {
		ssize_t n = pread(fd, bytes, EVENTREC_MAX + EVENTREC_EXTRA, (off_t)*end);
		ptrdiff_t one = n < 0 ? -errno : eventrec_decode(bytes, (size_t)n, NULL, NULL);

		if (n < 0)
			return (int)one;
		if (one <= 0)
			break;
		*end += (uint64_t)one;
	}
	return 0;
}

/* The last record of the open file: 1 with its bytes in *record, 0 when it has none. *end is where the
 * next one goes; what stood there is cut off. */
static int read_last(struct journal *journal, uint64_t *end, struct buf *record)
{
	struct stat st;
	uint64_t start;
	int r = fstat(journal->fd, &st) < 0 ? -errno : 0;

	*end = (uint64_t)st.st_size;
	if (r < 0 || *end == 0)
		return r;
	if (!find_last(journal->fd, *end, &start)) {
		r = whole_end(journal->fd, *end, end);
		if (r == 0 && ftruncate(journal->fd, (off_t)*end) < 0)
			r = -errno;
		if (r < 0 || !find_last(journal->fd, *end, &start))
			return r;
	}
	r = buf_reserve(record, (size_t)(*end - start));
	if (r < 0)
		return r;
	record->len = (size_t)(*end - start);
	return pread(journal->fd, record->data, record->len, (off_t)start) == (ssize_t)record->len
		       ? 1
		       : -EIO;
}

static int last_event(struct journal *journal, uint64_t *end, uint64_t *origin,
		      Cleat__V1__Event **event)
{
	cleanup(buf_deinit) struct buf record = BUF_NULL;
	int r = open_newest(journal);

	*origin = 0;
	*event = NULL;
	if (r == 0)
		r = read_last(journal, end, &record);
	if (r <= 0)
		return r;
	return eventrec_decode(record.data, record.len, event, origin) > 0 ? 1 : -EBADMSG;
}

int journal_last(struct journal *journal, uint64_t *origin, Cleat__V1__Event **event)
{
	uint64_t end;
	int r;

	pthread_mutex_lock(&journal->mutex);
	r = last_event(journal, &end, origin, event);
	pthread_mutex_unlock(&journal->mutex);
	return r < 0 ? r : 0;
}

/* A new file, and the oldest ones go. */
static int rotate(struct journal *journal, uint64_t first)
{
	cleanup_free uint64_t *list = NULL;
	char name[SEGMENT_NAME_MAX];
	size_t n;
	int r = open_segment(journal, first);

	if (r == 0)
		r = segment_list_of(journal->list, &list, &n);
	for (size_t i = 0; r == 0 && i + SEGMENTS < n; i++) {
		segment_name(list[i], name);
		unlinkat(journal->dir_fd, name, 0);
	}
	return r;
}

static int append(struct journal *journal, Cleat__V1__Event *event, uint64_t origin)
{
	cleanup(buf_deinit) struct buf bytes = BUF_NULL;
	Cleat__V1__Event *last = NULL;
	uint64_t end = 0, last_origin;
	int r = last_event(journal, &end, &last_origin, &last);

	if (r < 0)
		return r;
	event->sequence = last ? last->sequence + 1 : journal->first;
	if (last)
		cleat__v1__event__free_unpacked(last, NULL);
	if (end >= journal->segment_max) {
		r = rotate(journal, event->sequence);
		end = 0;
		if (r < 0)
			return r;
	}
	eventrec_encode(event, origin, &bytes);
	if (bytes.error)
		return bytes.error;
	if (bytes.len > EVENTREC_MAX)
		return -EMSGSIZE;
	if (pwrite(journal->fd, bytes.data, bytes.len, (off_t)end) == (ssize_t)bytes.len)
		return 0;
	r = errno ? -errno : -EIO;
	if (ftruncate(journal->fd, (off_t)end) < 0)
		return -errno;
	return r;
}

int journal_append(struct journal *journal, Cleat__V1__Event *event, uint64_t origin)
{
	int r;

	pthread_mutex_lock(&journal->mutex);
	r = append(journal, event, origin);
	pthread_mutex_unlock(&journal->mutex);
	return r;
}
