/* SPDX-License-Identifier: Apache-2.0 */
/* The list reads all rows in one query and one small file a container. Of the stored request the
 * config is taken over as it is (moved, not copied) where a reply wants it. */
#include "view.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cgrouppath.h"
#include "fd.h"
#include "filter.h"
#include "healthcheck.h"
#include "idranges.h"
#include "internal.h"
#include "layer.h"
#include "links.h"
#include "proc.h"
#include "record.h"
#include "request.h"
#include "spec.h"
#include "status.h"
#include "str.h"
#include "top.h"
#include "usage.h"
#include "viewparts.h"

static create_request *stored_request(const struct record *record)
{
	return cleat__v1__create_container_request__unpack(NULL, record->config_len,
							   record->config);
}

static int move_labels(Cleat__V1__ContainerSummary *out, Cleat__V1__ContainerConfig *config)
{
	out->labels = calloc(config->n_labels + 1, sizeof(*out->labels));
	if (!out->labels)
		return -ENOMEM;
	for (size_t i = 0; i < config->n_labels; i++) {
		Cleat__V1__ContainerSummary__LabelsEntry *entry = malloc(sizeof(*entry));

		if (!entry)
			return -ENOMEM;
		cleat__v1__container_summary__labels_entry__init(entry);
		out->labels[out->n_labels++] = entry;
		entry->key = strdup(config->labels[i]->key);
		entry->value = strdup(config->labels[i]->value);
		if (!entry->key || !entry->value)
			return -ENOMEM;
	}
	return 0;
}

static const char *network_of(const Cleat__V1__ContainerConfig *config)
{
	const char *mode = config ? str_or_empty(config->network_mode) : "";

	return mode[0] && strcmp(mode, "default") != 0 ? mode : "none";
}

static int fill_summary(const struct engine *engine, const struct netview *view,
			Cleat__V1__ContainerSummary *out, const struct record *record,
			const struct status *status, Cleat__V1__ContainerConfig *config)
{
	struct buf text = BUF_NULL;
	int r;

	status_text(status, fd_realtime_ns(), &text);
	out->id = strdup(record->id);
	out->name = strdup(record->name);
	out->image = strdup(record->image_ref);
	out->image_id = strdup(record->image_id);
	out->command = strdup(record->command);
	out->status = buf_steal(&text);
	out->network_mode = strdup(network_of(config));
	out->created_ns = record->created_ns;
	out->state = status->state;
	out->health = status->health;
	if (!out->id || !out->name || !out->image || !out->image_id || !out->command ||
	    !out->status || !out->network_mode)
		return -ENOMEM;
	if (viewparts_networks(view, record->id, network_of(config), &out->networks,
			       &out->n_networks) < 0)
		return -ENOMEM;
	if (!config)
		return 0;
	if (status_active(status) &&
	    netview_ports(view, record->id, config, &out->ports, &out->n_ports) < 0)
		return -ENOMEM;
	r = viewparts_mounts(engine, record, config, &out->mounts, &out->n_mounts);
	return r ? r : move_labels(out, config);
}

/* before= and since= name containers; their creation times are the limits. */
static int time_of(struct engine *engine, const char *reference, int64_t *ns, struct err *err)
{
	cleanup(record_deinit) struct record record = { 0 };
	int r = reference ? record_find(engine->store, reference, &record, err) : 0;

	*ns = reference && r == 0 ? record.created_ns : 0;
	return r;
}

struct list_job {
	struct engine *engine;
	const Cleat__V1__ListContainersRequest *request;
	Cleat__V1__ListContainersReply *reply;
	struct netview *view;
	int64_t since_ns, before_ns;
	bool all;
};

static int list_one(struct list_job *job, const struct record *record)
{
	cleanup(request_freep) create_request *request = stored_request(record);
	Cleat__V1__ContainerConfig *config = request ? request->config : NULL;
	Cleat__V1__ContainerSummary *summary;
	struct status status;

	if (!strcmp(record->intent, "creating") || internal_is(config))
		return 0;
	status_read(job->engine, record, &status);
	if ((!job->all && !status_active(&status)) ||
	    !filter_match(job->request->filters, job->request->n_filters, job->since_ns,
			  job->before_ns,
			  &(struct filter_subject){ record, &status, config, job->view }))
		return 0;
	summary = malloc(sizeof(*summary));
	if (!summary)
		return -ENOMEM;
	cleat__v1__container_summary__init(summary);
	job->reply->containers[job->reply->n_containers++] = summary;
	/* one that is being removed has a size no more */
	if (job->request->size && usage_container(job->engine, record, &summary->size_rw_bytes,
						  &summary->size_root_fs_bytes, NULL) < 0)
		summary->size_root_fs_bytes = 0;
	return fill_summary(job->engine, job->view, summary, record, &status, config);
}

