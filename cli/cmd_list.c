/* SPDX-License-Identifier: Apache-2.0 */
/* ps and inspect. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cleat/v1/containers.rpc.h"
#include "cleat/v1/images.rpc.h"
#include "cleat/v1/networks.rpc.h"
#include "cli.h"
#include "dockerjson.h"
#include "fd.h"
#include "human.h"
#include "image.h"
#include "msg.h"
#include "str.h"
#include "template.h"
#include "volume.h"

static json_t *command_text(const char *command, bool whole)
{
	json_t *v;

	/* 20 characters with an ellipsis, in quotes, as Docker has it */
	if (whole || strlen(command) <= 20)
		v = json_sprintf("\"%s\"", command);
	else
		v = json_sprintf("\"%.19s\u2026\"", command);
	return v ? v : json_string("");
}

static json_t *ports_text(const Cleat__V1__ContainerSummary *c)
{
	cleanup(buf_deinit) struct buf b = BUF_NULL;

	for (size_t i = 0; i < c->n_ports; i++) {
		const Cleat__V1__PublishedPort *p = c->ports[i];

		buf_puts(&b, i ? ", " : "");
		if (p->host_port)
			buf_printf(&b, strchr(p->host_ip, ':') ? "[%s]:%u->" : "%s:%u->",
				   p->host_ip[0] ? p->host_ip : "0.0.0.0", p->host_port);
		buf_printf(&b, "%u/%s", p->container_port, p->protocol);
	}
	return row_text(b.data ? b.data : "");
}

static json_t *labels_text(const Cleat__V1__ContainerSummary *c)
{
	cleanup(buf_deinit) struct buf b = BUF_NULL;

	for (size_t i = 0; i < c->n_labels; i++)
		buf_printf(&b, "%s%s=%s", i ? "," : "", c->labels[i]->key, c->labels[i]->value);
	return row_text(b.data ? b.data : "");
}

static json_t *labels_map(const Cleat__V1__ContainerSummary *c)
{
	json_t *o = json_object();

	for (size_t i = 0; i < c->n_labels; i++)
		json_object_set_new(o, c->labels[i]->key, row_text(c->labels[i]->value));
	return o;
}

static json_t *names_of(const Cleat__V1__ContainerSummary *c, bool mounts)
{
	cleanup(buf_deinit) struct buf b = BUF_NULL;

	for (size_t i = 0; mounts && i < c->n_mounts; i++)
		buf_printf(&b, "%s%s", i ? "," : "",
			   c->mounts[i]->name[0] ? c->mounts[i]->name : c->mounts[i]->source);
	for (size_t i = 0; !mounts && i < c->n_networks; i++)
		buf_printf(&b, "%s%s", i ? "," : "", c->networks[i]->network);
	return row_text(b.data ? b.data : "");
}

static json_t *size_text(const Cleat__V1__ContainerSummary *c)
{
	char rw[HUMAN_MAX], root[HUMAN_MAX];

	human_size(c->size_rw_bytes, 3, rw);
	if (c->size_root_fs_bytes == 0)
		return row_text(rw);
	return json_sprintf("%s (virtual %s)", rw, human_size(c->size_root_fs_bytes, 3, root));
}

static json_t *ps_row(const Cleat__V1__ContainerSummary *c, bool whole)
{
	json_t *o = json_object();
	char id[HUMAN_MAX], ago[HUMAN_MAX], created[HUMAN_MAX];

	json_object_set_new(o, "ID", row_text(whole ? c->id : human_id(c->id, id)));
	json_object_set_new(o, "Image", row_text(c->image));
	json_object_set_new(o, "Command", command_text(c->command, whole));
	json_object_set_new(o, "CreatedAt", row_text(human_time(c->created_ns, created)));
	json_object_set_new(o, "RunningFor",
			    row_text(human_ago(fd_realtime_ns(), c->created_ns, ago)));
	json_object_set_new(o, "Status", row_text(c->status));
	json_object_set_new(o, "State", row_text(dockerjson_state(c->state)));
	json_object_set_new(o, "Ports", ports_text(c));
	json_object_set_new(o, "Names", row_text(c->name));
	json_object_set_new(o, "Labels", labels_text(c));
	json_object_set_new(o, TEMPLATE_LABELS, labels_map(c));
	json_object_set_new(o, "Mounts", names_of(c, true));
	json_object_set_new(o, "Networks", names_of(c, false));
	json_object_set_new(o, "LocalVolumes", json_sprintf("%zu", volume_count(c)));
	json_object_set_new(o, "Size", size_text(c));
	return o;
}

