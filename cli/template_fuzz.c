/* SPDX-License-Identifier: Apache-2.0 */
#include "template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static json_t *value;
	cleanup(buf_deinit) struct buf out = BUF_NULL;
	cleanup_free char *text = malloc(size + 1);

	if (!value)
		value = json_loads(
			"{\"Name\":\"web\",\"State\":{\"Pid\":42},\"Names\":[\"a\",\"b\"]}", 0,
			NULL);
	if (!text)
		return 0;
	for (size_t i = 0; i < size; i++)
		text[i] = data[i] ? (char)data[i] : ' ';
	text[size] = '\0';
	(void)!template_render(text, value, size & 1, &out, NULL);
	return 0;
}
