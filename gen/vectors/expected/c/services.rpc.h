/* generated, do not edit */
#pragma once

#include <stddef.h>

#include "rpc.h"

/* Every service, by file and name. */
extern const struct rpc_service *const cleat_test_v1_services[];
extern const size_t cleat_test_v1_n_services;

/* The entry message of every map field: on the wire a map is a repeated entry. */
extern const ProtobufCMessageDescriptor *const cleat_test_v1_map_entries[];
extern const size_t cleat_test_v1_n_map_entries;