/* The size comes last: it is shown when asked for. */
static const struct column ps_columns[] = {
	{ "ID", "CONTAINER ID" },    { "Image", "IMAGE" },   { "Command", "COMMAND" },
	{ "RunningFor", "CREATED" }, { "Status", "STATUS" }, { "Ports", "PORTS" },
	{ "Names", "NAMES" },        { "Size", "SIZE" },
};

/* Sizes cost the engine a walk through files: only who shows them asks for them. */
static bool wants_size(const struct flags *flags)
{
	return flags_switch(flags, "size") ||
	       strstr(str_or_empty(flags_text(flags, "format")), ".Size");
}

static int list(struct cli *cli, const struct flags *flags, Cleat__V1__ListContainersReply **reply,
		struct err *err)
{
	Cleat__V1__ListContainersRequest req = CLEAT__V1__LIST_CONTAINERS_REQUEST__INIT;
	const char *last = flags_text(flags, "last");
	int64_t n = 0;
	int r;

	req.all = flags_switch(flags, "all");
	req.size = wants_size(flags);
	if (last && str_int_in(last, -1, UINT32_MAX, &n) < 0)
		return err_set(err, ERR_INVALID,
			       "invalid argument \"%s\" for \"-n, --last\" flag: expected a number",
			       last);
	if (flags_switch(flags, "latest"))
		n = 1;
	req.limit = n > 0 ? (uint32_t)n : 0;
	r = cli_filters(flags, &req.filters, &req.n_filters, err);
	if (r == 0)
		r = remote_call(cli, &cleat_v1_containers, "List", &req.base, reply, err);
	cli_free_filters(req.filters, req.n_filters);
	return r;
}

static int run_ps(struct cli *cli, const struct flags *flags, struct err *err)
{
	cleanup(msg_freep) Cleat__V1__ListContainersReply *reply = NULL;
	bool whole = flags_switch(flags, "no-trunc");
	json_t *rows;
	int r = list(cli, flags, &reply, err);

	if (r < 0)
		return r;
	if (flags_switch(flags, "quiet") && !flags_given(flags, "format")) {
		for (size_t i = 0; i < reply->n_containers; i++)
			printf(whole ? "%s\n" : "%.12s\n", reply->containers[i]->id);
		return 0;
	}
	rows = json_array();
	for (size_t i = 0; i < reply->n_containers; i++)
		json_array_append_new(rows, ps_row(reply->containers[i], whole));
	r = output_rows(flags, ps_columns, ARRAY_LEN(ps_columns) - !flags_switch(flags, "size"),
			rows, err);
	json_decref(rows);
	return r;
}

/* ---- inspect */

static int inspect_container(struct cli *cli, const struct flags *flags, const char *name,
			     json_t **value, struct err *err)
{
	Cleat__V1__InspectContainerRequest req = CLEAT__V1__INSPECT_CONTAINER_REQUEST__INIT;
	cleanup(msg_freep) Cleat__V1__InspectContainerReply *reply = NULL;
	int r;

	req.container = (char *)(uintptr_t)name;
	req.size = flags_switch(flags, "size");
	r = remote_call(cli, &cleat_v1_containers, "Inspect", &req.base, &reply, err);
	if (r == 0)
		*value = dockerjson_container(reply->container);
	return r;
}

static int inspect_image(struct cli *cli, const struct flags *flags, const char *name,
			 json_t **value, struct err *err)
{
	Cleat__V1__InspectImageRequest req = CLEAT__V1__INSPECT_IMAGE_REQUEST__INIT;
	cleanup(msg_freep) Cleat__V1__ImageDetails *reply = NULL;
	struct platformmsg platform;
	int r;

	req.image = (char *)(uintptr_t)name;
	r = cli_platform(flags, &platform, &req.platform, err);
	r = r ? r : remote_call(cli, &cleat_v1_images, "Inspect", &req.base, &reply, err);
	if (r == 0)
		*value = dockerjson_image(reply);
	return r;
}

static int inspect_network(struct cli *cli, const char *name, json_t **value, struct err *err)
{
	Cleat__V1__InspectNetworkRequest req = CLEAT__V1__INSPECT_NETWORK_REQUEST__INIT;
	cleanup(msg_freep) Cleat__V1__NetworkDetails *reply = NULL;
	int r;

	req.network = (char *)(uintptr_t)name;
	r = remote_call(cli, &cleat_v1_networks, "Inspect", &req.base, &reply, err);
	if (r == 0)
		*value = dockerjson_network(reply);
	return r;
}

static int inspect_one(struct cli *cli, const struct flags *flags, const char *name, json_t **value,
		       struct err *err)
{
	static const char *const kinds[] = { "container", "image", "network", "volume" };
	const char *group = cli->command->group, *kind = group;
	int r = -ENOENT;

