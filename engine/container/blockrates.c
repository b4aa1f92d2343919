/* SPDX-License-Identifier: Apache-2.0 */
#include "blockrates.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "buf.h"
#include "fd.h"
#include "str.h"

enum { RATES_MAX = 256 };

void blockrates_deinit(struct blockrates *rates)
{
	free(rates->v);
}

/* bfq weighs, where it is the device's scheduler; else the cost model of cgroup v2. */
static bool is_weighed(const struct stat *st)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	char path[64];

	(void)snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/queue/scheduler",
		       major(st->st_rdev), minor(st->st_rdev));
	if (access("/sys/fs/cgroup/io.cost.qos", F_OK) == 0)
		return true;
	return fd_read_file(AT_FDCWD, path, 4096, &text) == 0 && strstr(text.data, "[bfq]");
}

static int warn_weight(struct warnings warnings, const char *path, struct err *err)
{
	cleanup_free char *text = str_printf("The scheduler of %.100s knows no Block I/O weight. "
					     "Weight-device discarded.",
					     path);

	return text && warnings_add(warnings, text) == 0
		       ? 0
		       : err_sys(err, ENOMEM, "limits of block devices");
}

static int add(struct blockrates *rates, enum spec_rate_kind kind,
	       const Cleat__V1__DeviceRate *rate, struct warnings warnings, struct err *err)
{
	struct spec_rate *grown;
	struct stat st;

	if (kind == SPEC_RATE_WEIGHT && (rate->rate < 10 || rate->rate > 1000))
		return err_set(err, ERR_INVALID,
			       "Range of blkio weight of device %.100s is from 10 to 1000",
			       rate->path);
	if (rate->path[0] != '/' || stat(rate->path, &st) < 0 || !S_ISBLK(st.st_mode))
		return err_set(err, ERR_INVALID, "\"%.100s\" is not a block device of the host",
			       rate->path);
	if (kind == SPEC_RATE_WEIGHT && !is_weighed(&st))
		return warn_weight(warnings, rate->path, err);
	if (rates->n == RATES_MAX)
		return err_set(err, ERR_INVALID, "more than %d limits of block devices", RATES_MAX);
	grown = reallocarray(rates->v, rates->n + 1, sizeof(*grown));
	if (!grown)
		return err_sys(err, ENOMEM, "limits of block devices");
	rates->v = grown;
	grown[rates->n++] = (struct spec_rate){ .kind = kind,
						.major = major(st.st_rdev),
						.minor = minor(st.st_rdev),
						.rate = rate->rate };
	return 0;
}

int blockrates_find(struct blockrates *rates, const Cleat__V1__Resources *limits,
		    struct warnings warnings, struct err *err)
{
	static const Cleat__V1__Resources none = CLEAT__V1__RESOURCES__INIT;
	const Cleat__V1__Resources *m = limits ? limits : &none;
	const struct {
		enum spec_rate_kind kind;
		Cleat__V1__DeviceRate **v;
		size_t n;
	} lists[] = {
		{ SPEC_RATE_WEIGHT, m->blkio_weight_device, m->n_blkio_weight_device },
		{ SPEC_RATE_READ_BPS, m->device_read_bps, m->n_device_read_bps },
		{ SPEC_RATE_WRITE_BPS, m->device_write_bps, m->n_device_write_bps },
		{ SPEC_RATE_READ_IOPS, m->device_read_iops, m->n_device_read_iops },
		{ SPEC_RATE_WRITE_IOPS, m->device_write_iops, m->n_device_write_iops },
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		for (size_t k = 0; r == 0 && k < lists[i].n; k++)
			r = add(rates, lists[i].kind, lists[i].v[k], warnings, err);
	return r;
}
