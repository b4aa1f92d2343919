/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a tar: what our parser takes libarchive must understand the same, and the entries must make a
 * tree and an index. */
#include "erofs.h"
#include "tardiff.h"
#include "tarparse.h"

static int plant(struct tree *tree, const char *bytes, size_t n)
{
	cleanup(tarparse_freep) struct tarparse *p = NULL;
	struct tarparse_data data;
	int r = tarparse_new(&p);

	while (r == 0 || r == TARPARSE_DATA) {
		r = tarparse_step(p, &bytes, &n, &data, NULL);
		if (r == TARPARSE_ENTRY)
			r = tree_add(tree, tarparse_entry(p), NULL);
		else if (r == TARPARSE_MORE)
			return 0;
	}
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char tag[EROFS_TAG_LEN + 1] =
		"0123456789012345678901234567890123456789012345678901234567890123";
	cleanup(buf_deinit) struct buf index = BUF_NULL;
	cleanup(tree_deinit) struct tree tree = { 0 };

	if (tardiff(data, n) && tree_init(&tree) == 0 && plant(&tree, (const char *)data, n) >= 0)
		return erofs_write(&tree, n, tag, &index, NULL) < 0 ? -1 : 0;
	return 0;
}
