/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's /containers but for the streams (stream.c). */
#include <errno.h>
#include <string.h>

#include "cleat/v1/containers.pb-c.h"
#include "createjson.h"
#include "dockerjson.h"
#include "exchange.h"
#include "listjson.h"
#include "olderjson.h"
#include "platformmsg.h"
#include "str.h"
#include "stream.h"

void gw_list_containers(struct gw *gw)
{
	Cleat__V1__ListContainersRequest request = CLEAT__V1__LIST_CONTAINERS_REQUEST__INIT;
	Cleat__V1__ListContainersReply *reply = NULL;
	const char *limit = http_query(gw->http, "limit");
	struct err err = ERR_NULL;
	int64_t n = 0;
	int r = gw_filters(gw, &request.filters, &request.n_filters, &err);

	if (r == 0 && *limit && str_int_in(limit, -1, INT32_MAX, &n) < 0)
		r = err_set(&err, ERR_INVALID, "invalid limit: %.60s", limit);
	request.all = gw_query_bool(gw, "all");
	request.limit = n > 0 ? (uint32_t)n : 0;
	request.size = gw_query_bool(gw, "size");
	r = r ? r : gw_call(gw, &request, &reply, &err);
	if (r == 0) {
		json_t *array = json_array();

		for (size_t i = 0; i < reply->n_containers; i++)
			json_array_append_new(array, listjson_container(reply->containers[i]));
		gw_json(gw, 200, array);
		cleat__v1__list_containers_reply__free_unpacked(reply, NULL);
	} else {
		gw_fail(gw, &err);
	}
	filtersjson_free(request.filters, request.n_filters);
}

static json_t *string_list(char *const *strings, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_string(strings[i]));
	return list;
}

static void answer_created(struct gw *gw, const Cleat__V1__CreateContainerReply *reply)
{
	gw_json(gw, 201,
		json_pack("{s:s, s:o}", "Id", reply->id, "Warnings",
			  string_list(reply->warnings, reply->n_warnings)));
}

/* Where the administrator names no default it is dockerd's: docker-py gives the output of a run only when
 * it reads json-file in inspect, and others open the file. */
static int set_log_driver(Cleat__V1__ContainerConfig *config)
{
	if (!config->log) {
		config->log = malloc(sizeof(*config->log));
		if (!config->log)
			return -ENOMEM;
		cleat__v1__log_config__init(config->log);
	}
	config->log->unconfigured = strdup("json-file");
	return config->log->unconfigured ? 0 : -ENOMEM;
}

/* Docker's sentence: a client of an older version is told, not misunderstood. */
static int check_mounts(const struct gw *gw, const Cleat__V1__ContainerConfig *config,
			struct err *err)
{
	for (size_t i = 0; gw->match.minor < 48 && i < config->n_mounts; i++)
		if (strcmp(config->mounts[i]->type, "image") == 0)
			return err_set(err, ERR_INVALID,
				       "Mount type \"Image\" needs API v1.48 or newer");
	return 0;
}

void gw_create_container(struct gw *gw)
{
	Cleat__V1__CreateContainerRequest *request = NULL;
	Cleat__V1__CreateContainerReply *reply = NULL;
	struct err err = ERR_NULL;
	json_t *body = gw_body(gw, &err);
	int r = body ? createjson_parse(body, http_query(gw->http, "name"), &request, &err)
		     : -EINVAL;

	r = r ? r : platformmsg_new(http_query(gw->http, "platform"), &request->platform, &err);
	r = r ? r : check_mounts(gw, request->config, &err);
	r = r ? r : set_log_driver(request->config);
	r = r ? r : gw_call(gw, request, &reply, &err);
	/* clients take "not found" for a missing image, and pull it */
	if (r < 0 && err.code == ERR_NOT_FOUND && strcmp(err.reason, "IMAGE_NOT_FOUND") != 0)
		err.code = ERR_INVALID;
	if (r < 0)
		gw_fail(gw, &err);
	else
		answer_created(gw, reply);
	json_decref(body);
	if (request)
		cleat__v1__create_container_request__free_unpacked(request, NULL);
	if (reply)
		cleat__v1__create_container_reply__free_unpacked(reply, NULL);
}

void gw_inspect_container(struct gw *gw)
{
	Cleat__V1__InspectContainerRequest request = CLEAT__V1__INSPECT_CONTAINER_REQUEST__INIT;
	Cleat__V1__InspectContainerReply *reply = NULL;
	struct err err = ERR_NULL;

	request.container = gw->match.param;
	request.size = gw_query_bool(gw, "size");
	if (gw_call(gw, &request, &reply, &err) < 0) {
		gw_fail(gw, &err);
		return;
	}
	json_t *container = dockerjson_container(reply->container);

	olderjson_container(container, gw->match.minor);
	gw_json(gw, 200, container);
	cleat__v1__inspect_container_reply__free_unpacked(reply, NULL);
}

