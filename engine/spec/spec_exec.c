/* SPDX-License-Identifier: Apache-2.0 */
/* The `process` object of an exec: the container's own with the request's changes. */
#include <errno.h>
#include <string.h>

#include "spec_part.h"
#include "str.h"

enum { EXEC_ARGUMENTS_MAX = 1 << 16 };

/* A copy of the container's settings in which the request's stand, borrowed from both. */
static void merge(const Cleat__V1__CreateExecRequest *exec,
		  const Cleat__V1__ContainerConfig *container, Cleat__V1__StringList *command,
		  Cleat__V1__ContainerConfig *out)
{
	static Cleat__V1__StringList none = CLEAT__V1__STRING_LIST__INIT;

	*out = *container;
	command->values = exec->command;
	command->n_values = exec->n_command;
	out->entrypoint = &none;
	out->command = command;
	out->tty = exec->tty;
	if (exec->privileged)
		out->privileged = true;
	if (exec->working_dir[0])
		out->working_dir = exec->working_dir;
}

/* Before the process runs, as one that looks only once would not see a later one. */
static int add_size(json_t *process, const Cleat__V1__TerminalSize *size, struct err *err)
{
	json_t *console;

	if (!size || !size->rows || !size->columns || size->rows > UINT16_MAX ||
	    size->columns > UINT16_MAX)
		return 0;
	console = json_pack("{sisi}", "height", (int)size->rows, "width", (int)size->columns);
	return json_object_set_new(process, "consoleSize", console) ? err_sys(err, ENOMEM, "exec")
								    : 0;
}

int spec_exec(const struct spec_exec_input *in, char **json, struct err *err)
{
	static const Cleat__V1__ImageConfig no_image = CLEAT__V1__IMAGE_CONFIG__INIT;
	const Cleat__V1__ContainerConfig *c = in->container;
	size_t n = c->n_env + in->exec->n_env;
	cleanup_free char **env = calloc(n + 1, sizeof(*env));
	Cleat__V1__StringList command = CLEAT__V1__STRING_LIST__INIT;
	Cleat__V1__ContainerConfig merged;
	json_t *process = json_object();
	const struct spec_input input = {
		.id = in->container_id, .config = &merged, .image = &no_image, .user = in->user
	};
	int r = env && process ? 0 : err_sys(err, ENOMEM, "exec");

	if (r == 0 && in->exec->n_command > EXEC_ARGUMENTS_MAX)
		r = err_set(err, ERR_INVALID, "exec: more than %d arguments", EXEC_ARGUMENTS_MAX);
	if (r == 0) {
		merge(in->exec, c, &command, &merged);
		if (c->n_env)
			memcpy(env, c->env, c->n_env * sizeof(*env));
		if (in->exec->n_env)
			memcpy(env + c->n_env, in->exec->env, in->exec->n_env * sizeof(*env));
		merged.env = env;
		merged.n_env = n;
		r = spec_process(&input, process, err);
	}
	if (r == 0 && in->exec->tty)
		r = add_size(process, in->size, err);
	if (r == 0 && !(*json = json_dumps(process, JSON_COMPACT)))
		r = err_set(err, ERR_INVALID, "the command is not valid UTF-8");
	json_decref(process);
	return r;
}
