/* SPDX-License-Identifier: Apache-2.0 */
/* system df, system prune, container prune. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cleat/v1/containers.rpc.h"
#include "cleat/v1/images.rpc.h"
#include "cleat/v1/system.rpc.h"
#include "cli.h"
#include "fd.h"
#include "human.h"
#include "msg.h"
#include "str.h"

static json_t *text(const char *s)
{
	json_t *v = json_string(s);

	return v ? v : json_string("");
}

static json_t *size_text(uint64_t bytes)
{
	char out[HUMAN_MAX];

	return text(human_size(bytes, 4, out));
}

/* ---- df */

static json_t *usage_row(const Cleat__V1__DiskUsageReply__Usage *u)
{
	static const char *const titles[][2] = { { "images", "Images" },
						 { "containers", "Containers" },
						 { "volumes", "Local Volumes" },
						 { "build cache", "Build Cache" } };
	bool percent = u->size_bytes > 0 && strcmp(u->type, "build cache") != 0;
	char size[HUMAN_MAX];
	json_t *o = json_object();

	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		if (strcmp(titles[i][0], u->type) == 0)
			json_object_set_new(o, "Type", text(titles[i][1]));
	json_object_set_new(o, "TotalCount", json_sprintf("%u", u->total));
	json_object_set_new(o, "Active", json_sprintf("%u", u->active));
	json_object_set_new(o, "Size", size_text(u->size_bytes));
	human_size(u->reclaimable_bytes, 4, size);
	json_object_set_new(o, "Reclaimable",
			    percent ? json_sprintf("%s (%llu%%)", size,
						   (unsigned long long)(u->reclaimable_bytes * 100 /
									u->size_bytes))
				    : text(size));
	return o;
}

static int show_usages(const struct flags *flags, const Cleat__V1__DiskUsageReply *reply,
		       struct err *err)
{
	static const struct column columns[] = { { "Type", "TYPE" },
						 { "TotalCount", "TOTAL" },
						 { "Active", "ACTIVE" },
						 { "Size", "SIZE" },
						 { "Reclaimable", "RECLAIMABLE" } };
	json_t *rows = json_array();
	int r;

	for (size_t i = 0; i < reply->n_usages; i++)
		json_array_append_new(rows, usage_row(reply->usages[i]));
	r = output_rows(flags, columns, ARRAY_LEN(columns), rows, err);
	json_decref(rows);
	return r;
}

static json_t *image_row(const Cleat__V1__DiskUsageReply__ImageUsage *u, const char *tag)
{
	const Cleat__V1__ImageSummary *m = u->image;
	const char *colon = tag ? strrchr(tag, ':') : NULL;
	char id[HUMAN_MAX], ago[HUMAN_MAX];
	json_t *o = json_object();

	if (colon && strchr(colon, '/'))
		colon = NULL;
	json_object_set_new(o, "Repository",
			    tag ? json_stringn(tag, colon ? (size_t)(colon - tag) : strlen(tag))
				: text("<none>"));
	json_object_set_new(o, "Tag", text(colon ? colon + 1 : "<none>"));
	json_object_set_new(o, "ID", text(human_id(m->id, id)));
	json_object_set_new(o, "CreatedSince",
			    text(human_ago(fd_realtime_ns(), m->created_ns, ago)));
	json_object_set_new(o, "Size", size_text(m->size_bytes));
	json_object_set_new(o, "SharedSize", size_text(u->shared_bytes));
	json_object_set_new(o, "UniqueSize", size_text(u->unique_bytes));
	json_object_set_new(o, "Containers", json_sprintf("%u", m->containers));
	return o;
}

static int detail_images(const struct flags *flags, const Cleat__V1__DiskUsageReply *reply,
			 struct err *err)
{
	static const struct column columns[] = {
		{ "Repository", "REPOSITORY" },
		{ "Tag", "TAG" },
		{ "ID", "IMAGE ID" },
		{ "CreatedSince", "CREATED" },
		{ "Size", "SIZE" },
		{ "SharedSize", "SHARED SIZE" },
		{ "UniqueSize", "UNIQUE SIZE" },
		{ "Containers", "CONTAINERS" },
	};
	json_t *rows = json_array();
	int r;

	for (size_t i = 0; i < reply->n_images; i++) {
		const Cleat__V1__DiskUsageReply__ImageUsage *u = reply->images[i];

		for (size_t k = 0; k < u->image->n_tags; k++)
			json_array_append_new(rows, image_row(u, u->image->tags[k]));
		if (u->image->n_tags == 0)
			json_array_append_new(rows, image_row(u, NULL));
	}
	printf("Images space usage:\n\n");
	fflush(stdout);
	r = output_rows(flags, columns, ARRAY_LEN(columns), rows, err);
	json_decref(rows);
	return r;
}

