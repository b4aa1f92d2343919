/* SPDX-License-Identifier: Apache-2.0 */
#include "start.h"

#include "log.h"
#include "record.h"
#include "remove.h"

int start_container(struct engine *engine, const char *reference, const char *key, bool *already,
		    struct err *err)
{
	cleanup(record_deinit) struct record record = { 0 };
	struct err later = ERR_NULL;
	int r = lifecycle_start(engine, reference, key, already, err);

	if (r == 0 || record_find(engine->store, reference, &record, NULL) < 0)
		return r;
	/* A supervisor that just ends, for the engine it had is gone: the client comes again. */
	if (err && err->code == ERR_UNAVAILABLE)
		return r;
	/* One that runs all the same is refused without force, and stays. */
	if (record.auto_remove && !record.intent[0] &&
	    remove_container(engine, record.id, false, "", INTERRUPT_NONE, &later) < 0)
		log_warn("not removed after a failed start id=%.12s: %s", record.id, later.message);
	return r;
}
