/* SPDX-License-Identifier: Apache-2.0 */
/* network create, ls, rm, connect, disconnect, prune; port. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cleat/v1/containers.rpc.h"
#include "cleat/v1/networks.rpc.h"
#include "cli.h"
#include "human.h"
#include "msg.h"
#include "str.h"

#define TEXT_OF(s) ((char *)(uintptr_t)(s))

static int no_memory(struct err *err)
{
	return err_sys(err, ENOMEM, "network");
}

/* ---- create */

/* KEY=VALUE into a map. */
static bool set_pair(void *list, size_t *n, const ProtobufCMessageDescriptor *type,
		     const char *text)
{
	const char *equals = strchr(text, '=');
	size_t len = equals ? (size_t)(equals - text) : strlen(text);

	return msg_map_set(list, n, type, text, len, equals ? equals + 1 : "");
}

/* The n-th of --subnet, --gateway and --ip-range belong together, as far as there are so many. */
static int add_pools(const struct flags *flags, Cleat__V1__CreateNetworkRequest *req,
		     struct err *err)
{
	static const char *const names[] = { "subnet", "gateway", "ip-range" };

	for (size_t i = 0;; i++) {
		const char *texts[ARRAY_LEN(names)];
		Cleat__V1__AddressPool *pool;

		for (size_t k = 0; k < ARRAY_LEN(names); k++)
			texts[k] = flags_nth(flags, names[k], i);
		if (!texts[0] && !texts[1] && !texts[2])
			return 0;
		if (!texts[0])
			return err_set(err, ERR_INVALID,
				       "every --gateway or --ip-range must have a corresponding "
				       "--subnet");
		pool = msg_new(&cleat__v1__address_pool__descriptor);
		if (!msg_push(&req->pools, &req->n_pools, pool) ||
		    !msg_set(&pool->subnet, texts[0]) ||
		    !msg_set(&pool->gateway, str_or_empty(texts[1])) ||
		    !msg_set(&pool->ip_range, str_or_empty(texts[2])))
			return no_memory(err);
	}
}

static int add_auxiliary(const struct flags *flags, Cleat__V1__CreateNetworkRequest *req,
			 struct err *err)
{
	const char *text;

	for (size_t i = 0; (text = flags_nth(flags, "aux-address", i)); i++) {
		if (!strchr(text, '='))
			return err_set(err, ERR_INVALID,
				       "invalid --aux-address %s: expected NAME=ADDRESS", text);
		if (!req->n_pools)
			return err_set(err, ERR_INVALID,
				       "every --aux-address must have a corresponding --subnet");
		if (!set_pair(&req->pools[0]->auxiliary, &req->pools[0]->n_auxiliary,
			      &cleat__v1__address_pool__auxiliary_entry__descriptor, text))
			return no_memory(err);
	}
	return 0;
}

static int add_maps(const struct flags *flags, Cleat__V1__CreateNetworkRequest *req,
		    struct err *err)
{
	const char *text;

	for (size_t i = 0; (text = flags_nth(flags, "opt", i)); i++)
		if (!set_pair(&req->options, &req->n_options,
			      &cleat__v1__create_network_request__options_entry__descriptor, text))
			return no_memory(err);
	for (size_t i = 0; (text = flags_nth(flags, "label", i)); i++)
		if (!set_pair(&req->labels, &req->n_labels,
			      &cleat__v1__create_network_request__labels_entry__descriptor, text))
			return no_memory(err);
	return 0;
}

static int fill_create(const struct flags *flags, Cleat__V1__CreateNetworkRequest *req,
		       struct err *err)
{
	int r = add_pools(flags, req, err);

	r = r ? r : add_auxiliary(flags, req, err);
	r = r ? r : add_maps(flags, req, err);
	if (r < 0)
		return r;
	req->ipv6 = flags_switch(flags, "ipv6");
	req->internal = flags_switch(flags, "internal");
	req->attachable = flags_switch(flags, "attachable");
	return msg_set(&req->name, flags->args[0]) &&
			       msg_set(&req->driver, str_or_empty(flags_text(flags, "driver")))
		       ? 0
		       : no_memory(err);
}

