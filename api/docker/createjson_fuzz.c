/* SPDX-License-Identifier: Apache-2.0 */
#include "createjson.h"
#include "networkjson.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *body = json_loadb((const char *)data, size, 0, NULL);
	Cleat__V1__CreateContainerRequest *request = NULL;
	Cleat__V1__UpdateContainerRequest *update = NULL;
	Cleat__V1__CreateExecRequest *exec = NULL;
	Cleat__V1__CreateNetworkRequest *network = NULL;

	if (!json_is_object(body)) {
		json_decref(body);
		return 0;
	}
	if (createjson_parse(body, "name", &request, NULL) == 0)
		cleat__v1__create_container_request__free_unpacked(request, NULL);
	if (createjson_parse_update(body, "name", &update, NULL) == 0)
		cleat__v1__update_container_request__free_unpacked(update, NULL);
	if (networkjson_parse(body, &network, NULL) == 0)
		cleat__v1__create_network_request__free_unpacked(network, NULL);
	if (createjson_parse_exec(body, "name", &exec, NULL) == 0)
		cleat__v1__create_exec_request__free_unpacked(exec, NULL);
	json_decref(body);
	return 0;
}
