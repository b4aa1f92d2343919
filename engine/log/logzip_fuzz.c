/* SPDX-License-Identifier: Apache-2.0 */
/* The input is a file of the log's directory. */
#include "logzip.h"

#include <sys/mman.h>
#include <unistd.h>

#include "fd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_fd int fd = memfd_create("segment", MFD_CLOEXEC);
	cleanup(logzip_freep) struct logzip *zip = NULL;
	static char buf[64 << 10];
	uint64_t at = 0;
	ssize_t n;

	if (fd < 0 || fd_write_all(fd, data, size) < 0 || logzip_open(&zip, fd) <= 0)
		return 0;
	while (at < 1 << 20 && (n = logzip_read(zip, buf, sizeof(buf), at)) > 0)
		at += (uint64_t)n;
	return 0;
}
