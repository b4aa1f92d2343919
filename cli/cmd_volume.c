/* SPDX-License-Identifier: Apache-2.0 */
/* volume create, ls, inspect, rm and prune. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cleat/v1/volumes.rpc.h"
#include "cli.h"
#include "human.h"
#include "listjson.h"
#include "msg.h"
#include "str.h"
#include "template.h"
#include "volume.h"

#define TEXT_OF(s) ((char *)(uintptr_t)(s))

/* --opt and --label: key=value, or a key alone. */
static int add_pairs(const struct flags *flags, const char *flag, void *list, size_t *n,
		     const ProtobufCMessageDescriptor *type, struct err *err)
{
	const char *text;

	for (size_t i = 0; (text = flags_nth(flags, flag, i)); i++) {
		size_t key = strcspn(text, "=");

		if (key == 0)
			return err_set(err, ERR_INVALID,
				       "invalid argument \"%.120s\" for \"--%s\" flag: expected "
				       "key=value",
				       text, flag);
		if (!msg_map_set(list, n, type, text, key, text[key] ? text + key + 1 : ""))
			return err_sys(err, ENOMEM, "command line");
	}
	return 0;
}

static int run_create(struct cli *cli, const struct flags *flags, struct err *err)
{
	cleanup(msg_freep) Cleat__V1__CreateVolumeRequest *req =
		msg_new(&cleat__v1__create_volume_request__descriptor);
	cleanup(msg_freep) Cleat__V1__VolumeDetails *reply = NULL;
	const char *name = flags->n_args ? flags->args[0] : str_or_empty(flags_text(flags, "name"));
	const char *driver = str_or_empty(flags_text(flags, "driver"));
	int r;

	if (!req || !msg_set(&req->name, name) || !msg_set(&req->driver, driver))
		return err_sys(err, ENOMEM, "command line");
	r = add_pairs(flags, "opt", &req->options, &req->n_options,
		      &cleat__v1__create_volume_request__options_entry__descriptor, err);
	r = r ? r
	      : add_pairs(flags, "label", &req->labels, &req->n_labels,
			  &cleat__v1__create_volume_request__labels_entry__descriptor, err);
	r = r ? r : remote_call(cli, &cleat_v1_volumes, "Create", &req->base, &reply, err);
	if (r == 0)
		printf("%s\n", reply->name);
	return r;
}

/* ---- ls */

static json_t *labels_map(const Cleat__V1__VolumeDetails *v)
{
	json_t *o = json_object();

	for (size_t i = 0; i < v->n_labels; i++)
		json_object_set_new(o, v->labels[i]->key, json_string(v->labels[i]->value));
	return o;
}

static json_t *labels_text(const Cleat__V1__VolumeDetails *v)
{
	cleanup(buf_deinit) struct buf b = BUF_NULL;

	for (size_t i = 0; i < v->n_labels; i++)
		buf_printf(&b, "%s%s=%s", i ? "," : "", v->labels[i]->key, v->labels[i]->value);
	return json_string(b.data ? b.data : "");
}

static json_t *volume_row(const Cleat__V1__VolumeDetails *v)
{
	json_t *o = json_object();

	json_object_set_new(o, "Driver", json_string(v->driver));
	json_object_set_new(o, "Name", json_string(v->name));
	json_object_set_new(o, "Mountpoint", json_string(v->mount_point));
	json_object_set_new(o, "Scope", json_string(v->scope));
	json_object_set_new(o, "Labels", labels_text(v));
	json_object_set_new(o, TEMPLATE_LABELS, labels_map(v));
	json_object_set_new(o, "Links", json_string("N/A"));
	json_object_set_new(o, "Size", json_string("N/A"));
	json_object_set_new(o, "Availability", json_string("N/A"));
	json_object_set_new(o, "Group", json_string("N/A"));
	json_object_set_new(o, "Status", json_string("N/A"));
	return o;
}

static int run_list(struct cli *cli, const struct flags *flags, struct err *err)
{
	static const struct column columns[] = { { "Driver", "DRIVER" },
						 { "Name", "VOLUME NAME" } };
	Cleat__V1__ListVolumesRequest req = CLEAT__V1__LIST_VOLUMES_REQUEST__INIT;
	cleanup(msg_freep) Cleat__V1__ListVolumesReply *reply = NULL;
	json_t *rows;
	int r = cli_filters(flags, &req.filters, &req.n_filters, err);

	r = r ? r : remote_call(cli, &cleat_v1_volumes, "List", &req.base, &reply, err);
	cli_free_filters(req.filters, req.n_filters);
	if (r < 0)
		return r;
	if (flags_switch(flags, "quiet") && !flags_given(flags, "format")) {
		for (size_t i = 0; i < reply->n_volumes; i++)
			printf("%s\n", reply->volumes[i]->name);
		return 0;
	}
	rows = json_array();
	for (size_t i = 0; i < reply->n_volumes; i++)
		json_array_append_new(rows, volume_row(reply->volumes[i]));
	r = output_rows(flags, columns, ARRAY_LEN(columns), rows, err);
	json_decref(rows);
	return r;
}

/* ---- inspect */