static int list_records(struct list_job *job, const struct record *records, size_t n)
{
	uint32_t limit = job->request->limit;
	int r = 0;

	job->reply->containers = calloc(n + 1, sizeof(Cleat__V1__ContainerSummary *));
	if (!job->reply->containers)
		return -ENOMEM;
	for (size_t i = 0; i < n && r == 0; i++) {
		if (limit && job->reply->n_containers >= limit)
			break;
		r = list_one(job, &records[i]);
	}
	return r;
}

int view_list(struct engine *engine, const Cleat__V1__ListContainersRequest *request,
	      Cleat__V1__ListContainersReply *reply, struct err *err)
{
	Cleat__V1__Filter *const *filters = request->filters;
	size_t n_filters = request->n_filters, n = 0;
	struct list_job job = { .engine = engine, .request = request, .reply = reply };
	struct record *records = NULL;
	int r = filter_check(filters, n_filters, err);

	job.all = request->all || request->limit || filter_value(filters, n_filters, "status") ||
		  filter_value(filters, n_filters, "exited");
	if (r == 0)
		r = time_of(engine, filter_value(filters, n_filters, "since"), &job.since_ns, err);
	if (r == 0)
		r = time_of(engine, filter_value(filters, n_filters, "before"), &job.before_ns,
			    err);
	if (r == 0)
		r = netview_load(engine, NULL, &job.view, err);
	if (r == 0)
		r = record_list(engine->store, &records, &n, err);
	if (r == 0 && list_records(&job, records, n) < 0)
		r = err_sys(err, ENOMEM, "list containers");
	record_list_free(records, n);
	netview_free(job.view);
	return r;
}

int view_count(struct engine *engine, struct view_counts *counts, struct err *err)
{
	struct record *records = NULL;
	struct status status;
	size_t n = 0;
	int r = record_list(engine->store, &records, &n, err);

	if (r < 0)
		return r;
	*counts = (struct view_counts){ .all = 0 };
	for (size_t i = 0; i < n; i++) {
		if (request_is_internal(&records[i]))
			continue;
		counts->all++;
		status_read(engine, &records[i], &status);
		counts->running +=
			status.state == CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_RUNNING;
		counts->paused +=
			status.state == CLEAT__V1__CONTAINER_STATE__CONTAINER_STATE_PAUSED;
	}
	record_list_free(records, n);
	return 0;
}

static Cleat__V1__ContainerRuntimeState *new_state(const struct status *status)
{
	Cleat__V1__ContainerRuntimeState *state = malloc(sizeof(*state));

	if (!state)
		return NULL;
	cleat__v1__container_runtime_state__init(state);
	state->state = status->state;
	state->pid = status_active(status) ? status->pid : 0;
	state->exit_code = state->pid ? 0 : status->exit_code; /* of what runs there is none yet */
	state->oom_killed = status->oom_killed;
	state->started_ns = status->started_ns;
	state->finished_ns = status->finished_ns;
	state->shim_pid = status->shim_pid;
	state->health = status->health;
	state->failing_streak = status->failing_streak;
	state->error = strdup(status->error);
	return state;
}

static char *file_of(const struct engine *engine, const char *id, const char *name)
{
	return str_printf("%s/containers/%s/%s", engine->state_dir, id, name);
}

/* The stored config has the image's defaults filled in, so it alone says what runs. */
static int fill_command(Cleat__V1__ContainerDetails *out)
{
	static const Cleat__V1__ImageConfig none = CLEAT__V1__IMAGE_CONFIG__INIT;
	cleanup_free const char **arguments = NULL;
	size_t n = 0;

	if (!out->config || spec_arguments(out->config, &none, &arguments, NULL) < 0)
		return 0;
	while (arguments[n])
		n++;
	out->path = strdup(arguments[0]);
	out->args = calloc(n, sizeof(*out->args));
	if (!out->path || !out->args)
		return -ENOMEM;
	for (size_t i = 1; i < n; i++) {
		out->args[out->n_args] = strdup(arguments[i]);
		if (!out->args[out->n_args])
			return -ENOMEM;
		out->n_args++;
	}
	return 0;
}

/* Where it has a user namespace of its own. */
static int fill_ids(struct engine *engine, Cleat__V1__ContainerDetails *out)
{
	struct idrange ids;
	int r = idranges_find(engine, out->id, &ids, NULL);

	if (r < 0 || !ids.n)
		return r;
	out->ids = malloc(sizeof(*out->ids));
	if (!out->ids)
		return -ENOMEM;
	cleat__v1__id_range__init(out->ids);
	out->ids->first = ids.first;
	out->ids->size = ids.n;
	return 0;
}