static int run_create(struct cli *cli, const struct flags *flags, struct err *err)
{
	cleanup(msg_freep) Cleat__V1__CreateNetworkRequest *req =
		msg_new(&cleat__v1__create_network_request__descriptor);
	cleanup(msg_freep) Cleat__V1__CreateNetworkReply *reply = NULL;
	int r = req ? fill_create(flags, req, err) : no_memory(err);

	r = r ? r : remote_call(cli, &cleat_v1_networks, "Create", &req->base, &reply, err);
	if (r == 0)
		printf("%s\n", reply->id);
	return r;
}

/* ---- ls */

static json_t *row_of(const Cleat__V1__NetworkDetails *n, bool whole)
{
	char id[HUMAN_MAX], time[HUMAN_MAX];
	json_t *o = json_object(), *labels = json_array();

	for (size_t i = 0; i < n->n_labels; i++)
		json_array_append_new(
			labels, json_sprintf("%s=%s", n->labels[i]->key, n->labels[i]->value));
	json_object_set_new(o, "ID", json_string(whole ? n->id : human_id(n->id, id)));
	json_object_set_new(o, "Name", json_string(n->name));
	json_object_set_new(o, "Driver", json_string(n->driver));
	json_object_set_new(o, "Scope", json_string(n->scope));
	json_object_set_new(o, "IPv6", json_string(n->ipv6 ? "true" : "false"));
	json_object_set_new(o, "Internal", json_string(n->internal ? "true" : "false"));
	json_object_set_new(o, "CreatedAt", json_string(human_time(n->created_ns, time)));
	json_object_set_new(o, "Labels", cli_joined(labels, ","));
	return o;
}

static int run_ls(struct cli *cli, const struct flags *flags, struct err *err)
{
	static const struct column columns[] = { { "ID", "NETWORK ID" },
						 { "Name", "NAME" },
						 { "Driver", "DRIVER" },
						 { "Scope", "SCOPE" } };
	Cleat__V1__ListNetworksRequest req = CLEAT__V1__LIST_NETWORKS_REQUEST__INIT;
	cleanup(msg_freep) Cleat__V1__ListNetworksReply *reply = NULL;
	bool whole = flags_switch(flags, "no-trunc");
	json_t *rows;
	int r = cli_filters(flags, &req.filters, &req.n_filters, err);

	r = r ? r : remote_call(cli, &cleat_v1_networks, "List", &req.base, &reply, err);
	cli_free_filters(req.filters, req.n_filters);
	if (r < 0)
		return r;
	if (flags_switch(flags, "quiet") && !flags_given(flags, "format")) {
		for (size_t i = 0; i < reply->n_networks; i++)
			printf(whole ? "%s\n" : "%.12s\n", reply->networks[i]->id);
		return 0;
	}
	rows = json_array();
	for (size_t i = 0; i < reply->n_networks; i++)
		json_array_append_new(rows, row_of(reply->networks[i], whole));
	r = output_rows(flags, columns, ARRAY_LEN(columns), rows, err);
	json_decref(rows);
	return r;
}

/* ---- the rest of network */

static int one_remove(struct cli *cli, const struct flags *flags, const char *arg, struct err *err)
{
	Cleat__V1__RemoveNetworkRequest req = CLEAT__V1__REMOVE_NETWORK_REQUEST__INIT;
	int r;

	req.network = TEXT_OF(arg);
	r = remote_call(cli, &cleat_v1_networks, "Remove", &req.base, NULL, err);
	if (r < 0 && flags_switch(flags, "force") && err->code == ERR_NOT_FOUND)
		return 0;
	return r;
}

static int run_rm(struct cli *cli, const struct flags *flags, struct err *err)
{
	(void)err;
	return cli_each(cli, flags, false, one_remove);
}

static int fill_endpoint(const struct flags *flags, Cleat__V1__EndpointConfig *e, struct err *err)
{
	const char *priority = flags_text(flags, "gw-priority"), *text;
	int64_t number = 0;
	bool ok = msg_set(&e->ipv4_address, str_or_empty(flags_text(flags, "ip"))) &&
		  msg_set(&e->ipv6_address, str_or_empty(flags_text(flags, "ip6")));

	for (size_t i = 0; ok && (text = flags_nth(flags, "alias", i)); i++)
		ok = msg_add(&e->aliases, &e->n_aliases, text);
	for (size_t i = 0; ok && (text = flags_nth(flags, "link", i)); i++)
		ok = msg_add(&e->links, &e->n_links, text);
	if (!ok)
		return no_memory(err);
	if (priority && str_int_in(priority, INT32_MIN, INT32_MAX, &number) < 0)
		return err_set(err, ERR_INVALID, "invalid --gw-priority %s: expected a number",
			       priority);
	e->gateway_priority = (int32_t)number;
	return flags_given(flags, "driver-opt")
		       ? err_set(err, ERR_UNIMPLEMENTED, "--driver-opt: not supported")
		       : 0;
}