int volume_inspect(struct cli *cli, const char *name, json_t **value, struct err *err)
{
	Cleat__V1__InspectVolumeRequest req = CLEAT__V1__INSPECT_VOLUME_REQUEST__INIT;
	cleanup(msg_freep) Cleat__V1__VolumeDetails *reply = NULL;
	int r;

	req.volume = TEXT_OF(name);
	r = remote_call(cli, &cleat_v1_volumes, "Inspect", &req.base, &reply, err);
	if (r == 0)
		*value = listjson_volume(reply);
	return r;
}

size_t volume_count(const Cleat__V1__ContainerSummary *container)
{
	size_t n = 0;

	for (size_t i = 0; i < container->n_mounts; i++)
		n += container->mounts[i]->name[0] != '\0';
	return n;
}

/* ---- rm and prune */

static int one_remove(struct cli *cli, const struct flags *flags, const char *arg, struct err *err)
{
	Cleat__V1__RemoveVolumeRequest req = CLEAT__V1__REMOVE_VOLUME_REQUEST__INIT;

	req.volume = TEXT_OF(arg);
	req.force = flags_switch(flags, "force");
	return remote_call(cli, &cleat_v1_volumes, "Remove", &req.base, NULL, err);
}

static int run_remove(struct cli *cli, const struct flags *flags, struct err *err)
{
	(void)err;
	return cli_each(cli, flags, false, one_remove);
}

int volume_prune(struct cli *cli, const struct flags *flags, bool all, uint64_t *bytes,
		 struct err *err)
{
	Cleat__V1__PruneVolumesRequest req = CLEAT__V1__PRUNE_VOLUMES_REQUEST__INIT;
	cleanup(msg_freep) Cleat__V1__PruneVolumesReply *reply = NULL;
	int r = cli_filters(flags, &req.filters, &req.n_filters, err);

	req.all = all;
	r = r ? r : remote_call(cli, &cleat_v1_volumes, "Prune", &req.base, &reply, err);
	cli_free_filters(req.filters, req.n_filters);
	if (r < 0)
		return r;
	if (reply->n_names)
		printf("Deleted Volumes:\n");
	for (size_t i = 0; i < reply->n_names; i++)
		printf("%s\n", reply->names[i]);
	if (reply->n_names)
		printf("\n");
	*bytes += reply->reclaimed_bytes;
	return 0;
}

static int run_prune(struct cli *cli, const struct flags *flags, struct err *err)
{
	bool all = flags_switch(flags, "all");
	char size[HUMAN_MAX], line[16] = "";
	uint64_t bytes = 0;

	if (!flags_switch(flags, "force")) {
		printf("WARNING! This will remove %s local volumes not used by at least one "
		       "container.\nAre you sure you want to continue? [y/N] ",
		       all ? "all" : "anonymous");
		fflush(stdout);
		if (!fgets(line, sizeof(line), stdin) || (line[0] != 'y' && line[0] != 'Y'))
			return 0;
	}
	int r = volume_prune(cli, flags, all, &bytes, err);

	if (r == 0)
		printf("Total reclaimed space: %s\n", human_size(bytes, 4, size));
	return r;
}

static const struct flag create_flags[] = {
	{ "driver", 'd', FLAG_TEXT, "string", "Specify volume driver name (default local)" },
	{ "label", 0, FLAG_LIST, "list", "Set metadata for a volume" },
	{ "name", 0, FLAG_TEXT, "string", NULL },
	{ "opt", 'o', FLAG_LIST, "map", "Set driver specific options (type, device, o, size)" },
	{ 0 },
};
static const struct flag list_flags[] = {
	{ "filter", 'f', FLAG_LIST, "filter",
	  "Provide filter values (dangling, driver, label, name)" },
	{ "format", 0, FLAG_TEXT, "string", "table, json, or a template" },
	{ "quiet", 'q', FLAG_SWITCH, NULL, "Only display volume names" },
	{ 0 },
};
static const struct flag remove_flags[] = {
	{ "force", 'f', FLAG_SWITCH, NULL, "Volumes that are not there are no failure" },
	{ 0 },
};
static const struct flag prune_flags[] = {
	{ "all", 'a', FLAG_SWITCH, NULL, "Remove all unused volumes, not just anonymous ones" },
	{ "filter", 0, FLAG_LIST, "filter", "Provide filter values (e.g. \"label=<label>\")" },
	{ "force", 'f', FLAG_SWITCH, NULL, "Do not prompt for confirmation" },
	{ 0 },
};

const struct command cmd_volume_table[] = {
	{ "volume", "create", NULL, "[OPTIONS] [VOLUME]", "Create a volume", create_flags, 0, 1,
	  false, run_create },
	{ "volume", "ls", NULL, "[OPTIONS]", "List volumes", list_flags, 0, 0, false, run_list },
	{ "volume", "list", NULL, "[OPTIONS]", "List volumes", list_flags, 0, 0, false, run_list },
	{ "volume", "rm", NULL, "[OPTIONS] VOLUME [VOLUME...]", "Remove one or more volumes",
	  remove_flags, 1, SIZE_MAX, false, run_remove },
	{ "volume", "remove", NULL, "[OPTIONS] VOLUME [VOLUME...]", "Remove one or more volumes",
	  remove_flags, 1, SIZE_MAX, false, run_remove },
	{ "volume", "prune", NULL, "[OPTIONS]", "Remove unused local volumes", prune_flags, 0, 0,
	  false, run_prune },
	{ 0 },
};
