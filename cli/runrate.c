/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of single block devices: PATH:NUMBER. */
#include <errno.h>
#include <string.h>

#include "msg.h"
#include "runparse.h"
#include "str.h"

struct rate_flag {
	const char *flag, *wanted;
	bool size; /* a number with a unit */
	uint64_t least, most;
};

static int parse_rate(const struct rate_flag *f, const char *text, Cleat__V1__DeviceRate ***list,
		      size_t *n, struct err *err)
{
	cleanup(msg_freep) Cleat__V1__DeviceRate *rate =
		msg_new(&cleat__v1__device_rate__descriptor);
	cleanup_free char *path = strdup(text);
	char *colon = path ? strrchr(path, ':') : NULL;

	if (!rate || !path)
		return err_sys(err, ENOMEM, "command line");
	if (!colon || !str_has_prefix(path, "/dev/"))
		return runparse_bad(err, f->flag, text, f->wanted);
	*colon++ = '\0';
	if ((f->size ? str_size_bytes(colon, &rate->rate) : str_u64(colon, &rate->rate)) < 0 ||
	    rate->rate < f->least || rate->rate > f->most)
		return runparse_bad(err, f->flag, text, f->wanted);
	if (!msg_set(&rate->path, path) || !msg_push(list, n, rate))
		return err_sys(err, ENOMEM, "command line");
	rate = NULL;
	return 0;
}

#define BYTES(name)                                                  \
	{                                                            \
		name, "/dev/DEVICE:RATE, a size", true, 1, INT64_MAX \
	}
#define OPERATIONS(name)                                                 \
	{                                                                \
		name, "/dev/DEVICE:RATE, a number", false, 1, UINT32_MAX \
	}

int runrate_weight(const char *text, Cleat__V1__ContainerConfig *c, struct err *err)
{
	static const struct rate_flag f = { "blkio-weight-device", "/dev/DEVICE:WEIGHT, 10 to 1000",
					    false, 10, 1000 };

	return parse_rate(&f, text, &c->resources->blkio_weight_device,
			  &c->resources->n_blkio_weight_device, err);
}

int runrate_read_bps(const char *text, Cleat__V1__ContainerConfig *c, struct err *err)
{
	static const struct rate_flag f = BYTES("device-read-bps");

	return parse_rate(&f, text, &c->resources->device_read_bps,
			  &c->resources->n_device_read_bps, err);
}

int runrate_write_bps(const char *text, Cleat__V1__ContainerConfig *c, struct err *err)
{
	static const struct rate_flag f = BYTES("device-write-bps");

	return parse_rate(&f, text, &c->resources->device_write_bps,
			  &c->resources->n_device_write_bps, err);
}

int runrate_read_iops(const char *text, Cleat__V1__ContainerConfig *c, struct err *err)
{
	static const struct rate_flag f = OPERATIONS("device-read-iops");

	return parse_rate(&f, text, &c->resources->device_read_iops,
			  &c->resources->n_device_read_iops, err);
}

int runrate_write_iops(const char *text, Cleat__V1__ContainerConfig *c, struct err *err)
{
	static const struct rate_flag f = OPERATIONS("device-write-iops");

	return parse_rate(&f, text, &c->resources->device_write_iops,
			  &c->resources->n_device_write_iops, err);
}
