/* SPDX-License-Identifier: Apache-2.0 */
/* A claim is made under the lock of the directories, so that no removal comes between a volume and the row that
 * says who has it. */
#include <errno.h>
#include <string.h>

#include "engine.h"
#include "store/store.h"
#include "str.h"
#include "volume.h"
#include "volumecheck.h"

/* The request that a mount stands for. Entries are borrowed from the mount, the rest is owned. */
struct wish {
	Cleat__V1__CreateVolumeRequest request;
	Cleat__V1__CreateVolumeRequest__OptionsEntry *options;
	Cleat__V1__CreateVolumeRequest__LabelsEntry *labels;
};

static void wish_deinit(struct wish *w)
{
	free(w->request.options);
	free(w->request.labels);
	free(w->options);
	free(w->labels);
}

static int wish_init(struct wish *w, const Cleat__V1__Mount *m)
{
	*w = (struct wish){ .request = CLEAT__V1__CREATE_VOLUME_REQUEST__INIT };
	w->request.name = m->source;
	w->request.driver = m->driver;
	w->options = calloc(m->n_driver_options + 1, sizeof(*w->options));
	w->labels = calloc(m->n_labels + 1, sizeof(*w->labels));
	w->request.options = calloc(m->n_driver_options + 1, sizeof(*w->request.options));
	w->request.labels = calloc(m->n_labels + 1, sizeof(*w->request.labels));
	if (!w->options || !w->labels || !w->request.options || !w->request.labels)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_driver_options; i++) {
		cleat__v1__create_volume_request__options_entry__init(&w->options[i]);
		w->options[i].key = m->driver_options[i]->key;
		w->options[i].value = m->driver_options[i]->value;
		w->request.options[w->request.n_options++] = &w->options[i];
	}
	for (size_t i = 0; i < m->n_labels; i++) {
		cleat__v1__create_volume_request__labels_entry__init(&w->labels[i]);
		w->labels[i].key = m->labels[i]->key;
		w->labels[i].value = m->labels[i]->value;
		w->request.labels[w->request.n_labels++] = &w->labels[i];
	}
	return 0;
}

/* `own`: it goes with the container, as it went with the one it was inherited from. */
static int record_use(struct engine *engine, const char *container_id,
		      const struct volume_claim *claim, struct err *err)
{
	int r = store_run(engine->store, err,
			  "INSERT INTO volume_uses(volume, container_id, own) VALUES(?1, ?2, "
			  "CASE WHEN ?3 THEN EXISTS(SELECT 1 FROM volume_uses WHERE volume = ?1 "
			  "AND own = 1) ELSE ?4 END) ON CONFLICT DO NOTHING",
			  "ssii", claim->mount->source, container_id, (int64_t)claim->inherited,
			  (int64_t)claim->anonymous);

	return r < 0 ? r : 0;
}

static int claim_one(struct engine *engine, const char *container_id, struct volume_claim *claim,
		     struct err *err)
{
	cleanup(volume_deinit) struct volume volume = { 0 };
	cleanup(wish_deinit) struct wish wish;
	int r = wish_init(&wish, claim->mount) < 0 ? err_sys(err, ENOMEM, "create a volume")
						   : volumecheck(&wish.request, err);

	r = r ? r
	      : volume_create_locked(engine, &wish.request, claim->anonymous, &volume, &claim->made,
				     err);
	return r ? r : record_use(engine, container_id, claim, err);
}

int volume_claim(struct engine *engine, const char *container_id, struct volume_claim *claims,
		 size_t n, struct err *err)
{
	cleanup_fd int lock = n ? volumedir_lock(engine, err) : -1;
	int r = n && lock < 0 ? lock : 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = claim_one(engine, container_id, &claims[i], err);
	return r;
}

static int read_name(const struct store_row *row, void *ctx)
{
	return volume_names_add(ctx, store_text(row, 0));
}

int volume_release(struct engine *engine, const char *container_id, struct volume_names *gone,
		   struct err *err)
{
	int r = store_query(engine->store, err, read_name, gone,
			    "SELECT volume FROM volume_uses AS mine WHERE container_id = ?1 AND "
			    "own = 1 AND NOT EXISTS(SELECT 1 FROM volume_uses WHERE volume = "
			    "mine.volume AND container_id <> ?1)",
			    "s", container_id);

	for (size_t i = 0; r >= 0 && i < gone->n; i++) {
		r = store_run(engine->store, err, "DELETE FROM volume_uses WHERE volume = ?", "s",
			      gone->v[i]);
		if (r >= 0)
			r = store_run(engine->store, err, "DELETE FROM volumes WHERE name = ?", "s",
				      gone->v[i]);
	}
	return r < 0 ? r : 0;
}

void volume_discard(struct engine *engine, const char *name)
{
	cleanup_fd int lock = volumedir_lock(engine, NULL);

	/* without the lock the next sweep finds it */
	if (lock >= 0)
		volumedir_discard(engine, name);
}