static int run_connect(struct cli *cli, const struct flags *flags, struct err *err)
{
	Cleat__V1__ConnectNetworkRequest req = CLEAT__V1__CONNECT_NETWORK_REQUEST__INIT;
	cleanup(msg_freep) Cleat__V1__EndpointConfig *endpoint =
		msg_new(&cleat__v1__endpoint_config__descriptor);
	int r = endpoint ? fill_endpoint(flags, endpoint, err) : no_memory(err);

	req.network = TEXT_OF(flags->args[0]);
	req.container = TEXT_OF(flags->args[1]);
	req.endpoint = endpoint;
	return r ? r : remote_call(cli, &cleat_v1_networks, "Connect", &req.base, NULL, err);
}

static int run_disconnect(struct cli *cli, const struct flags *flags, struct err *err)
{
	Cleat__V1__DisconnectNetworkRequest req = CLEAT__V1__DISCONNECT_NETWORK_REQUEST__INIT;

	req.network = TEXT_OF(flags->args[0]);
	req.container = TEXT_OF(flags->args[1]);
	req.force = flags_switch(flags, "force");
	return remote_call(cli, &cleat_v1_networks, "Disconnect", &req.base, NULL, err);
}

static int run_prune(struct cli *cli, const struct flags *flags, struct err *err)
{
	Cleat__V1__PruneNetworksRequest req = CLEAT__V1__PRUNE_NETWORKS_REQUEST__INIT;
	cleanup(msg_freep) Cleat__V1__PruneNetworksReply *reply = NULL;
	int r;

	if (!cli_confirmed(flags, " all custom networks not used by at least one container."))
		return 0;
	r = cli_filters(flags, &req.filters, &req.n_filters, err);
	r = r ? r : remote_call(cli, &cleat_v1_networks, "Prune", &req.base, &reply, err);
	cli_free_filters(req.filters, req.n_filters);
	if (r < 0)
		return r;
	if (reply->n_names)
		printf("Deleted Networks:\n");
	for (size_t i = 0; i < reply->n_names; i++)
		printf("%s\n", reply->names[i]);
	if (reply->n_names)
		printf("\n");
	return 0;
}

/* ---- port */

static void print_binding(const Cleat__V1__PublishedPort *p, bool with_port)
{
	if (with_port)
		printf("%u/%s -> ", p->container_port, p->protocol);
	printf(strchr(p->host_ip, ':') ? "[%s]:%u\n" : "%s:%u\n", p->host_ip, p->host_port);
}

static bool is_asked(const Cleat__V1__PublishedPort *p, const char *wanted)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%u/%s", p->container_port, p->protocol);
	return p->host_port &&
	       (!wanted || strcmp(wanted, text) == 0 ||
		(!strchr(wanted, '/') && strcmp(p->protocol, "tcp") == 0 &&
		 strncmp(wanted, text, strlen(wanted)) == 0 && text[strlen(wanted)] == '/'));
}

static int run_port(struct cli *cli, const struct flags *flags, struct err *err)
{
	Cleat__V1__InspectContainerRequest req = CLEAT__V1__INSPECT_CONTAINER_REQUEST__INIT;
	cleanup(msg_freep) Cleat__V1__InspectContainerReply *reply = NULL;
	const char *wanted = flags->n_args > 1 ? flags->args[1] : NULL;
	size_t n = 0;
	int r;

	req.container = TEXT_OF(flags->args[0]);
	r = remote_call(cli, &cleat_v1_containers, "Inspect", &req.base, &reply, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < reply->container->n_ports; i++) {
		if (!is_asked(reply->container->ports[i], wanted))
			continue;
		print_binding(reply->container->ports[i], !wanted);
		n++;
	}
	if (wanted && !n)
		return err_set(err, ERR_NOT_FOUND, "no public port '%s' published for %s", wanted,
			       flags->args[0]);
	return 0;
}