	if (!group)
		kind = flags_text(flags, "type");
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (kind && strcmp(kind, kinds[i]) != 0)
			continue;
		*err = ERR_NULL;
		r = i == 0   ? inspect_container(cli, flags, name, value, err)
		    : i == 1 ? inspect_image(cli, flags, name, value, err)
		    : i == 2 ? inspect_network(cli, name, value, err)
			     : volume_inspect(cli, name, value, err);
		if (r == 0 || err->code != ERR_NOT_FOUND)
			return r;
	}
	if (!kind)
		return err_set(err, ERR_NOT_FOUND, "no such object: %s", name);
	return err->code
		       ? r
		       : err_set(err, ERR_INVALID, "\"%s\" is not a valid value for --type", kind);
}

static int run_inspect(struct cli *cli, const struct flags *flags, struct err *err)
{
	const char *format = flags_text(flags, "format");
	json_t *all = json_array();
	int code = 0;

	for (size_t i = 0; i < flags->n_args; i++) {
		json_t *value = NULL;

		*err = ERR_NULL;
		if (inspect_one(cli, flags, flags->args[i], &value, err) < 0) {
			output_error(err);
			code = 1;
		} else {
			json_array_append_new(all, value);
		}
	}
	*err = ERR_NULL;
	if (!format || !format[0] || strcmp(format, "json") == 0) {
		if (output_value(format, all, true, err) < 0)
			code = -EIO;
	} else {
		json_t *value;
		size_t i;

		json_array_foreach(all, i, value) if (output_value(format, value, true, err) < 0)
		{
			code = -EINVAL;
			break;
		}
	}
	json_decref(all);
	return code;
}

static const struct flag ps_flags[] = {
	{ "all", 'a', FLAG_SWITCH, NULL, "Show all containers (default shows just running)" },
	{ "filter", 'f', FLAG_LIST, "filter", "Filter output based on conditions provided" },
	{ "format", 0, FLAG_TEXT, "string", "table, json, or a template" },
	{ "last", 'n', FLAG_TEXT, "int", "Show n last created containers, of all states" },
	{ "latest", 'l', FLAG_SWITCH, NULL, "Show the latest created container, of all states" },
	{ "no-trunc", 0, FLAG_SWITCH, NULL, "Don't truncate output" },
	{ "quiet", 'q', FLAG_SWITCH, NULL, "Only display container IDs" },
	{ "size", 's', FLAG_SWITCH, NULL, "Display total file sizes" },
	{ 0 },
};
static const struct flag inspect_flags[] = {
	{ "format", 'f', FLAG_TEXT, "string", "json, or a template" },
	{ "size", 's', FLAG_SWITCH, NULL, "Display total file sizes" },
	{ "type", 0, FLAG_TEXT, "string",
	  "Only objects of this type (container, image, network, volume)" },
	{ 0 },
};
static const struct flag inspect_image_flags[] = {
	{ "format", 'f', FLAG_TEXT, "string", "json, or a template" },
	{ "platform", 0, FLAG_TEXT, "string", "Only if the image is for it (os[/arch[/variant]])" },
	{ 0 },
};

const struct command cmd_list_table[] = {
	{ "container", "ls", "ps", "[OPTIONS]", "List containers", ps_flags, 0, 0, false, run_ps },
	{ "container", "list", NULL, "[OPTIONS]", "List containers", ps_flags, 0, 0, false,
	  run_ps },
	{ "container", "ps", NULL, "[OPTIONS]", "List containers", ps_flags, 0, 0, false, run_ps },
	{ NULL, NULL, "inspect", "[OPTIONS] NAME|ID [NAME|ID...]",
	  "Return low-level information on objects", inspect_flags, 1, SIZE_MAX, false,
	  run_inspect },
	{ "container", "inspect", NULL, "[OPTIONS] CONTAINER [CONTAINER...]",
	  "Display detailed information on containers", inspect_flags, 1, SIZE_MAX, false,
	  run_inspect },
	{ "volume", "inspect", NULL, "[OPTIONS] VOLUME [VOLUME...]",
	  "Display detailed information on volumes", inspect_flags, 1, SIZE_MAX, false,
	  run_inspect },
	{ "image", "inspect", NULL, "[OPTIONS] IMAGE [IMAGE...]",
	  "Display detailed information on images", inspect_image_flags, 1, SIZE_MAX, false,
	  run_inspect },
	{ "network", "inspect", NULL, "[OPTIONS] NETWORK [NETWORK...]",
	  "Display detailed information on networks", inspect_flags, 1, SIZE_MAX, false,
	  run_inspect },
	{ 0 },
};
