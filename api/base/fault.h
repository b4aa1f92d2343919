/* SPDX-License-Identifier: Apache-2.0 */
/* Steps at which a test has a program die as by kill -9: CLEAT_FAULT=NAME (or NAME:N, the Nth time) in the
 * environment of its start, which the engine hands on to its workers and shims. One table, so that a test can go through
 * all of them and none is forgotten; each stands right behind the change of durable state that it is named for.
 *
 * They are in every build: what is tested is what is shipped. Without the switch a step costs the comparison of
 * a global, and each stands beside work on files that takes some thousand times as long. */
#pragma once

#include "mem.h"

#define FAULT_POINTS(X)                                                                          \
	/* pull */                                                                               \
	X(PULL_LEASE_MADE)                                                                       \
	X(PULL_PART_MADE)                                                                        \
	X(PULL_PART_GREW)                                                                        \
	X(PULL_PART_FETCHED)                                                                     \
	X(PULL_PART_VERIFIED)                                                                    \
	X(PULL_LAYER_UNPACKED)                                                                   \
	X(PULL_LAYER_SYNCED)                                                                     \
	X(PULL_DOCUMENT_WRITTEN)                                                                 \
	/* load */                                                                               \
	X(LOAD_LEASE_MADE)                                                                       \
	X(LOAD_KNOWN_WRITTEN)                                                                    \
	X(LOAD_UNPACKED)                                                                         \
	X(LOAD_SYNCED)                                                                           \
	/* commit and import */                                                                  \
	X(COMMIT_LEASE_MADE)                                                                     \
	X(COMMIT_PACKED)                                                                         \
	X(COMMIT_SYNCED)                                                                         \
	/* an image becomes visible: pull, load, commit; the layers and blobs of a build, too */ \
	X(BLOB_MOVED)                                                                            \
	X(LAYER_DESCRIBED)                                                                       \
	X(LAYER_MOVED)                                                                           \
	X(LAYER_SYNCED)                                                                          \
	X(PUBLISH_BLOBS_SYNCED)                                                                  \
	X(PUBLISH_IMAGE_INSERTED)                                                                \
	X(PUBLISH_BLOB_INSERTED)                                                                 \
	X(PUBLISH_ROWS_WRITTEN)                                                                  \
	X(PUBLISH_COMMITTED)                                                                     \
	X(PUBLISH_PART_DROPPED)                                                                  \
	/* build */                                                                              \
	X(BUILD_LEASE_MADE)                                                                      \
	X(BUILD_CONTEXT_UNPACKED)                                                                \
	X(BUILD_STAGE_RECORDED)                                                                  \
	X(BUILD_SCRATCH_MADE)                                                                    \
	X(BUILD_CONTAINER_MADE)                                                                  \
	X(BUILD_CONTAINER_ENDED)                                                                 \
	X(BUILD_LAYER_PACKED)                                                                    \
	X(BUILD_BLOB_RECORDED)                                                                   \
	X(BUILD_CACHE_RECORDED)                                                                  \
	X(BUILD_LAYERS_SYNCED)                                                                   \
	X(BUILD_CACHE_SETTLED)                                                                   \
	X(BUILD_IMAGE_INSERTED)                                                                  \
	X(BUILD_IMAGE_COMMITTED)                                                                 \
	X(BUILD_STAGES_DROPPED)                                                                  \
	/* update of a container */                                                              \
	X(UPDATE_CONFIG_WRITTEN)                                                                 \
	X(UPDATE_LIMITS_WRITTEN)                                                                 \
	X(UPDATE_RECORDED)                                                                       \
	/* rmi and the prunes */                                                                 \
	X(REMOVE_LEASE_MADE)                                                                     \
	X(REMOVE_UNTAGGED)                                                                       \
	X(REMOVE_ROW_DELETED)                                                                    \
	X(REMOVE_COMMITTED)                                                                      \
	X(REMOVE_LAYER_MOVED)                                                                    \
	X(REMOVE_BLOB_FORGOTTEN)                                                                 \
	X(REMOVE_BLOB_MOVED)                                                                     \
	X(REMOVE_LEASE_LEFT)                                                                     \
	X(REMOVE_FILES_GONE)                                                                     \
	X(CACHE_ROWS_DELETED)                                                                    \
	X(CACHE_LAYERS_SWEPT)                                                                    \
	/* the sweep at an engine's start */                                                     \
	X(SWEEP_LEASES_GONE)                                                                     \
	X(SWEEP_BUILDS_FORGOTTEN)                                                                \
	X(SWEEP_LAYERS_GONE)                                                                     \
	X(SWEEP_BLOBS_GONE)                                                                      \
	/* a bridge */                                                                           \
	X(NET_BRIDGE_MADE)                                                                       \
	X(NET_RULES_MADE)                                                                        \
	X(NET_MARKED)                                                                            \
	X(NET_BRIDGE_GONE)                                                                       \
	X(NET_RULES_GONE)                                                                        \
	/* the network of a start */                                                             \
	X(NET_START_RECORDED)                                                                    \
	X(NET_CABLE_MADE)                                                                        \
	X(NET_START_PLUGGED)                                                                     \
	X(NET_START_PUBLISHED)                                                                   \
	X(NET_START_ASKED)                                                                       \
	/* a user namespace: create and start */                                                 \
	X(USERNS_IDS_TAKEN)                                                                      \
	X(USERNS_PROCESS_MADE)                                                                   \
	X(USERNS_MAPPED)                                                                         \
	/* connect and disconnect */                                                             \
	X(NET_CONNECT_RECORDED)                                                                  \
	X(NET_CONNECT_ROUTED)                                                                    \
	X(NET_CONNECTED)                                                                         \
	X(NET_UNPLUGGED)                                                                         \
	X(NET_UNPLUG_ROUTED)                                                                     \
	/* the end of a container */                                                             \
	X(NET_PORTS_WITHDRAWN)                                                                   \
	X(NET_PORTS_FORGOTTEN)                                                                   \
	X(NET_LEASES_GONE)                                                                       \
	X(NET_SHIM_GONE)                                                                         \
	X(NET_CONTAINER_FORGOTTEN)                                                               \
	/* a shim */                                                                             \
	X(SHIM_NETNS_TAKEN)                                                                      \
	X(SHIM_LAUNCHED)                                                                         \
	X(SHIM_RUNTIME_DONE)                                                                     \
	X(SHIM_STARTED)                                                                          \
	X(SHIM_NETNS_LEFT)                                                                       \
	X(SHIM_END_TOLD)                                                                         \
	/* names in networks: start, end, rename, connect, disconnect */                         \
	X(NAMES_LEASED)                                                                          \
	X(NAMES_HOSTS_WRITTEN)                                                                   \
	X(NAMES_RESOLV_WRITTEN)                                                                  \
	X(NAMES_SPEC_WRITTEN)                                                                    \
	X(NAMES_SHIM_TOLD)                                                                       \
	X(NAMES_PUBLISHED)                                                                       \
	X(NAMES_ENDPOINT_ADDED)                                                                  \
	X(NAMES_PLUGGED)                                                                         \
	X(NAMES_RENAMED)                                                                         \
	X(NAMES_LEAVING)                                                                         \
	X(NAMES_UNPLUGGED)                                                                       \
	X(NAMES_ENDPOINT_REMOVED)                                                                \
	X(NAMES_RELEASED)                                                                        \
	/* a worker */                                                                           \
	X(WORKER_LAYER_BEGUN)                                                                    \
	X(WORKER_LAYER_GREW)                                                                     \
	X(WORKER_TAR_WRITTEN)                                                                    \
	X(WORKER_INDEX_WRITTEN)                                                                  \
	X(WORKER_RECORD_WRITTEN)                                                                 \
	X(WORKER_LAYER_KEPT)                                                                     \
	X(WORKER_BLOB_KEPT)                                                                      \
	X(WORKER_DOCUMENT_WRITTEN)                                                               \
	X(WORKER_TREE_UNPACKED)                                                                  \
	X(WORKER_PACK_BEGUN)                                                                     \
	X(WORKER_PACK_ENDED)

enum fault {
#define FAULT_NAME(name) FAULT_##name,
	FAULT_POINTS(FAULT_NAME)
#undef FAULT_NAME
		N_FAULTS /* none */
};

/* Private to fault_point(). */
extern enum fault fault_armed;
void fault_hit(void);

/* Reads the switch; before any thread. -EINVAL when it names no step. */
int fault_setup(void) must_check;
/* The switch for a child's environment, "CLEAT_FAULT=..."; NULL when it is not set. */
char *fault_environment(void);

/* Does not return where the switch says so. Never blocks. */
static inline void fault_point(enum fault fault)
{
	if (fault == fault_armed)
		fault_hit();
}