/* Calls whose reply says nothing but that it was done: 204. */
static void simple(struct gw *gw, const void *request)
{
	ProtobufCMessage *reply = NULL;
	struct err err = ERR_NULL;

	if (gw_call(gw, request, &reply, &err) < 0) {
		gw_fail(gw, &err);
		return;
	}
	protobuf_c_message_free_unpacked(reply, NULL);
	gw_status(gw, 204);
}

void gw_start_container(struct gw *gw)
{
	Cleat__V1__StartContainerRequest request = CLEAT__V1__START_CONTAINER_REQUEST__INIT;
	Cleat__V1__StartContainerReply *reply = NULL;
	struct err err = ERR_NULL;

	request.container = gw->match.param;
	if (gw_call(gw, &request, &reply, &err) < 0) {
		gw_fail(gw, &err);
		return;
	}
	gw_status(gw, reply->already_running ? 304 : 204);
	cleat__v1__start_container_reply__free_unpacked(reply, NULL);
}

/* Seconds of the query `t`; false when there are none. */
static int read_timeout(const struct gw *gw, bool *given, int32_t *seconds, struct err *err)
{
	const char *text = http_query(gw->http, "t");
	int64_t value = 0;

	*given = *text;
	if (*text && str_int_in(text, -1, INT32_MAX, &value) < 0)
		return err_set(err, ERR_INVALID, "invalid timeout: %.60s", text);
	*seconds = (int32_t)value;
	return 0;
}

void gw_stop_container(struct gw *gw)
{
	Cleat__V1__StopContainerRequest request = CLEAT__V1__STOP_CONTAINER_REQUEST__INIT;
	Cleat__V1__StopContainerReply *reply = NULL;
	struct err err = ERR_NULL;
	bool given;
	int r = read_timeout(gw, &given, &request.timeout_seconds, &err);

	request.container = gw->match.param;
	request.signal = (char *)(uintptr_t)http_query(gw->http, "signal");
	if (given)
		request.timeout_case = CLEAT__V1__STOP_CONTAINER_REQUEST__TIMEOUT_TIMEOUT_SECONDS;
	r = r ? r : gw_call(gw, &request, &reply, &err);
	if (r < 0) {
		gw_fail(gw, &err);
		return;
	}
	gw_status(gw, reply->was_stopped ? 304 : 204);
	cleat__v1__stop_container_reply__free_unpacked(reply, NULL);
}

void gw_restart_container(struct gw *gw)
{
	Cleat__V1__RestartContainerRequest request = CLEAT__V1__RESTART_CONTAINER_REQUEST__INIT;
	struct err err = ERR_NULL;
	bool given;

	if (read_timeout(gw, &given, &request.timeout_seconds, &err) < 0) {
		gw_fail(gw, &err);
		return;
	}
	request.container = gw->match.param;
	request.signal = (char *)(uintptr_t)http_query(gw->http, "signal");
	if (given)
		request.timeout_case =
			CLEAT__V1__RESTART_CONTAINER_REQUEST__TIMEOUT_TIMEOUT_SECONDS;
	simple(gw, &request);
}

void gw_kill_container(struct gw *gw)
{
	Cleat__V1__KillContainerRequest request = CLEAT__V1__KILL_CONTAINER_REQUEST__INIT;
	Cleat__V1__KillContainerReply *reply = NULL;
	struct err err = ERR_NULL;

	request.container = gw->match.param;
	request.signal = (char *)(uintptr_t)http_query(gw->http, "signal");
	if (gw_call(gw, &request, &reply, &err) < 0) {
		(void)err_wrap(&err, -1, "cannot kill container: %s", request.container);
		gw_fail(gw, &err);
		return;
	}
	cleat__v1__kill_container_reply__free_unpacked(reply, NULL);
	gw_status(gw, 204);
}

void gw_pause_container(struct gw *gw)
{
	Cleat__V1__PauseContainerRequest request = CLEAT__V1__PAUSE_CONTAINER_REQUEST__INIT;

	request.container = gw->match.param;
	simple(gw, &request);
}

void gw_unpause_container(struct gw *gw)
{
	Cleat__V1__UnpauseContainerRequest request = CLEAT__V1__UNPAUSE_CONTAINER_REQUEST__INIT;

	request.container = gw->match.param;
	simple(gw, &request);
}

