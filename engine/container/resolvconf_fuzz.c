/* SPDX-License-Identifier: Apache-2.0 */
#include "resolvconf.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct resolvconf_wishes wishes = { .servers = { .n = 0 } };
	cleanup_free char *text = strndup((const char *)data, size);

	for (int kind = RESOLVCONF_HOST; text && kind <= RESOLVCONF_NAMES; kind++) {
		cleanup(buf_deinit) struct buf out = BUF_NULL;

		(void)resolvconf_has_servers(text);
		resolvconf_write(text, (enum resolvconf_kind)kind, &wishes, &out);
	}
	return 0;
}
