/* SPDX-License-Identifier: Apache-2.0 */
/* system df. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cleat/v1/system.rpc.h"
#include "cli.h"
#include "fd.h"
#include "human.h"
#include "msg.h"
#include "str.h"
#include "volume.h"

static json_t *size_text(uint64_t bytes)
{
	char out[HUMAN_MAX];

	return row_text(human_size(bytes, 4, out));
}

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
			json_object_set_new(o, "Type", row_text(titles[i][1]));
	json_object_set_new(o, "TotalCount", json_sprintf("%u", u->total));
	json_object_set_new(o, "Active", json_sprintf("%u", u->active));
	json_object_set_new(o, "Size", size_text(u->size_bytes));
	human_size(u->reclaimable_bytes, 4, size);
	json_object_set_new(o, "Reclaimable",
			    percent ? json_sprintf("%s (%llu%%)", size,
						   (unsigned long long)(u->reclaimable_bytes * 100 /
									u->size_bytes))
				    : row_text(size));
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
				: row_text("<none>"));
	json_object_set_new(o, "Tag", row_text(colon ? colon + 1 : "<none>"));
	json_object_set_new(o, "ID", row_text(human_id(m->id, id)));
	json_object_set_new(o, "CreatedSince",
			    row_text(human_ago(fd_realtime_ns(), m->created_ns, ago)));
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

	json_object_set_new(o, "ID", row_text(human_id(c->id, id)));
	json_object_set_new(o, "Image", row_text(c->image));
	json_object_set_new(o, "Command",
			    json_sprintf("\"%.*s%s\"", strlen(c->command) > 20 ? 19 : 20,
					 c->command, strlen(c->command) > 20 ? "\u2026" : ""));
	json_object_set_new(o, "LocalVolumes", json_sprintf("%zu", volume_count(c)));
	json_object_set_new(o, "Size", size_text(c->size_rw_bytes));
	json_object_set_new(o, "RunningFor",
			    row_text(human_ago(fd_realtime_ns(), c->created_ns, ago)));
	json_object_set_new(o, "Status", row_text(c->status));
	json_object_set_new(o, "Names", row_text(c->name));
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

static int detail_volumes(const struct flags *flags, const Cleat__V1__DiskUsageReply *reply,
			  struct err *err)
{
	static const struct column columns[] = { { "Name", "VOLUME NAME" },
						 { "Links", "LINKS" },
						 { "Size", "SIZE" } };
	json_t *rows = json_array();
	int r;

	for (size_t i = 0; i < reply->n_volumes; i++) {
		const Cleat__V1__VolumeDetails *v = reply->volumes[i];
		json_t *o = json_object();

		json_object_set_new(o, "Name", row_text(v->name));
		json_object_set_new(o, "Links", json_sprintf("%u", v->references));
		json_object_set_new(o, "Size", size_text(v->size_bytes));
		json_array_append_new(rows, o);
	}
	printf("\nLocal Volumes space usage:\n\n");
	fflush(stdout);
	r = output_rows(flags, columns, ARRAY_LEN(columns), rows, err);
	json_decref(rows);
	return r;
}

static json_t *cache_row(const Cleat__V1__DiskUsageReply__CacheUsage *c)
{
	char ago[HUMAN_MAX];
	json_t *o = json_object();

	json_object_set_new(o, "ID", json_sprintf("%.12s", c->id));
	json_object_set_new(o, "CacheType", row_text("regular"));
	json_object_set_new(o, "Size", size_text(c->size_bytes));
	json_object_set_new(o, "CreatedSince",
			    row_text(human_ago(fd_realtime_ns(), c->created_ns, ago)));
	json_object_set_new(o, "LastUsedSince",
			    row_text(human_ago(fd_realtime_ns(), c->last_used_ns, ago)));
	json_object_set_new(o, "InUse", row_text(c->in_use ? "true" : "false"));
	json_object_set_new(o, "Description", row_text(c->description));
	return o;
}

static int detail_caches(const struct flags *flags, const Cleat__V1__DiskUsageReply *reply,
			 struct err *err)
{
	static const struct column columns[] = {
		{ "ID", "CACHE ID" },
		{ "CacheType", "CACHE TYPE" },
		{ "Size", "SIZE" },
		{ "CreatedSince", "CREATED" },
		{ "LastUsedSince", "LAST USED" },
		{ "InUse", "IN USE" },
		{ "Description", "DESCRIPTION" },
	};
	json_t *rows = json_array();
	uint64_t sum = 0;
	int r;

	for (size_t i = 0; i < reply->n_caches; i++) {
		json_array_append_new(rows, cache_row(reply->caches[i]));
		sum += reply->caches[i]->size_bytes;
	}

	char size[HUMAN_MAX];

	printf("\nBuild cache usage: %s\n\n", human_size(sum, 4, size));
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
	r = r ? r : detail_volumes(flags, reply, err);
	return r ? r : detail_caches(flags, reply, err);
}

static const struct flag df_flags[] = {
	{ "format", 0, FLAG_TEXT, "string", "table, json, or a template" },
	{ "verbose", 'v', FLAG_SWITCH, NULL, "Show detailed information on space usage" },
	{ 0 },
};
const struct command cmd_usage_table[] = {
	{ "system", "df", NULL, "[OPTIONS]", "Show disk usage", df_flags, 0, 0, false, run_df },
	{ 0 },
};
