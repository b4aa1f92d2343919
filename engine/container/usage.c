/* SPDX-License-Identifier: Apache-2.0 */
#include "usage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "fd.h"
#include "filter.h"
#include "image.h"
#include "remove.h"
#include "status.h"
#include "store/store.h"
#include "str.h"
#include "treesize.h"

int usage_upper(const struct engine *engine, const char *id, uint64_t *bytes)
{
	char path[80];

	(void)snprintf(path, sizeof(path), "%.64s/upper", id);
	int fd = openat(engine->containers_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*bytes = 0;
	return fd < 0 ? 0 : treesize(fd, bytes);
}

int usage_container(struct engine *engine, const struct record *record, uint64_t *rw,
		    uint64_t *root, struct err *err)
{
	cleanup(image_deinit) struct image image = { 0 };
	int r = usage_upper(engine, record->id, rw);

	if (r < 0)
		return err_sys(err, r, "measure container %.12s", record->id);
	r = image_find(engine, record->image_id, &image, err);
	*root = *rw + image.size_bytes;
	return r;
}

/* ---- prune */

struct prune {
	struct engine *engine;
	int64_t before_ns; /* 0 = no limit */
	Cleat__V1__Filter *const *filters;
	size_t n_filters;
	Cleat__V1__PruneContainersReply *reply;
};

static int check(struct prune *p, struct err *err)
{
	int64_t now = fd_realtime_ns();

	for (size_t i = 0; i < p->n_filters; i++) {
		const Cleat__V1__Filter *f = p->filters[i];
		bool until = !strcmp(f->key, "until");

		if (!until && strcmp(f->key, "label") != 0 && strcmp(f->key, "label!") != 0)
			return err_set(err, ERR_INVALID, "invalid filter '%s'", f->key);
		if (until &&
		    (f->n_values != 1 || str_until_ns(f->values[0], now, &p->before_ns) < 0))
			return err_set(err, ERR_INVALID, "invalid filter 'until=%s'",
				       f->n_values ? f->values[0] : "");
	}
	return 0;
}

static bool has_label(const struct filter_subject *subject, char *value)
{
	Cleat__V1__Filter label = CLEAT__V1__FILTER__INIT, *one = &label;
	char key[] = "label";

	label.key = key;
	label.values = &value;
	label.n_values = 1;
	return filter_match(&one, 1, 0, 0, subject);
}

static bool passes(const struct prune *p, const struct record *record, const struct status *status)
{
	Cleat__V1__CreateContainerRequest *made = cleat__v1__create_container_request__unpack(
		NULL, record->config_len, record->config);
	const struct filter_subject subject = { record, status, made ? made->config : NULL, NULL };
	bool yes = !record->intent[0] && !status_active(status) &&
		   (!p->before_ns || record->created_ns < p->before_ns);

	for (size_t i = 0; yes && i < p->n_filters; i++) {
		const Cleat__V1__Filter *f = p->filters[i];

		for (size_t k = 0; yes && f->key[0] == 'l' && k < f->n_values; k++)
			yes = has_label(&subject, f->values[k]) == !strcmp(f->key, "label");
	}
	if (made)
		cleat__v1__create_container_request__free_unpacked(made, NULL);
	return yes;
}

/* One that was started just now, or that somebody else removes, is left. */
static int prune_one(struct prune *p, const struct record *record, struct err *err)
{
	struct err own = ERR_NULL;
	uint64_t bytes = 0;
	int r = usage_upper(p->engine, record->id, &bytes);

	if (r < 0)
		return err_sys(err, r, "measure container %.12s", record->id);
	r = remove_container(p->engine, record->id, false, "", INTERRUPT_NONE, &own);
	if (r < 0 && own.code != ERR_PRECONDITION && own.code != ERR_NOT_FOUND) {
		*err = own;
		return r;
	}
	if (r < 0)
		return 0;
	p->reply->reclaimed_bytes += bytes;
	p->reply->ids[p->reply->n_ids] = strdup(record->id);
	return p->reply->ids[p->reply->n_ids] ? (p->reply->n_ids++, 0)
					      : err_sys(err, ENOMEM, "prune");
}

int usage_prune(struct engine *engine, const Cleat__V1__PruneContainersRequest *request,
		Cleat__V1__PruneContainersReply *reply, struct err *err)
{
	struct prune p = { .engine = engine,
			   .filters = request->filters,
			   .n_filters = request->n_filters,
			   .reply = reply };
	struct record *records = NULL;
	struct status status;
	size_t n = 0;
	int r = check(&p, err);

	r = r ? r : record_list(engine->store, &records, &n, err);
	if (r < 0)
		return r;
	reply->ids = calloc(n + 1, sizeof(*reply->ids));
	r = reply->ids ? 0 : err_sys(err, ENOMEM, "prune");
	for (size_t i = 0; r == 0 && i < n; i++) {
		status_read(engine, &records[i], &status);
		if (passes(&p, &records[i], &status))
			r = prune_one(&p, &records[i], err);
	}
	record_list_free(records, n);
	return r;
}
