/* SPDX-License-Identifier: Apache-2.0 */
#include "emit.h"

int emit_python(struct model *m, struct emit_files *out)
{
	(void)out;
	return model_fail(m, NULL, 0, "python comes next");
}
