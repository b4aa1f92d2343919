/* SPDX-License-Identifier: Apache-2.0 */
/* The main of a fuzz target in builds without libFuzzer: runs it on every file of the directories
 * given, so that each input that once broke something is tried by every build. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>

#include "fd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_dir(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int n = 0;

	if (!dir) {
		fprintf(stderr, "replay: %s: %m\n", path);
		return -errno;
	}
	while ((entry = readdir(dir))) {
		cleanup(buf_deinit) struct buf b = BUF_NULL;

		if (entry->d_name[0] == '.')
			continue;
		if (fd_read_file(dirfd(dir), entry->d_name, 64u << 20, &b) < 0) {
			fprintf(stderr, "replay: %s/%s cannot be read\n", path, entry->d_name);
			closedir(dir);
			return -EIO;
		}
		LLVMFuzzerTestOneInput((const uint8_t *)b.data, b.len);
		n++;
	}
	closedir(dir);
	printf("%s: %d inputs\n", path, n);
	return n;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (replay_dir(argv[i]) <= 0)
			return 1;
	return 0;
}