void gw_rename_container(struct gw *gw)
{
	Cleat__V1__RenameContainerRequest request = CLEAT__V1__RENAME_CONTAINER_REQUEST__INIT;

	request.container = gw->match.param;
	request.name = (char *)(uintptr_t)http_query(gw->http, "name");
	simple(gw, &request);
}

void gw_remove_container(struct gw *gw)
{
	Cleat__V1__RemoveContainerRequest request = CLEAT__V1__REMOVE_CONTAINER_REQUEST__INIT;
	Cleat__V1__RemoveContainerReply *reply = NULL;
	struct err err = ERR_NULL;

	request.container = gw->match.param;
	request.force = gw_query_bool(gw, "force");
	request.remove_volumes = gw_query_bool(gw, "v");
	request.link = gw_query_bool(gw, "link");
	if (gw_call(gw, &request, &reply, &err) < 0) {
		gw_fail(gw, &err);
		return;
	}
	cleat__v1__remove_container_reply__free_unpacked(reply, NULL);
	gw_status(gw, 204);
}

void gw_update_container(struct gw *gw)
{
	Cleat__V1__UpdateContainerRequest *request = NULL;
	Cleat__V1__UpdateContainerReply *reply = NULL;
	struct err err = ERR_NULL;
	json_t *body = gw_body(gw, &err);
	int r = body ? createjson_parse_update(body, gw->match.param, &request, &err) : -EINVAL;

	r = r ? r : gw_call(gw, request, &reply, &err);
	if (r < 0)
		gw_fail(gw, &err);
	else
		gw_json(gw, 200,
			json_pack("{s:o}", "Warnings",
				  string_list(reply->warnings, reply->n_warnings)));
	json_decref(body);
	if (request)
		cleat__v1__update_container_request__free_unpacked(request, NULL);
	if (reply)
		cleat__v1__update_container_reply__free_unpacked(reply, NULL);
}

void gw_resize_container(struct gw *gw)
{
	Cleat__V1__ResizeContainerRequest request = CLEAT__V1__RESIZE_CONTAINER_REQUEST__INIT;
	Cleat__V1__ResizeContainerReply *reply = NULL;
	Cleat__V1__TerminalSize size = CLEAT__V1__TERMINAL_SIZE__INIT;
	struct err err = ERR_NULL;
	int r = stream_size(gw, &size, &err);

	request.container = gw->match.param;
	request.size = &size;
	r = r ? r : gw_call(gw, &request, &reply, &err);
	if (r < 0 && strcmp(err.reason, "NO_TTY") == 0) {
		gw_status(gw, 200); /* as dockerd, which has a size for it all the same */
		return;
	}
	if (r < 0) {
		gw_fail(gw, &err);
		return;
	}
	cleat__v1__resize_container_reply__free_unpacked(reply, NULL);
	gw_status(gw, 200);
}

/* "-ef" and "aux" come as one string of words. */
static int split_words(char *text, char **words, size_t max, size_t *n, struct err *err)
{
	char *word;

	while ((word = strsep(&text, " "))) {
		if (!*word)
			continue;
		if (*n == max)
			return err_set(err, ERR_INVALID, "ps_args: too many words");
		words[(*n)++] = word;
	}
	return 0;
}

static json_t *rows(const Cleat__V1__TopContainerReply *reply)
{
	json_t *titles = json_array(), *processes = json_array();

	for (size_t i = 0; i < reply->n_titles; i++)
		json_array_append_new(titles, json_string(reply->titles[i]));
	for (size_t i = 0; i < reply->n_processes; i++) {
		json_t *row = json_array();

		for (size_t k = 0; k < reply->processes[i]->n_cells; k++)
			json_array_append_new(row, json_string(reply->processes[i]->cells[k]));
		json_array_append_new(processes, row);
	}
	return json_pack("{s:o, s:o}", "Titles", titles, "Processes", processes);
}

void gw_top(struct gw *gw)
{
	enum { WORDS_MAX = 64 };
	Cleat__V1__TopContainerRequest request = CLEAT__V1__TOP_CONTAINER_REQUEST__INIT;
	Cleat__V1__TopContainerReply *reply = NULL;
	cleanup_free char *text = strdup(http_query(gw->http, "ps_args"));
	char *words[WORDS_MAX];
	struct err err = ERR_NULL;
	int r = text ? split_words(text, words, WORDS_MAX, &request.n_ps_args, &err)
		     : err_sys(&err, ENOMEM, "top");

	request.container = gw->match.param;
	request.ps_args = words;
	r = r ? r : gw_call(gw, &request, &reply, &err);
	if (r < 0) {
		gw_fail(gw, &err);
		return;
	}
	gw_json(gw, 200, rows(reply));
	cleat__v1__top_container_reply__free_unpacked(reply, NULL);
}
