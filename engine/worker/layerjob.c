/* SPDX-License-Identifier: Apache-2.0 */
/* What comes behind the tar's end is read too. */
#include "jobs.h"

#include "fault.h"

int job_layer(int in, int dir_fd, const struct job_tools *tools, FILE *out, struct err *err)
{
	struct input input;
	uint64_t size = 0;
	char diff[65];
	int r = input_open(&input, in, err);

	r = r ? r : tools->keep(tools, input_read, &input, dir_fd, 1, diff, &size, err);
	fault_point(FAULT_WORKER_LAYER_KEPT);
	if (r == 0)
		fprintf(out, "layer 1 %llu - %s -\n", (unsigned long long)size, diff);
	input_deinit(&input);
	return r;
}

int job_probe(int in, int dir_fd, const struct job_tools *tools, FILE *out, struct err *err)
{
	struct input input = { .fd = -1 };
	struct tarball t = { 0 };
	const struct tar_entry *entry;
	int r = input_open(&input, in, err);

	(void)dir_fd;
	(void)tools;
	(void)out;
	r = r ? r : tarball_open(&t, input_read, &input, false, err);
	r = r ? r : tarball_next(&t, &entry, err);
	if (r == 0)
		r = err_set(err, ERR_INVALID, "it has no entries");
	tarball_deinit(&t);
	input_deinit(&input);
	return r < 0 ? r : 0;
}

int job_tree(int in, int dir_fd, const struct job_tools *tools, FILE *out, struct err *err)
{
	struct input input;
	int r = input_open(&input, in, err);

	(void)tools;
	(void)out;
	r = r ? r : unpack_tree(input_read, &input, dir_fd, err);
	fault_point(FAULT_WORKER_TREE_UNPACKED);
	input_deinit(&input);
	return r;
}