static const struct flag no_flags[] = { { 0 } };
static const struct flag create_flags[] = {
	{ "attachable", 0, FLAG_SWITCH, NULL, "Accepted, without meaning on one host" },
	{ "aux-address", 0, FLAG_LIST, "map", "Addresses that no container gets (NAME=ADDRESS)" },
	{ "driver", 'd', FLAG_TEXT, "string", "Driver to manage the network (bridge)" },
	{ "gateway", 0, FLAG_LIST, "strings", "Gateway of the subnet" },
	{ "internal", 0, FLAG_SWITCH, NULL, "Restrict external access to the network" },
	{ "ip-range", 0, FLAG_LIST, "strings", "Allocate container ip from a sub-range" },
	{ "ipv6", 0, FLAG_SWITCH, NULL, "Enable IPv6 networking" },
	{ "label", 0, FLAG_LIST, "list", "Set metadata on a network" },
	{ "opt", 'o', FLAG_LIST, "map", "Set driver specific options" },
	{ "subnet", 0, FLAG_LIST, "strings", "Subnet in CIDR format" },
	{ 0 },
};
static const struct flag ls_flags[] = {
	{ "filter", 'f', FLAG_LIST, "filter", "Provide filter values (e.g. \"driver=bridge\")" },
	{ "format", 0, FLAG_TEXT, "string", "table, json, or a template" },
	{ "no-trunc", 0, FLAG_SWITCH, NULL, "Do not truncate the output" },
	{ "quiet", 'q', FLAG_SWITCH, NULL, "Only display network IDs" },
	{ 0 },
};
static const struct flag rm_flags[] = {
	{ "force", 'f', FLAG_SWITCH, NULL, "Do not error if the network does not exist" },
	{ 0 },
};
static const struct flag connect_flags[] = {
	{ "alias", 0, FLAG_LIST, "strings", "Add network-scoped alias for the container" },
	{ "driver-opt", 0, FLAG_LIST, "strings", "Driver options for the network" },
	{ "gw-priority", 0, FLAG_TEXT, "int", "Highest gw-priority provides the default gateway" },
	{ "ip", 0, FLAG_TEXT, "string", "IPv4 address" },
	{ "ip6", 0, FLAG_TEXT, "string", "IPv6 address" },
	{ "link", 0, FLAG_LIST, "list", "Add link to another container" },
	{ 0 },
};
static const struct flag disconnect_flags[] = {
	{ "force", 'f', FLAG_SWITCH, NULL, "Force the container to disconnect from a network" },
	{ 0 },
};
static const struct flag prune_flags[] = {
	{ "filter", 0, FLAG_LIST, "filter", "Provide filter values (e.g. \"until=<timestamp>\")" },
	{ "force", 'f', FLAG_SWITCH, NULL, "Do not prompt for confirmation" },
	{ 0 },
};

const struct command cmd_network_table[] = {
	{ "network", "create", NULL, "[OPTIONS] NETWORK", "Create a network", create_flags, 1, 1,
	  false, run_create },
	{ "network", "ls", NULL, "[OPTIONS]", "List networks", ls_flags, 0, 0, false, run_ls },
	{ "network", "list", NULL, "[OPTIONS]", "List networks", ls_flags, 0, 0, false, run_ls },
	{ "network", "rm", NULL, "NETWORK [NETWORK...]", "Remove one or more networks", rm_flags, 1,
	  SIZE_MAX, false, run_rm },
	{ "network", "connect", NULL, "[OPTIONS] NETWORK CONTAINER",
	  "Connect a container to a network", connect_flags, 2, 2, false, run_connect },
	{ "network", "disconnect", NULL, "[OPTIONS] NETWORK CONTAINER",
	  "Disconnect a container from a network", disconnect_flags, 2, 2, false, run_disconnect },
	{ "network", "prune", NULL, "[OPTIONS]", "Remove all unused networks", prune_flags, 0, 0,
	  false, run_prune },
	{ "container", "port", "port", "CONTAINER [PRIVATE_PORT[/PROTO]]",
	  "List port mappings or a specific mapping for the container", no_flags, 1, 2, false,
	  run_port },
	{ 0 },
};
