/* SPDX-License-Identifier: Apache-2.0 */
/* system prune, and the prunes of containers, images and build cache. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cleat/v1/containers.rpc.h"
#include "cleat/v1/images.rpc.h"
#include "cleat/v1/networks.rpc.h"
#include "cli.h"
#include "human.h"
#include "msg.h"
#include "str.h"
#include "volume.h"

static void show_total(uint64_t bytes)
{
	char size[HUMAN_MAX];

	printf("Total reclaimed space: %s\n", human_size(bytes, 4, size));
}

/* A list with its title, and nothing when it is empty. */
static void show_list(const char *title, char *const *items, size_t n)
{
	if (n)
		printf("%s\n", title);
	for (size_t i = 0; i < n; i++)
		printf("%s\n", items[i]);
	if (n)
		printf("\n");
}

/* Whether a filter's key begins so. */
static bool filtered_by(const struct flags *flags, const char *key)
{
	const char *filter;

	for (size_t i = 0; (filter = flags_nth(flags, "filter", i)); i++)
		if (str_has_prefix(filter, key))
			return true;
	return false;
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
	show_list("Deleted Containers:", reply->ids, reply->n_ids);
	*bytes += reply->reclaimed_bytes;
	return 0;
}

/* 1 = go on, 0 = the user does not want to. What is wrong with the filters is said before one is asked. */
static int confirmed(const struct flags *flags, const char *what, struct err *err)
{
	Cleat__V1__Filter **filters = NULL;
	size_t n = 0;
	int r = cli_filters(flags, &filters, &n, err);

	cli_free_filters(filters, n);
	return r ? r : cli_confirmed(flags, what);
}

static int run_container_prune(struct cli *cli, const struct flags *flags, struct err *err)
{
	uint64_t bytes = 0;

	int r = confirmed(flags, " all stopped containers.", err);

	if (r <= 0)
		return r;
	r = prune_containers(cli, flags, &bytes, err);

	if (r == 0)
		show_total(bytes);
	return r;
}

static void show_changes(const Cleat__V1__PruneImagesReply *reply)
{
	if (reply->n_changes)
		printf("Deleted Images:\n");
	for (size_t i = 0; i < reply->n_changes; i++) {
		const Cleat__V1__RemoveImageReply__Change *c = reply->changes[i];

		printf("%s: %s\n", c->untagged[0] ? "untagged" : "deleted",
		       c->untagged[0] ? c->untagged : c->deleted);
	}
	if (reply->n_changes)
		printf("\n");
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
	show_changes(reply);
	*bytes += reply->reclaimed_bytes;
	return 0;
}

static int run_image_prune(struct cli *cli, const struct flags *flags, struct err *err)
{
	uint64_t bytes = 0;

	int r = confirmed(flags,
			  flags_switch(flags, "all")
				  ? " all images without at least one container associated to "
				    "them."
				  : " all dangling images.",
			  err);

	if (r <= 0)
		return r;
	r = prune_images(cli, flags, &bytes, err);

	if (r == 0)
		show_total(bytes);
	return r;
}

static int prune_networks(struct cli *cli, const struct flags *flags, struct err *err)
{
	Cleat__V1__PruneNetworksRequest req = CLEAT__V1__PRUNE_NETWORKS_REQUEST__INIT;
	cleanup(msg_freep) Cleat__V1__PruneNetworksReply *reply = NULL;
	int r = cli_filters(flags, &req.filters, &req.n_filters, err);

	r = r ? r : remote_call(cli, &cleat_v1_networks, "Prune", &req.base, &reply, err);
	cli_free_filters(req.filters, req.n_filters);
	if (r == 0)
		show_list("Deleted Networks:", reply->names, reply->n_names);
	return r;
}

static int read_keep(const struct flags *flags, uint64_t *bytes, struct err *err)
{
	const char *keep = flags_text(flags, "keep-storage");

	return keep && str_size_bytes(keep, bytes) < 0
		       ? err_set(err, ERR_INVALID, "--keep-storage: \"%.40s\" is no size", keep)
		       : 0;
}

/* What no image needs, or with --all whatever there is; of that, what was used last is kept up to --keep-storage. */
static int prune_cache(struct cli *cli, const struct flags *flags, uint64_t *bytes, struct err *err)
{
	Cleat__V1__PruneBuildCacheRequest req = CLEAT__V1__PRUNE_BUILD_CACHE_REQUEST__INIT;
	cleanup(msg_freep) Cleat__V1__PruneBuildCacheReply *reply = NULL;
	int r = read_keep(flags, &req.keep_bytes, err);

	r = r ? r : cli_filters(flags, &req.filters, &req.n_filters, err);
	req.all = flags_switch(flags, "all");
	r = r ? r : remote_call(cli, &cleat_v1_images, "PruneBuildCache", &req.base, &reply, err);
	cli_free_filters(req.filters, req.n_filters);
	if (r < 0)
		return r;
	*bytes += reply->reclaimed_bytes;
	show_list("Deleted build cache objects:", reply->ids, reply->n_ids);
	return 0;
}

