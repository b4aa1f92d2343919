/* SPDX-License-Identifier: Apache-2.0 */
/* A slot is a number, the record's length, a hash of all the rest, and the record. The hash tells a slot
 * that is just being written: read(2) beside write(2) may see half of each. Zeroes are written when the
 * file is made, and no blocks allocated: the file system sets the room aside, and a file that is removed
 * before it was written back never costs an allocation. */
#include "slotfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fd.h"

struct slot {
	uint64_t number, hash;
	uint32_t len, zero;
	uint8_t record[SLOTFILE_RECORD_MAX];
};
_Static_assert(sizeof(struct slot) == SLOTFILE_SLOT, "a slot is a page");

enum { READ_TRIES = 100 };

/* FNV-1a. */
static uint64_t add_bytes(uint64_t hash, const void *bytes, size_t n)
{
	for (const uint8_t *b = bytes; n > 0; n--, b++)
		hash = (hash ^ *b) * UINT64_C(1099511628211);
	return hash;
}

static uint64_t slot_hash(const struct slot *slot)
{
	uint64_t hash = add_bytes(UINT64_C(14695981039346656037), &slot->number, 8);

	hash = add_bytes(hash, &slot->len, 4);
	return add_bytes(hash, slot->record, slot->len);
}

uint64_t slotfile_newest(const void *bytes, size_t n, const void **record, size_t *len)
{
	uint64_t newest = 0;

	for (size_t i = 0; i < 2 && (i + 1) * SLOTFILE_SLOT <= n; i++) {
		const uint8_t *at = (const uint8_t *)bytes + i * SLOTFILE_SLOT;
		struct slot slot;

		memcpy(&slot, at, sizeof(slot));
		if (slot.number <= newest || slot.len > SLOTFILE_RECORD_MAX ||
		    slot.hash != slot_hash(&slot))
			continue;
		newest = slot.number;
		*record = at + offsetof(struct slot, record);
		*len = slot.len;
	}
	return newest;
}

/* Reads until there is a whole record: both slots are torn only if two were written meanwhile. */
static int read_newest(int fd, struct buf *out, uint64_t *number)
{
	uint8_t bytes[2 * SLOTFILE_SLOT];
	const void *record;
	size_t len;

	for (int i = 0; i < READ_TRIES; i++) {
		ssize_t n = pread(fd, bytes, sizeof(bytes), 0);

		if (n < 0)
			return -errno;
		*number = slotfile_newest(bytes, (size_t)n, &record, &len);
		if (*number && out)
			buf_append(out, record, len);
		if (*number)
			return out ? out->error : 0;
		if (memcmp(bytes, bytes + 1, (size_t)n ? (size_t)n - 1 : 0) == 0)
			break; /* as it was made */
	}
	return -ENODATA;
}

/* What is there stays: a kernel that died may have left the file short, with its record in it. */
static int make_room(int fd)
{
	static const uint8_t zeroes[2 * SLOTFILE_SLOT];
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size >= (off_t)sizeof(zeroes))
		return 0;
	size_t missing = sizeof(zeroes) - (size_t)st.st_size;
	ssize_t n = pwrite(fd, zeroes, missing, st.st_size);

	if (n < 0)
		return -errno;
	return (size_t)n == missing ? 0 : -ENOSPC;
}

int slotfile_open(struct slotfile *file, int dir_fd, const char *name)
{
	cleanup_fd int fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	uint64_t number = 0;
	int r = fd < 0 ? -errno : make_room(fd);

	r = r ? r : read_newest(fd, NULL, &number);
	if (r < 0 && r != -ENODATA)
		return r;
	*file = (struct slotfile){ steal_fd(&fd), number };
	return 0;
}

void slotfile_deinit(struct slotfile *file)
{
	if (file->fd >= 0)
		close(file->fd);
	*file = SLOTFILE_NULL;
}

int slotfile_write(struct slotfile *file, const void *record, size_t len)
{
	struct slot slot = { .number = file->number + 1, .len = (uint32_t)len };
	const size_t n = offsetof(struct slot, record) + len;

	if (len > SLOTFILE_RECORD_MAX)
		return -EMSGSIZE;
	memcpy(slot.record, record, len);
	slot.hash = slot_hash(&slot);
	ssize_t done = pwrite(file->fd, &slot, n, slot.number % 2 ? 0 : SLOTFILE_SLOT);

	if (done != (ssize_t)n)
		return done < 0 ? -errno : -EIO;
	file->number++;
	return 0;
}

int slotfile_read(int dir_fd, const char *name, struct buf *out)
{
	cleanup_fd int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	uint64_t number;

	return fd < 0 ? -errno : read_newest(fd, out, &number);
}
