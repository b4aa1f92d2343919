/* SPDX-License-Identifier: Apache-2.0 */
/* The input is a command line, its words divided by newlines. */
#include "runflags.h"

#include <stdint.h>
#include <string.h>

#include "mem.h"

enum { WORDS = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = malloc(size + 1);
	Cleat__V1__CreateContainerRequest *req = NULL;
	struct flags flags = { 0 };
	char *argv[WORDS], *rest = text, *word;
	size_t argc = 0;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	while (argc < WORDS && (word = strsep(&rest, "\n")))
		argv[argc++] = word;
	if (flags_parse(&flags, runflags_run, argc, argv, true, NULL) == 0 && flags.n_args > 0 &&
	    runflags_request(&flags, NULL, &req, NULL) == 0)
		cleat__v1__create_container_request__free_unpacked(req, NULL);
	flags_deinit(&flags);
	return 0;
}
