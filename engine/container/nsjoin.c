/* SPDX-License-Identifier: Apache-2.0 */
#include "nsjoin.h"

#include <errno.h>
#include <string.h>

#include "request.h"
#include "status.h"
#include "str.h"
#include "textfield.h"

static const char prefix[] = "container:";

const char *nsjoin_of(const char *mode)
{
	return str_has_prefix(mode, prefix) ? mode + strlen(prefix) : "";
}

int nsjoin_settle_mode(struct engine *engine, char **mode, const char *field, struct record *record,
		       struct err *err)
{
	int r;

	if (!nsjoin_of(*mode)[0])
		return err_set(err, ERR_INVALID, "invalid %s: %s: no container is named", field,
			       *mode);
	r = record_find(engine->store, nsjoin_of(*mode), record, err);
	/* not "not found", at which Docker's client pulls the image */
	if (r == -ENOENT)
		return err_set(err, ERR_INVALID, "No such container: %.200s", nsjoin_of(*mode));
	if (r < 0)
		return r;
	return textfield_set(mode, str_printf("%s%s", prefix, record->id)) < 0
		       ? err_sys(err, ENOMEM, "create")
		       : 0;
}

static int settle(struct engine *engine, char **mode, const char *field, struct err *err)
{
	cleanup(record_deinit) struct record record = { 0 };

	return str_has_prefix(*mode, prefix) ? nsjoin_settle_mode(engine, mode, field, &record, err)
					     : 0;
}

int nsjoin_settle(struct engine *engine, Cleat__V1__ContainerConfig *config, struct err *err)
{
	int r = settle(engine, &config->pid_mode, "pid mode", err);

	return r < 0 ? r : settle(engine, &config->ipc_mode, "ipc mode", err);
}

static int check_runs(struct engine *engine, const struct record *record, const char *what,
		      struct err *err)
{
	struct status status;

	status_read(engine, record, &status);
	if (status.state == CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_RESTARTING)
		return err_reason(err, ERR_PRECONDITION, "NOT_RUNNING",
				  "Container %s is restarting, wait until the container is running",
				  record->id);
	if (!status_active(&status))
		return err_reason(err, ERR_PRECONDITION, "NOT_RUNNING",
				  "cannot join %s of a non running container: %s", what,
				  record->id);
	return 0;
}

static int check_shareable(const struct record *record, struct err *err)
{
	cleanup(request_freep) create_request *request = request_of(record, err);
	const char *mode = request ? request->config->ipc_mode : "";

	if (!request)
		return -EIO;
	if (strcmp(mode, "shareable") == 0 || strcmp(mode, "host") == 0 || nsjoin_of(mode)[0])
		return 0;
	return err_set(err, ERR_INVALID,
		       "can't join IPC of container %s: non-shareable IPC (hint: use "
		       "IpcMode:shareable for the donor container)",
		       record->id);
}

static int check(struct engine *engine, const char *id, const char *what, bool shared,
		 struct err *err)
{
	cleanup(record_deinit) struct record record = { 0 };
	int r = id[0] ? record_find(engine->store, id, &record, err) : 0;

	if (r < 0 || !id[0])
		return r;
	r = check_runs(engine, &record, what, err);
	return r == 0 && shared ? check_shareable(&record, err) : r;
}

int nsjoin_check(struct engine *engine, const struct record *record, struct err *err)
{
	cleanup(request_freep) create_request *request = request_of(record, err);
	int r;

	if (!request)
		return -EIO;
	r = check(engine, nsjoin_of(request->config->pid_mode), "PID", false, err);
	return r < 0 ? r : check(engine, nsjoin_of(request->config->ipc_mode), "IPC", true, err);
}