static int fill_details(struct engine *engine, const struct netview *view,
			Cleat__V1__ContainerDetails *out, const struct record *record)
{
	cleanup(request_freep) create_request *request = stored_request(record);
	struct status status;

	status_read(engine, record, &status);
	out->id = strdup(record->id);
	out->name = strdup(record->name);
	out->image_id = strdup(record->image_id);
	out->platform = strdup("linux");
	out->layer_driver = strdup(layers_driver(engine->layers));
	out->state = new_state(&status);
	out->created_ns = record->created_ns;
	out->restart_count = status.restart_count;
	out->hostname_path = file_of(engine, record->id, "hostname");
	out->hosts_path = file_of(engine, record->id, "hosts");
	out->resolv_conf_path = file_of(engine, record->id, "resolv.conf");
	if (request) {
		out->config = request->config;
		request->config = NULL;
	}
	if (out->config && out->config->log && str_equal(out->config->log->driver, "json-file")) {
		cleanup_free char *name = str_printf("log/%s-json.log", record->id);

		out->log_path = name ? file_of(engine, record->id, name) : NULL;
		if (!out->log_path)
			return -ENOMEM;
	}
	if (!out->id || !out->name || !out->image_id || !out->platform || !out->layer_driver ||
	    !out->state || !out->state->error || !out->hostname_path || !out->hosts_path ||
	    !out->resolv_conf_path)
		return -ENOMEM;
	if (out->config && links_show(engine, record->id, out->config) < 0)
		return -ENOMEM;
	if (viewparts_networks(view, record->id, network_of(out->config), &out->networks,
			       &out->n_networks) < 0 ||
	    (status_active(&status) &&
	     netview_ports(view, record->id, out->config, &out->ports, &out->n_ports) < 0) ||
	    (out->config &&
	     viewparts_mounts(engine, record, out->config, &out->mounts, &out->n_mounts) < 0))
		return -ENOMEM;
	if (fill_ids(engine, out) < 0)
		return -ENOMEM;
	if (status.health && healthcheck_results(engine, record->id, out->state) < 0)
		return -ENOMEM;
	return fill_command(out);
}

int view_inspect(struct engine *engine, const char *reference,
		 Cleat__V1__InspectContainerReply *reply, struct err *err)
{
	cleanup(record_deinit) struct record record = { 0 };
	cleanup(netview_freep) struct netview *view = NULL;
	int r = record_find(engine->store, reference, &record, err);

	r = r ? r : netview_load(engine, record.id, &view, err);
	if (r < 0)
		return r;
	reply->container = malloc(sizeof(*reply->container));
	if (!reply->container)
		return err_sys(err, ENOMEM, "inspect");
	cleat__v1__container_details__init(reply->container);
	r = fill_details(engine, view, reply->container, &record);
	return r < 0 ? err_sys(err, r, "inspect") : 0;
}

static int add_process(Cleat__V1__TopContainerReply *reply, const struct top_columns *columns,
		       pid_t pid)
{
	Cleat__V1__TopContainerReply__Row *row;
	char **cells = NULL;
	int r = top_row(columns, pid, &cells);

	if (r < 0)
		return r == -ESRCH ? 0 : r;
	row = malloc(sizeof(*row));
	if (!row) {
		top_row_free(columns, cells);
		return -ENOMEM;
	}
	cleat__v1__top_container_reply__row__init(row);
	row->cells = cells;
	row->n_cells = (size_t)columns->n;
	reply->processes[reply->n_processes++] = row;
	return 0;
}

static int fill_titles(Cleat__V1__TopContainerReply *reply, const struct top_columns *columns)
{
	reply->titles = calloc((size_t)columns->n, sizeof(*reply->titles));
	if (!reply->titles)
		return -ENOMEM;
	for (int i = 0; i < columns->n; i++) {
		reply->titles[i] = strdup(top_title(columns, i));
		if (!reply->titles[i])
			return -ENOMEM;
		reply->n_titles++;
	}
	return 0;
}

static int fill_top(struct engine *engine, const char *id, const struct top_columns *columns,
		    Cleat__V1__TopContainerReply *reply)
{
	cleanup_free char *cgroup = cgrouppath_of(engine, id);
	cleanup_free pid_t *pids = NULL;
	size_t n = 0;
	int r = cgroup ? proc_cgroup_pids(cgroup, &pids, &n) : -ENOMEM;

	if (r == 0)
		r = fill_titles(reply, columns);
	if (r == 0 && !(reply->processes = calloc(n + 1, sizeof(*reply->processes))))
		r = -ENOMEM;
	for (size_t i = 0; i < n && r == 0; i++)
		r = add_process(reply, columns, pids[i]);
	return r;
}

int view_top(struct engine *engine, const Cleat__V1__TopContainerRequest *request,
	     Cleat__V1__TopContainerReply *reply, struct err *err)
{
	cleanup(record_deinit) struct record record = { 0 };
	struct top_columns columns;
	struct status status;
	int r = record_find(engine->store, request->container, &record, err);

	if (r < 0)
		return r;
	r = top_parse((const char *const *)request->ps_args, request->n_ps_args, &columns, err);
	if (r < 0)
		return r;
	status_read(engine, &record, &status);
	if (!status_active(&status))
		return err_reason(err, ERR_PRECONDITION, "NOT_RUNNING",
				  "container %s is not running", record.id);
	r = fill_top(engine, record.id, &columns, reply);
	return r < 0 ? err_sys(err, r, "processes of container %.12s", record.id) : 0;
}
