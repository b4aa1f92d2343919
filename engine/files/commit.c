/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "changes.h"
#include "child.h"
#include "commit.h"
#include "fault.h"
#include "fd.h"
#include "files.h"
#include "files_part.h"
#include "heldpause.h"
#include "history.h"
#include "image.h"
#include "reference.h"
#include "str.h"

struct commit {
	struct engine *engine;
	const Cleat__V1__CommitRequest *request;
	struct record record;
	struct image parent;
	Cleat__V1__CreateContainerRequest *made; /* the container's own request */
	json_t *config;
};

static void commit_deinit(struct commit *c)
{
	record_deinit(&c->record);
	image_deinit(&c->parent);
	if (c->made)
		cleat__v1__create_container_request__free_unpacked(c->made, NULL);
	json_decref(c->config);
}

static int find(struct commit *c, struct err *err)
{
	int r = files_find(c->engine, c->request->container, &c->record, err);

	r = r ? r : image_find(c->engine, c->record.image_id, &c->parent, err);
	if (r < 0)
		return r;
	c->made = cleat__v1__create_container_request__unpack(NULL, c->record.config_len,
							      c->record.config);
	return c->made && c->made->config
		       ? 0
		       : err_set(err, ERR_DATA_LOSS,
				 "the configuration of container %.12s cannot be read",
				 c->record.id);
}

static int build_config(struct commit *c, struct err *err)
{
	c->config = child_inherited(c->parent.config_json, c->parent.config_len);
	if (!c->config)
		return err_sys(err, ENOMEM, "commit");
	if (dockerconfig_fill(c->config, c->made->config) < 0 ||
	    (c->request->config && dockerconfig_replace(c->config, c->request->config) < 0))
		return err_set(err, ERR_INVALID,
			       "the configuration of container %.12s is not valid UTF-8",
			       c->record.id);
	return changes_apply(c->config, c->request->changes, c->request->n_changes, err);
}

/* As dockerd's: the command without its entrypoint, words as they are. Owned. */
static char *created_by(const struct commit *c)
{
	const Cleat__V1__StringList *command = c->made->config->command;
	struct buf text = BUF_NULL;

	for (size_t i = 0; command && i < command->n_values; i++)
		buf_printf(&text, "%s%s", i ? " " : "", command->values[i]);
	return buf_steal(&text);
}

static int make(struct commit *c, const struct lease *lease, const struct image_layer *layer,
		char id[72], struct err *err)
{
	cleanup_free char *command = created_by(c);
	const struct image_new n = {
		.parent = &c->parent,
		.layer = layer,
		.config = c->config,
		.author = c->request->author,
		.comment = c->request->comment,
		.created_by = str_or_empty(command),
		.created_ns = fd_realtime_ns(),
		.reference = c->request->reference,
	};
	cleanup(record_deinit) struct record now = { 0 };
	/* a removal meanwhile may have taken files away while they were read */
	int r = files_find(c->engine, c->record.id, &now, err);

	return r ? r : image_make(c->engine, lease, &n, id, err);
}

static int pack(struct commit *c, const struct lease *lease, struct image_layer *layer,
		struct err *err)
{
	cleanup_fd int upper = files_upper(c->engine, &c->record, err);
	int held = upper < 0 ? upper : -ENOENT;

	if (upper >= 0 && !c->request->no_pause)
		held = heldpause_begin(c->engine, &c->record, err);
	if (held < 0 && (upper < 0 || held != -ENOENT))
		return held;
	int r = image_pack_layer(c->engine, lease, upper, layer, err);

	if (held >= 0)
		heldpause_end(c->engine, &c->record, held);
	return r;
}

static void tell(const struct commit *c, const char *reference, const char *id)
{
	struct reference ref;
	char full[REFERENCE_MAX], shown[REFERENCE_MAX] = "";
	const struct history_detail details[] = { { "comment", str_or_empty(c->request->comment) },
						  { "imageID", id },
						  { "imageRef", shown },
						  { NULL, NULL } };

	if (reference[0] && reference_parse(reference, &ref, NULL) == 0) {
		reference_full(&ref, full);
		reference_familiar(full, shown);
		history_tagged(c->engine, id, reference);
	}
	history_action(c->engine, &c->record, "commit", details);
}

int files_commit(struct engine *engine, const Cleat__V1__CommitRequest *request, char id[72],
		 struct err *err)
{
	cleanup(commit_deinit) struct commit c = { .engine = engine, .request = request };
	cleanup(lease_deinit) struct lease lease = LEASE_NULL;
	const char *reference = str_or_empty(request->reference);
	struct image_layer layer;
	int r = reference[0] ? image_check_tag(reference, err) : 0;

	r = r ? r : find(&c, err);
	r = r ? r : build_config(&c, err);
	r = r ? r : lease_open(&lease, engine->state_fd, err);
	fault_point(FAULT_COMMIT_LEASE_MADE);
	r = r ? r : pack(&c, &lease, &layer, err);
	fault_point(FAULT_COMMIT_PACKED);
	r = r ? r : make(&c, &lease, &layer, id, err);
	if (r == 0)
		tell(&c, reference, id);
	return r;
}
