/* SPDX-License-Identifier: Apache-2.0 */
/* The `local` format: segments NNNNNN.log of binary records (logrec.h), numbered upwards; closed ones
 * become NNNNNN.log.zst (logkeep.h). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "fd.h"
#include "logformat.h"
#include "logrec.h"
#include "str.h"

static bool segment_number(const char *name, uint32_t *number)
{
	char digits[7] = { 0 };
	uint64_t value;

	if (strlen(name) < 10 ||
	    (strcmp(name + 6, ".log") != 0 && strcmp(name + 6, ".log" LOGREC_PACKED_SUFFIX) != 0))
		return false;
	memcpy(digits, name, 6);
	if (str_u64(digits, &value) < 0 || value == 0)
		return false;
	*number = (uint32_t)value;
	return true;
}

static uint32_t scan(int dir_fd, uint32_t number, bool upwards)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd_dir(fd);
	struct dirent *entry;
	uint32_t best = 0, n;

	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		if (!segment_number(entry->d_name, &n))
			continue;
		if (upwards ? n > number && (!best || n < best)
			    : (!number || n < number) && n > best)
			best = n;
	}
	closedir(dir);
	return best;
}

/* The segment found is the nearest for sure: the open one, which has the highest number, keeps its form. */
static bool settled(uint32_t number, bool upwards, uint32_t found)
{
	return upwards ? found == 0 || found == number + 1 : number <= 1 || found == number - 1;
}

/* The nearest number above `number` (upwards) or below it; below 0 is the highest. A segment that changes
 * its form while the directory is read may be found in neither: then it is there at a second look. */
static uint32_t neighbour(int dir_fd, uint32_t number, bool upwards)
{
	uint32_t found = scan(dir_fd, number, upwards);

	return settled(number, upwards, found) ? found : scan(dir_fd, number, upwards);
}

static uint32_t next_file(int fd, const char *id, uint32_t number)
{
	(void)id;
	return neighbour(fd, number, true);
}

static uint32_t previous_file(int fd, const char *id, uint32_t number)
{
	(void)id;
	return neighbour(fd, number, false);
}

static int open_file(int dir_fd, const char *id, uint32_t number)
{
	char name[24];
	int fd;

	(void)id;
	(void)snprintf(name, sizeof(name), LOGREC_SEGMENT_FORMAT, number);
	fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT) {
		(void)snprintf(name, sizeof(name), LOGREC_SEGMENT_FORMAT LOGREC_PACKED_SUFFIX,
			       number);
		fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	}
	return fd < 0 ? -errno : fd;
}

static void fill(const struct logrec *rec, size_t on_disk, struct log_found *found)
{
	*found = (struct log_found){
		.entry = { .time_ns = rec->time_ns,
			   .position = rec->position,
			   .data = rec->data,
			   .size = rec->size,
			   .stream = rec->stream,
			   .partial = rec->partial },
		.on_disk = on_disk,
	};
}

static int decode(const char *bytes, size_t n, char *scratch, struct log_found *found)
{
	struct logrec rec;
	ptrdiff_t size = logrec_decode(bytes, n, &rec);

	(void)scratch;
	if (size <= 0)
		return (int)size;
	fill(&rec, (size_t)size, found);
	return 1;
}

static int decode_last(const char *bytes, size_t n, char *scratch, struct log_found *found)
{
	struct logrec rec;
	ptrdiff_t size = logrec_decode_last(bytes, n, &rec);

	(void)scratch;
	if (size <= 0)
		return (int)size;
	fill(&rec, (size_t)size, found);
	return 1;
}

const struct logformat logformat_local = {
	.entry_max = LOGREC_HEAD_BYTES + LOGREC_DATA_MAX + LOGREC_TAIL_BYTES,
	.next_file = next_file,
	.previous_file = previous_file,
	.open_file = open_file,
	.decode = decode,
	.decode_last = decode_last,
};
