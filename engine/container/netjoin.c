/* SPDX-License-Identifier: Apache-2.0 */
#include "netjoin.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "attach.h"
#include "bridge.h"
#include "fault.h"
#include "fd.h"
#include "history.h"
#include "idranges.h"
#include "joinfiles.h"
#include "lifecycle.h"
#include "list.h"
#include "log.h"
#include "netnames.h"
#include "proc.h"
#include "request.h"
#include "store/requests.h"
#include "store/store.h"
#include "str.h"

bool netjoin_is_ours(const char *mode)
{
	return network_mode_is_own(mode) || str_has_prefix(mode, "container:");
}

/* That of a process that runs and is the container's. */
static int running_netns(const struct status *status)
{
	cleanup_fd int dir = status_active(status) && status->pid > 0
				     ? proc_dir(status->pid, status->pid_start_ticks)
				     : -1;
	int fd = dir < 0 ? -1 : openat(dir, "ns/net", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -ESRCH : fd;
}

static int join_container(struct engine *engine, const char *reference, int *netns, struct err *err)
{
	cleanup(record_deinit) struct record record = { 0 };
	struct status status;
	int r = record_find(engine->store, reference, &record, err);

	if (r < 0)
		return r;
	status_read(engine, &record, &status);
	*netns = running_netns(&status);
	if (*netns < 0)
		return err_reason(err, ERR_PRECONDITION, "NOT_RUNNING",
				  "cannot join network of a non running container: %s", record.id);
	return 0;
}

static void tell_connected(struct engine *engine, const char *id, const struct endpoints *endpoints)
{
	for (size_t i = 0; i < endpoints->n; i++)
		history_network(engine, endpoints->v[i].network.id, endpoints->v[i].network.name,
				"bridge", id, "connect");
}

struct holders {
	char (*v)[65];
	size_t n;
};

static int add_holder(const struct store_row *row, void *ctx)
{
	struct holders *holders = ctx;
	char(*grown)[65] = realloc(holders->v, (holders->n + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	holders->v = grown;
	(void)snprintf(grown[holders->n++], sizeof(*grown), "%s", store_text(row, 0));
	return 0;
}

void netjoin_sweep(struct engine *engine)
{
	struct holders holders = { 0 };
	int r = store_query(engine->store, NULL, add_holder, &holders,
			    "SELECT DISTINCT container_id FROM addresses "
			    "WHERE container_id IS NOT NULL",
			    "");

	for (size_t i = 0; r == 0 && i < holders.n; i++) {
		cleanup(record_deinit) struct record record = { 0 };
		struct status status;

		if (record_find(engine->store, holders.v[i], &record, NULL) < 0)
			continue;
		status_read(engine, &record, &status);
		if (!status_active(&status))
			netjoin_end(engine, record.id, status.exits);
	}
	free(holders.v);
}

/* What an end that was not heard of yet still holds is no reason to refuse. */
static int attach(struct engine *engine, const struct attach_request *request, int *netns,
		  struct endpoints **endpoints, struct err *err)
{
	struct err own = ERR_NULL;
	int r = attach_up(engine, request, netns, endpoints, &own);

	if (r < 0 && (strcmp(own.reason, "PORT_IN_USE") == 0 ||
		      strcmp(own.reason, "ADDRESS_IN_USE") == 0 || own.code == ERR_EXHAUSTED)) {
		netjoin_sweep(engine);
		own = ERR_NULL;
		r = attach_up(engine, request, netns, endpoints, &own);
	}
	if (r < 0 && err)
		*err = own;
	return r;
}

/* Out of a network's half: its interface, where there is one, its addresses, their lines in hosts and its row. A network
 * that is gone by now has left no interface: it goes only while nobody has an address of it. */
static int take_out(struct engine *engine, const struct record *record, const struct status *status,
		    const char *network_id, struct err *err)
{
	cleanup_fd int netns = running_netns(status);
	struct network network;
	int r = netns < 0 ? -ENOENT : network_find(engine, network_id, &network, err);

	if (r == 0) {
		r = attach_disconnect(engine, record->id, netns, &network, err);
		network_deinit(&network);
	} else if (r == -ENOENT) {
		r = 0;
	}
	fault_point(FAULT_NAMES_UNPLUGGED);
	r = r ? r : endpoint_release(engine, record->id, network_id, err);
	/* while the row still tells the next engine that something is to be done */
	if (r == 0 && netns >= 0)
		joinfiles_write_hosts(engine, record->id);
	r = r ? r : endpoint_remove(engine, record->id, network_id, err);
	fault_point(FAULT_NAMES_ENDPOINT_REMOVED);
	return r;
}

/* What an engine was killed at: a connection is undone, a disconnection done. 1 = one of the network `wanted` was. */
static int settle(struct engine *engine, const struct record *record, const struct status *status,
		  const char *wanted, struct err *err)
{
	bool found = false, any = false;
	char network_id[65];
	int r;

	while ((r = endpoint_half_done(engine, record->id, network_id, err)) > 0) {
		any = true;
		found = found || strcmp(network_id, wanted) == 0;
		r = take_out(engine, record, status, network_id, err);
		if (r < 0)
			return r;
		netnames_publish(engine, network_id);
	}
	if (any)
		joinfiles_follow(engine, record->id);
	return r < 0 ? r : found;
}

void netjoin_mend(struct engine *engine, const struct record *record, const struct status *status)
{
	struct err err = ERR_NULL;

	if (settle(engine, record, status, "", &err) < 0)
		log_error("a network is half connected id=%.12s: %s", record->id, err.message);
	if (status_active(status))
		joinfiles_mend(engine, record);
}

static int make(struct engine *engine, const struct record *record, const struct status *status,
		const create_request *request, bool tell, int *netns, struct err *err)
{
	struct attach_request wanted = { .container_id = record->id,
					 .exits = status->exits,
					 .config = request->config };
	cleanup(endpoints_freep) struct endpoints *endpoints = NULL;
	int r = settle(engine, record, status, "", err);

	r = r < 0 ? r : idranges_find(engine, record->id, &wanted.ids, err);
	r = r < 0 ? r : attach(engine, &wanted, netns, &endpoints, err);

	if (r < 0)
		return r;
	fault_point(FAULT_NET_START_PUBLISHED);
	r = joinfiles_start(engine, record, request->config, endpoints, err);
	if (r < 0) {
		closep(netns);
		*netns = -1;
		(void)!attach_down(engine, record->id, ATTACH_ALL, NULL, NULL);
		return r;
	}
	joinfiles_follow(engine, record->id);
	if (tell)
		tell_connected(engine, record->id, endpoints);
	return 0;
}

static int begin(struct engine *engine, const struct record *record, const struct status *status,
		 bool tell, int *netns, struct err *err)
{
	cleanup(request_freep) create_request *request = request_of(record, err);
	const char *mode = request ? request->config->network_mode : NULL;

	*netns = -1;
	if (!mode)
		return -EIO;
	if (!netjoin_is_ours(mode))
		return 0;
	if (str_has_prefix(mode, "container:"))
		return join_container(engine, mode + strlen("container:"), netns, err);
	return make(engine, record, status, request, tell, netns, err);
}

int netjoin_begin(struct engine *engine, const struct record *record, const struct status *status,
		  int *netns, struct err *err)
{
	return begin(engine, record, status, true, netns, err);
}

int netjoin_adopt(struct engine *engine, const struct record *record, const struct status *status,
		  int *netns, struct err *err)
{
	*netns = -1;
	if (!status_active(status))
		return 0;
	*netns = running_netns(status);
	return *netns >= 0 ? 0 : begin(engine, record, status, false, netns, err);
}

/* Containers whose networks are being given back: whoever finds nothing left to give back is not told so before the one
 * who gave it back has told everybody else. */
static struct {
	pthread_mutex_t mutex;
	pthread_cond_t less;
	struct list list;
} endings = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, LIST_INIT(endings.list) };

struct ending {
	struct list link;
	const char *id;
};

static bool is_ending(const char *id)
{
	struct ending *ending;

	list_each (ending, &endings.list, link)
		if (strcmp(ending->id, id) == 0)
			return true;
	return false;
}

static void ending_begin(struct ending *ending)
{
	pthread_mutex_lock(&endings.mutex);
	while (is_ending(ending->id))
		pthread_cond_wait(&endings.less, &endings.mutex);
	list_append(&endings.list, &ending->link);
	pthread_mutex_unlock(&endings.mutex);
}

static void ending_done(struct ending *ending)
{
	pthread_mutex_lock(&endings.mutex);
	list_remove(&ending->link);
	pthread_cond_broadcast(&endings.less);
	pthread_mutex_unlock(&endings.mutex);
}

static void give_back(struct engine *engine, const char *id, uint64_t exits)
{
	struct attach_left *left = calloc(1, sizeof(*left));
	struct err err = ERR_NULL;

	if (attach_down(engine, id, exits, left, &err) < 0)
		log_error("cannot give back addresses and ports id=%.12s: %s", id, err.message);
	if (left && left->n)
		joinfiles_follow(engine, id);
	for (size_t i = 0; left && i < left->n; i++) {
		if (strcmp(left->v[i].name, "bridge") != 0)
			netnames_publish(engine, left->v[i].id);
		history_network(engine, left->v[i].id, left->v[i].name, "bridge", id, "disconnect");
	}
	free(left);
}

void netjoin_end(struct engine *engine, const char *id, uint64_t exits)
{
	struct ending ending = { .id = id };

	ending_begin(&ending);
	give_back(engine, id, exits);
	ending_done(&ending);
}

void netjoin_settle(struct engine *engine, const char *id, const struct status *status)
{
	history_settle(engine, id);
	if (!status_active(status))
		netjoin_end(engine, id, status->exits);
}

/* Of a container that has no networks of its own. */
static int check_mode(const create_request *request, const struct network *network, struct err *err)
{
	const char *mode = request->config->network_mode;

	if (strcmp(network->driver, "bridge") != 0 || !netjoin_is_ours(mode) ||
	    str_has_prefix(mode, "container:"))
		return err_set(err, ERR_PERMISSION,
			       "a container with network mode %.60s cannot be connected to network "
			       "%.60s: neither none, host nor another container's can be one of "
			       "several",
			       mode[0] ? mode : "none", network->name);
	return 0;
}

/* A container that runs is in a network, or is no longer. */
static void tell_others(struct engine *engine, const char *id, const struct network *network)
{
	if (netnames_has(network))
		netnames_publish(engine, network->id);
	else
		joinfiles_follow(engine, id);
}

static int plug(struct engine *engine, const struct record *record, const struct status *status,
		const create_request *request, const struct network *network, struct err *err)
{
	const struct attach_request wanted = { .container_id = record->id,
					       .exits = status->exits,
					       .config = request->config };
	cleanup_fd int netns = running_netns(status);
	int r;

	if (netns < 0)
		return 0;
	r = attach_connect(engine, &wanted, netns, network->id, err);
	r = r ? r : joinfiles_change(engine, record, request->config, err);
	if (r == 0) {
		tell_others(engine, record->id, network);
		history_network(engine, network->id, network->name, "bridge", record->id,
				"connect");
	}
	return r;
}

/* Changes the intent, and remembers the call. As endpoint_set_intent(). */
static int set_intent(struct engine *engine, const char *id, const char *network_id,
		      const char *intent, const char *key, struct err *err)
{
	int r = store_begin(engine->store, err), changed, ended;

	if (r < 0)
		return r;
	changed = endpoint_set_intent(engine, id, network_id, intent, err);
	r = changed > 0 ? requests_remember(engine->store, key, NULL, 0, err) : changed;
	ended = store_end(engine->store, r == 0, err);
	return r < 0 ? r : ended < 0 ? ended : changed;
}

static int connect_locked(struct engine *engine, const struct record *record,
			  const struct network *network, const Cleat__V1__EndpointConfig *config,
			  const char *key, struct err *err)
{
	cleanup(request_freep) create_request *request = request_of(record, err);
	struct status status;
	int r = request ? check_mode(request, network, err) : -EIO;

	status_read(engine, record, &status);
	r = r ? r : settle(engine, record, &status, "", err);
	r = r < 0 ? r
		  : endpoint_add(engine, record->id, network, config, request->config->hostname,
				 err);
	if (r < 0)
		return r;
	fault_point(FAULT_NAMES_ENDPOINT_ADDED);
	r = plug(engine, record, &status, request, network, err);
	r = r ? r : set_intent(engine, record->id, network->id, ENDPOINT_AT_REST, key, err);
	fault_point(FAULT_NET_CONNECTED);
	if (r >= 0)
		return 0;
	(void)!settle(engine, record, &status, "", NULL);
	return r;
}

/* Both ends of a request, with the container's lock held. */
struct pair {
	struct record record;
	struct network network;
	int lock;
};

static void pair_deinit(struct pair *pair)
{
	record_deinit(&pair->record);
	network_deinit(&pair->network);
	closep(&pair->lock);
}

static int find_pair(struct engine *engine, const char *network, const char *container,
		     struct pair *pair, struct err *err)
{
	int r = network_find(engine, network, &pair->network, err);

	r = r ? r : record_find(engine->store, container, &pair->record, err);
	if (r < 0)
		return r;
	pair->lock = lifecycle_lock(engine, pair->record.id, err);
	return pair->lock < 0 ? pair->lock : 0;
}

int netjoin_connect(struct engine *engine, const Cleat__V1__ConnectNetworkRequest *request,
		    const char *key, struct err *err)
{
	static const Cleat__V1__EndpointConfig none = CLEAT__V1__ENDPOINT_CONFIG__INIT;
	cleanup(pair_deinit) struct pair pair = { .lock = -1 };
	Cleat__V1__EndpointConfig config = request->endpoint ? *request->endpoint : none;
	int r = find_pair(engine, request->network, request->container, &pair, err);

	config.network = pair.network.name;
	return r ? r : connect_locked(engine, &pair.record, &pair.network, &config, key, err);
}

static int not_connected(const struct pair *pair, struct err *err)
{
	return err_set(err, ERR_PERMISSION, "container %.12s is not connected to network %.80s",
		       pair->record.id, pair->network.name);
}

static int unplug(struct engine *engine, const struct pair *pair, const char *key, struct err *err)
{
	const char *id = pair->record.id, *network_id = pair->network.id;
	cleanup(request_freep) create_request *request = request_of(&pair->record, err);
	struct status status;
	int r;

	if (!request)
		return -EIO;
	status_read(engine, &pair->record, &status);
	r = settle(engine, &pair->record, &status, network_id, err);
	if (r)
		return r < 0 ? r : 0;
	r = set_intent(engine, id, network_id, ENDPOINT_LEAVING, key, err);
	if (r <= 0)
		return r < 0 ? r : not_connected(pair, err);
	fault_point(FAULT_NAMES_LEAVING);
	r = take_out(engine, &pair->record, &status, network_id, err);
	if (r < 0 || !status_active(&status))
		return r < 0 ? r : 0;
	history_network(engine, network_id, pair->network.name, "bridge", id, "disconnect");
	tell_others(engine, id, &pair->network);
	return joinfiles_change(engine, &pair->record, request->config, err);
}

int netjoin_disconnect(struct engine *engine, const Cleat__V1__DisconnectNetworkRequest *request,
		       const char *key, struct err *err)
{
	cleanup(pair_deinit) struct pair pair = { .lock = -1 };
	int r = find_pair(engine, request->network, request->container, &pair, err);

	return r ? r : unplug(engine, &pair, key, err);
}

void netjoin_renamed(struct engine *engine, const char *id)
{
	netnames_publish_container(engine, id);
	joinfiles_follow(engine, id);
}

int netjoin_remove(struct engine *engine, const struct network *network, const char *key,
		   struct err *err)
{
	struct err own = ERR_NULL;
	int r = network_remove(engine, network, key, &own);

	if (r < 0 && strcmp(own.reason, "NETWORK_IN_USE") == 0) {
		netjoin_sweep(engine);
		own = ERR_NULL;
		r = network_remove(engine, network, key, &own);
	}
	if (r == 0)
		history_network(engine, network->id, network->name, network->driver, "", "destroy");
	else if (err)
		*err = own;
	return r;
}
