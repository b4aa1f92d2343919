/* generated, do not edit */
#include "services.rpc.h"

#include "small.pb-c.h"
#include "small.rpc.h"

const struct rpc_service *const cleat_test_v1_services[] = {
	&cleat_test_v1_another,
	&cleat_test_v1_echo,
	NULL,
};
const size_t cleat_test_v1_n_services = 2;

const ProtobufCMessageDescriptor *const cleat_test_v1_map_entries[] = {
	&cleat__test__v1__text__counts_entry__descriptor,
	&cleat__test__v1__text__inners_entry__descriptor,
	NULL,
};
const size_t cleat_test_v1_n_map_entries = 2;