static json_t *container_row(const Cleat__V1__ContainerSummary *c)
{
	char id[HUMAN_MAX], ago[HUMAN_MAX];
	json_t *o = json_object();

	json_object_set_new(o, "ID", text(human_id(c->id, id)));
	json_object_set_new(o, "Image", text(c->image));
	json_object_set_new(o, "Command",
			    json_sprintf("\"%.*s%s\"", strlen(c->command) > 20 ? 19 : 20,
					 c->command, strlen(c->command) > 20 ? "\u2026" : ""));
	json_object_set_new(o, "LocalVolumes", text("0"));
	json_object_set_new(o, "Size", size_text(c->size_rw_bytes));
	json_object_set_new(o, "RunningFor", text(human_ago(fd_realtime_ns(), c->created_ns, ago)));
	json_object_set_new(o, "Status", text(c->status));
	json_object_set_new(o, "Names", text(c->name));
	return o;
}

static int detail_containers(const struct flags *flags, const Cleat__V1__DiskUsageReply *reply,
			     struct err *err)
{
	static const struct column columns[] = {
		{ "ID", "CONTAINER ID" }, { "Image", "IMAGE" },
		{ "Command", "COMMAND" }, { "LocalVolumes", "LOCAL VOLUMES" },
		{ "Size", "SIZE" },       { "RunningFor", "CREATED" },
		{ "Status", "STATUS" },   { "Names", "NAMES" },
	};
	json_t *rows = json_array();
	int r;

	for (size_t i = 0; i < reply->n_containers; i++)
		json_array_append_new(rows, container_row(reply->containers[i]));
	printf("\nContainers space usage:\n\n");
	fflush(stdout);
	r = output_rows(flags, columns, ARRAY_LEN(columns), rows, err);
	json_decref(rows);
	return r;
}

static int run_df(struct cli *cli, const struct flags *flags, struct err *err)
{
	Cleat__V1__DiskUsageRequest req = CLEAT__V1__DISK_USAGE_REQUEST__INIT;
	cleanup(msg_freep) Cleat__V1__DiskUsageReply *reply = NULL;
	int r;

	req.details = flags_switch(flags, "verbose");
	if (req.details && flags_given(flags, "format"))
		return err_set(err, ERR_INVALID,
			       "the verbose and the format options conflict: use one of them");
	r = remote_call(cli, &cleat_v1_system, "DiskUsage", &req.base, &reply, err);
	if (r < 0 || !req.details)
		return r < 0 ? r : show_usages(flags, reply, err);
	r = detail_images(flags, reply, err);
	r = r ? r : detail_containers(flags, reply, err);
	if (r == 0)
		printf("\nLocal Volumes space usage:\n\nVOLUME NAME   LINKS     SIZE\n\n"
		       "Build cache usage: 0B\n\nCACHE ID   CACHE TYPE   SIZE      CREATED   LAST "
		       "USED   "
		       "USAGE     SHARED\n");
	return r;
}

/* ---- prune */

static bool confirmed(const struct flags *flags, const char *what)
{
	char line[16] = "";

	if (flags_switch(flags, "force"))
		return true;
	printf("WARNING! This will remove %s\nAre you sure you want to continue? [y/N] ", what);
	fflush(stdout);
	return fgets(line, sizeof(line), stdin) && (line[0] == 'y' || line[0] == 'Y');
}

static void show_total(uint64_t bytes)
{
	char size[HUMAN_MAX];

	printf("Total reclaimed space: %s\n", human_size(bytes, 4, size));
}

static int prune_containers(struct cli *cli, const struct flags *flags, uint64_t *bytes,
			    struct err *err)
{
	Cleat__V1__PruneContainersRequest req = CLEAT__V1__PRUNE_CONTAINERS_REQUEST__INIT;
	cleanup(msg_freep) Cleat__V1__PruneContainersReply *reply = NULL;
	int r = cli_filters(flags, &req.filters, &req.n_filters, err);

	r = r ? r : remote_call(cli, &cleat_v1_containers, "Prune", &req.base, &reply, err);
	cli_free_filters(req.filters, req.n_filters);
	if (r < 0)
		return r;
	if (reply->n_ids)
		printf("Deleted Containers:\n");
	for (size_t i = 0; i < reply->n_ids; i++)
		printf("%s\n", reply->ids[i]);
	if (reply->n_ids)
		printf("\n");
	*bytes += reply->reclaimed_bytes;
	return 0;
}

static int run_container_prune(struct cli *cli, const struct flags *flags, struct err *err)
{
	uint64_t bytes = 0;

	if (!confirmed(flags, "all stopped containers."))
		return 0;
	int r = prune_containers(cli, flags, &bytes, err);

	if (r == 0)
		show_total(bytes);
	return r;
}

