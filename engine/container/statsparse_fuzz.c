/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "statsparse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	Cleat__V1__StatsSample *sample = malloc(sizeof(*sample));

	cleat__v1__stats_sample__init(sample);
	sample->pids = statsparse_number(text);
	sample->cpu_total_ns = statsparse_key(text, "usage_usec");
	if (statsparse_memory(text, sample) || statsparse_per_cpu(text, sample) ||
	    statsparse_blkio(text, false, sample) || statsparse_blkio(text, true, sample) ||
	    statsparse_io(text, sample) || statsparse_network(text, sample))
		abort();
	cleat__v1__stats_sample__free_unpacked(sample, NULL);
	free(text);
	return 0;
}