static int run_builder_prune(struct cli *cli, const struct flags *flags, struct err *err)
{
	uint64_t bytes = 0, keep = 0;

	int r = read_keep(flags, &keep, err);

	r = r ? r
	      : confirmed(flags,
			  flags_switch(flags, "all") ? " all build cache."
						     : " all dangling build cache.",
			  err);

	if (r <= 0)
		return r;
	r = prune_cache(cli, flags, &bytes, err);

	if (r == 0)
		show_total(bytes);
	return r;
}

static int confirmed_system(const struct flags *flags, struct err *err)
{
	bool all = flags_switch(flags, "all");
	cleanup_free char *what = str_printf(
		":\n  - all stopped containers\n  - all networks not used by at least one "
		"container\n%s%s%s",
		flags_switch(flags, "volumes") ? "  - all anonymous volumes not used by at least "
						 "one container\n"
					       : "",
		all ? "  - all images without at least one container associated to them\n"
		    : "  - all dangling images\n",
		all ? "  - all build cache\n" : "  - unused build cache\n");

	return what ? confirmed(flags, what, err) : err_sys(err, ENOMEM, "prune");
}

static int run_system_prune(struct cli *cli, const struct flags *flags, struct err *err)
{
	bool volumes = flags_switch(flags, "volumes");
	uint64_t bytes = 0;

	if (volumes && filtered_by(flags, "until"))
		return err_set(err, ERR_INVALID,
			       "the \"until\" filter is not supported with \"--volumes\"");
	int r = confirmed_system(flags, err);

	if (r <= 0)
		return r;
	r = prune_containers(cli, flags, &bytes, err);
	r = r ? r : prune_networks(cli, flags, err);
	r = r || !volumes ? r : volume_prune(cli, flags, false, &bytes, err);
	r = r ? r : prune_images(cli, flags, &bytes, err);
	/* the cache has no labels: with a filter of them nothing of it is meant */
	r = r || filtered_by(flags, "label") ? r : prune_cache(cli, flags, &bytes, err);
	if (r == 0)
		show_total(bytes);
	return r;
}

static const struct flag container_prune_flags[] = {
	{ "filter", 0, FLAG_LIST, "filter", "Provide filter values (e.g. \"until=<timestamp>\")" },
	{ "force", 'f', FLAG_SWITCH, NULL, "Do not prompt for confirmation" },
	{ 0 },
};
static const struct flag image_prune_flags[] = {
	{ "all", 'a', FLAG_SWITCH, NULL, "Remove all unused images, not just dangling ones" },
	{ "filter", 0, FLAG_LIST, "filter", "Provide filter values (e.g. \"until=<timestamp>\")" },
	{ "force", 'f', FLAG_SWITCH, NULL, "Do not prompt for confirmation" },
	{ 0 },
};
static const struct flag builder_prune_flags[] = {
	{ "all", 'a', FLAG_SWITCH, NULL, "Remove all unused build cache, not just dangling ones" },
	{ "filter", 0, FLAG_LIST, "filter", "Provide filter values (e.g. \"until=24h\")" },
	{ "force", 'f', FLAG_SWITCH, NULL, "Do not prompt for confirmation" },
	{ "keep-storage", 0, FLAG_TEXT, "bytes", "Amount of disk space to keep for cache" },
	{ 0 },
};
static const struct flag system_prune_flags[] = {
	{ "all", 'a', FLAG_SWITCH, NULL, "Remove all unused images not just dangling ones" },
	{ "filter", 0, FLAG_LIST, "filter",
	  "Provide filter values (e.g. \"label=<key>=<value>\")" },
	{ "force", 'f', FLAG_SWITCH, NULL, "Do not prompt for confirmation" },
	{ "volumes", 0, FLAG_SWITCH, NULL, "Prune anonymous volumes" },
	{ 0 },
};

const struct command cmd_prune_table[] = {
	{ "system", "prune", NULL, "[OPTIONS]", "Remove unused data", system_prune_flags, 0, 0,
	  false, run_system_prune },
	{ "container", "prune", NULL, "[OPTIONS]", "Remove all stopped containers",
	  container_prune_flags, 0, 0, false, run_container_prune },
	{ "image", "prune", NULL, "[OPTIONS]", "Remove unused images", image_prune_flags, 0, 0,
	  false, run_image_prune },
	{ "builder", "prune", NULL, "[OPTIONS]", "Remove build cache", builder_prune_flags, 0, 0,
	  false, run_builder_prune },
	{ 0 },
};
