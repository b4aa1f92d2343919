/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cleat/v1/containers.rpc.h"
#include "cli.h"
#include "msg.h"
#include "runflags.h"

static int one_update(struct cli *cli, const struct flags *flags, const char *arg, struct err *err)
{
	cleanup(msg_freep) Cleat__V1__ContainerConfig *wanted =
		msg_new(&cleat__v1__container_config__descriptor);
	cleanup(msg_freep) Cleat__V1__UpdateContainerReply *reply = NULL;
	Cleat__V1__UpdateContainerRequest request = CLEAT__V1__UPDATE_CONTAINER_REQUEST__INIT;
	int r = wanted ? runflags_make_update(flags, wanted, err)
		       : err_set(err, ERR_EXHAUSTED, "no memory");

	if (r < 0)
		return r;
	request.container = (char *)(uintptr_t)arg;
	request.resources = wanted->resources;
	request.restart_policy = wanted->restart_policy;
	r = remote_call(cli, &cleat_v1_containers, "Update", &request.base, &reply, err);
	for (size_t i = 0; r == 0 && i < reply->n_warnings; i++)
		fprintf(stderr, "WARNING: %s\n", reply->warnings[i]);
	return r;
}

static int run_update(struct cli *cli, const struct flags *flags, struct err *err)
{
	(void)err;
	return cli_each(cli, flags, false, one_update);
}

const struct command cmd_update_table[] = {
	{ "container", "update", "update", "[OPTIONS] CONTAINER [CONTAINER...]",
	  "Update configuration of one or more containers", runflags_update, 1, SIZE_MAX, false,
	  run_update },
	{ 0 },
};