static int prune_images(struct cli *cli, const struct flags *flags, uint64_t *bytes,
			struct err *err)
{
	Cleat__V1__PruneImagesRequest req = CLEAT__V1__PRUNE_IMAGES_REQUEST__INIT;
	cleanup(msg_freep) Cleat__V1__PruneImagesReply *reply = NULL;
	Cleat__V1__Filter dangling = CLEAT__V1__FILTER__INIT;
	char *no = (char *)(uintptr_t) "false";
	int r = cli_filters(flags, &req.filters, &req.n_filters, err);
	size_t own = req.n_filters;

	dangling.key = (char *)(uintptr_t) "dangling";
	dangling.values = &no;
	dangling.n_values = 1;
	if (r == 0 && flags_switch(flags, "all"))
		req.filters[req.n_filters++] = &dangling; /* there is room for one more */
	r = r ? r : remote_call(cli, &cleat_v1_images, "Prune", &req.base, &reply, err);
	cli_free_filters(req.filters, own);
	if (r < 0)
		return r;
	if (reply->n_changes)
		printf("Deleted Images:\n");
	for (size_t i = 0; i < reply->n_changes; i++) {
		const Cleat__V1__RemoveImageReply__Change *c = reply->changes[i];

		printf("%s: %s\n", c->untagged[0] ? "untagged" : "deleted",
		       c->untagged[0] ? c->untagged : c->deleted);
	}
	if (reply->n_changes)
		printf("\n");
	*bytes += reply->reclaimed_bytes;
	return 0;
}

/* What no image needs, or with --all whatever there is. Labels are none of the cache's. */
static int prune_cache(struct cli *cli, const struct flags *flags, uint64_t *bytes, struct err *err)
{
	Cleat__V1__PruneBuildCacheRequest req = CLEAT__V1__PRUNE_BUILD_CACHE_REQUEST__INIT;
	cleanup(msg_freep) Cleat__V1__PruneBuildCacheReply *reply = NULL;
	int r;

	if (flags_given(flags, "filter"))
		return 0;
	req.all = flags_switch(flags, "all");
	r = remote_call(cli, &cleat_v1_images, "PruneBuildCache", &req.base, &reply, err);
	if (r < 0)
		return r;
	*bytes += reply->reclaimed_bytes;
	if (reply->n_ids)
		printf("Deleted build cache objects:\n");
	for (size_t i = 0; i < reply->n_ids; i++)
		printf("%s\n", reply->ids[i]);
	if (reply->n_ids)
		printf("\n");
	return 0;
}

static int run_system_prune(struct cli *cli, const struct flags *flags, struct err *err)
{
	uint64_t bytes = 0;

	if (!confirmed(flags,
		       flags_switch(flags, "all")
			       ? ":\n  - all stopped containers\n  - all images without at "
				 "least one container associated to them\n  - all build cache\n"
			       : ":\n  - all stopped containers\n  - all dangling images\n  - "
				 "unused build cache\n"))
		return 0;
	int r = prune_containers(cli, flags, &bytes, err);

	r = r ? r : prune_images(cli, flags, &bytes, err);
	r = r ? r : prune_cache(cli, flags, &bytes, err);
	if (r == 0)
		show_total(bytes);
	return r;
}

static const struct flag df_flags[] = {
	{ "format", 0, FLAG_TEXT, "string", "table, json, or a template" },
	{ "verbose", 'v', FLAG_SWITCH, NULL, "Show detailed information on space usage" },
	{ 0 },
};
static const struct flag container_prune_flags[] = {
	{ "filter", 0, FLAG_LIST, "filter", "Provide filter values (e.g. \"until=<timestamp>\")" },
	{ "force", 'f', FLAG_SWITCH, NULL, "Do not prompt for confirmation" },
	{ 0 },
};
static const struct flag system_prune_flags[] = {
	{ "all", 'a', FLAG_SWITCH, NULL, "Remove all unused images not just dangling ones" },
	{ "filter", 0, FLAG_LIST, "filter",
	  "Provide filter values (e.g. \"label=<key>=<value>\")" },
	{ "force", 'f', FLAG_SWITCH, NULL, "Do not prompt for confirmation" },
	{ 0 },
};

const struct command cmd_usage_table[] = {
	{ "system", "df", NULL, "[OPTIONS]", "Show disk usage", df_flags, 0, 0, false, run_df },
	{ "system", "prune", NULL, "[OPTIONS]", "Remove unused data", system_prune_flags, 0, 0,
	  false, run_system_prune },
	{ "container", "prune", NULL, "[OPTIONS]", "Remove all stopped containers",
	  container_prune_flags, 0, 0, false, run_container_prune },
	{ 0 },
};
