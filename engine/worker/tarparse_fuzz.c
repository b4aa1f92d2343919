/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a tar: what our parser takes libarchive must understand the same, and the entries must make a
 * tree and an index. */
#include "erofs.h"
#include "tardiff.h"
#include "tarparse.h"

static int add(void *ctx, const struct tarparse_entry *entry, struct err *err)
{
	return tree_add(ctx, entry, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char tag[EROFS_TAG_LEN + 1] =
		"0123456789012345678901234567890123456789012345678901234567890123";
	cleanup(tarparse_freep) struct tarparse *p = NULL;
	cleanup(buf_deinit) struct buf index = BUF_NULL;
	cleanup(tree_deinit) struct tree tree = { 0 };

	if (tardiff(data, n) && tree_init(&tree) == 0 && tarparse_new(&p, add, &tree) == 0 &&
	    tarparse_feed(p, data, n, NULL) == 0)
		return erofs_write(&tree, n, tag, &index, NULL) < 0 ? -1 : 0;
	return 0;
}
