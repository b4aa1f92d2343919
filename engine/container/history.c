/* SPDX-License-Identifier: Apache-2.0 */
/* Under the journal's lock an event of a shim is compared with the number of the last recorded one (a
 * column of the container's row), appended, and then the column is advanced: a shim that replays its
 * journal to a new engine, or to two at once, has each event recorded once. A kill between the last two
 * steps leaves one event that is in the journal but not in the row; it is the journal's last, and
 * history_open() completes it. */
#include "history.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cleat/v1/exec.pb-c.h"
#include "eventmsg.h"
#include "execrecord.h"
#include "fd.h"
#include "healthcheck.h"
#include "journal.h"
#include "log.h"
#include "mountlist.h"
#include "probekeep.h"
#include "reference.h"
#include "request.h"
#include "status.h"
#include "str.h"
#include "watch.h"

enum { JOURNAL_MAX_BYTES = 16 << 20 };

static const char *const actions[] = {
	[CLEAT__SHIM__V1__EVENT_KIND__EVENT_STARTED] = "start",
	[CLEAT__SHIM__V1__EVENT_KIND__EVENT_EXITED] = "die",
	[CLEAT__SHIM__V1__EVENT_KIND__EVENT_PAUSED] = "pause",
	[CLEAT__SHIM__V1__EVENT_KIND__EVENT_RESUMED] = "unpause",
	[CLEAT__SHIM__V1__EVENT_KIND__EVENT_EXEC_STARTED] = "exec_start",
	[CLEAT__SHIM__V1__EVENT_KIND__EVENT_EXEC_EXITED] = "exec_die",
	[CLEAT__SHIM__V1__EVENT_KIND__EVENT_OOM] = "oom",
	[CLEAT__SHIM__V1__EVENT_KIND__EVENT_START_FAILED] = "start_failed",
	[CLEAT__SHIM__V1__EVENT_KIND__EVENT_KILLED] = "kill",
	[CLEAT__SHIM__V1__EVENT_KIND__EVENT_EXEC_CREATED] = "exec_create",
	[CLEAT__SHIM__V1__EVENT_KIND__EVENT_HEALTH] = "health_status: ",
};

/* The rows of execs follow their shim's events: before anybody can read of those, or take an exec that ended for one
 * that never came to run. Again after a kill in between. */
static void record_exec(struct engine *engine, const char *id,
			const Cleat__Shim__V1__ShimEvent *event)
{
	struct err err = ERR_NULL;
	int r = 0;

	if (event->probe)
		return; /* those have none */
	if (event->kind == CLEAT__SHIM__V1__EVENT_KIND__EVENT_EXEC_STARTED)
		r = execrecord_set_pid(engine->store, event->exec_id, event->pid, &err);
	else if (event->kind == CLEAT__SHIM__V1__EVENT_KIND__EVENT_EXEC_EXITED)
		r = execrecord_set_ended(engine->store, event->exec_id, event->exit_code, &err);
	else if (event->kind == CLEAT__SHIM__V1__EVENT_KIND__EVENT_EXITED)
		r = execrecord_end_all(engine->store, id, &err);
	if (r < 0)
		log_error("cannot record an exec id=%.12s: %s", id, err.message);
}

/* A health check's command is the container's. */
static void add_check_command(const struct record *record, struct buf *text)
{
	cleanup(request_freep) create_request *request = request_of(record, NULL);
	cleanup_free char **words = NULL;
	size_t n = 0;

	if (request && healthcheck_command(request->config, &words, &n) == 0 && n)
		eventmsg_command(text, words, n);
}

/* An exec's start with its command; others by the table. */
static char *action_text(struct engine *engine, const struct record *record,
			 const Cleat__Shim__V1__ShimEvent *event)
{
	cleanup(execrecord_deinit) struct execrecord exec = { 0 };
	Cleat__V1__CreateExecRequest *request = NULL;
	struct buf text = BUF_NULL;

	buf_puts(&text, actions[event->kind]);
	if (event->kind == CLEAT__SHIM__V1__EVENT_KIND__EVENT_HEALTH)
		buf_puts(&text, status_health_word((Cleat__V1__HealthStatus)event->health));
	if (event->probe && event->kind != CLEAT__SHIM__V1__EVENT_KIND__EVENT_EXEC_EXITED)
		add_check_command(record, &text);
	else if (event->kind == CLEAT__SHIM__V1__EVENT_KIND__EVENT_EXEC_STARTED &&
		 execrecord_find(engine->store, event->exec_id, &exec, NULL) == 0)
		request =
			cleat__v1__create_exec_request__unpack(NULL, exec.config_len, exec.config);
	if (request)
		eventmsg_command(&text, request->command, request->n_command);
	if (request)
		cleat__v1__create_exec_request__free_unpacked(request, NULL);
	return buf_steal(&text);
}

static void add_details(struct eventmsg *msg, const Cleat__Shim__V1__ShimEvent *event)
{
	char number[16];

	if (event->exec_id[0])
		eventmsg_add(msg, "execID", event->exec_id);
	if (event->kind == CLEAT__SHIM__V1__EVENT_KIND__EVENT_EXITED ||
	    event->kind == CLEAT__SHIM__V1__EVENT_KIND__EVENT_EXEC_EXITED) {
		(void)snprintf(number, sizeof(number), "%d", event->exit_code);
		eventmsg_add(msg, "exitCode", number);
	}
	if (event->kind == CLEAT__SHIM__V1__EVENT_KIND__EVENT_KILLED) {
		(void)snprintf(number, sizeof(number), "%d", event->signal);
		eventmsg_add(msg, "signal", number);
	}
	if (event->error[0])
		eventmsg_add(msg, "error", event->error);
}

/* A volume that the container has from now on, or no longer. */
static int append_mount(struct engine *engine, const struct record *record,
			const Cleat__V1__Mount *m, const Cleat__Shim__V1__ShimEvent *event)
{
	bool mounted = event->kind == CLEAT__SHIM__V1__EVENT_KIND__EVENT_STARTED;
	cleanup(eventmsg_deinit) struct eventmsg msg = EVENTMSG_NULL;

	eventmsg_volume(&msg, m->source, mounted ? "mount" : "unmount", event->time_ns);
	eventmsg_add(&msg, "container", record->id);
	if (mounted) {
		eventmsg_add(&msg, "destination", m->target);
		eventmsg_add(&msg, "read/write", m->read_only ? "false" : "true");
		eventmsg_add(&msg, "propagation", "");
	}
	return msg.error ? msg.error : journal_append(engine->journal, &msg.event, 0);
}

static int append_mounts(struct engine *engine, const struct record *record,
			 const Cleat__Shim__V1__ShimEvent *event)
{
	cleanup(mountlist_freep) Cleat__V1__ContainerConfig *list =
		record->mounts_len ? mountlist_read(record) : NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && list && i < list->n_mounts; i++)
		if (mountlist_is_volume(list->mounts[i]))
			r = append_mount(engine, record, list->mounts[i], event);
	return r;
}

static int append_shim_event(struct engine *engine, const struct record *record,
			     const Cleat__Shim__V1__ShimEvent *event)
{
	cleanup_free char *action = action_text(engine, record, event);
	cleanup(eventmsg_deinit) struct eventmsg msg = EVENTMSG_NULL;

	if (!action)
		return -ENOMEM;
	eventmsg_container(&msg, record, action, event->time_ns);
	add_details(&msg, event);
	if (msg.error || msg.internal)
		return msg.error;
	return journal_append(engine->journal, &msg.event, event->seq);
}

/* As with Docker volumes are mounted before the start and let go after the end. */
static int append_all(struct engine *engine, const struct record *record,
		      const Cleat__Shim__V1__ShimEvent *event)
{
	bool start = event->kind == CLEAT__SHIM__V1__EVENT_KIND__EVENT_STARTED;
	bool end = event->kind == CLEAT__SHIM__V1__EVENT_KIND__EVENT_EXITED;
	int r = start ? append_mounts(engine, record, event) : 0;

	r = r ? r : append_shim_event(engine, record, event);
	return r == 0 && end ? append_mounts(engine, record, event) : r;
}

/* 1 = it is new and recorded, 0 = it was recorded before, -errno. With the journal locked. */
static int record_locked(struct engine *engine, const char *id,
			 const Cleat__Shim__V1__ShimEvent *event, struct err *err)
{
	cleanup(record_deinit) struct record record = { 0 };
	int r = record_find(engine->store, id, &record, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if ((int64_t)event->seq <= record.last_seq)
		return 0;
	record_exec(engine, id, event);
	if ((size_t)event->kind < ARRAY_LEN(actions) && actions[event->kind]) {
		r = append_all(engine, &record, event);
		if (r < 0)
			log_error("cannot write an event to the journal id=%.12s: %s", id,
				  strerror(-r));
	}
	return record_advance(engine->store, id, (int64_t)event->seq, err);
}

int history_shim_event(struct engine *engine, const char *id,
		       const Cleat__Shim__V1__ShimEvent *event)
{
	struct err err = ERR_NULL;
	int r;

	/* before anybody can read of it */
	probekeep_take(engine->probekeep, id, event);
	r = journal_lock(engine->journal);
	if (r == 0) {
		r = record_locked(engine, id, event, &err);
		journal_unlock(engine->journal);
	}
	if (r < 0)
		log_error("cannot record an event id=%.12s: %s", id, err.message);
	watch_notify(id);
	return r;
}

/* The shim's journal: u32 length (little endian) and a ShimEvent, again and again; a torn
 * end is no event. */
void history_settle(struct engine *engine, const char *id)
{
	cleanup(buf_deinit) struct buf bytes = BUF_NULL;
	char path[80];
	size_t at = 0;

	(void)snprintf(path, sizeof(path), "%.64s/journal", id);
	if (fd_read_file(engine->containers_fd, path, JOURNAL_MAX_BYTES, &bytes) < 0)
		return;
	while (bytes.len - at >= 4) {
		const uint8_t *head = (const uint8_t *)bytes.data + at;
		size_t len = (size_t)head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 |
			     (size_t)head[3] << 24;
		Cleat__Shim__V1__ShimEvent *event;

		if (len > bytes.len - at - 4)
			return;
		event = cleat__shim__v1__shim_event__unpack(NULL, len, head + 4);
		if (!event)
			return;
		(void)history_shim_event(engine, id, event);
		cleat__shim__v1__shim_event__free_unpacked(event, NULL);
		at += 4 + len;
	}
}

static int append_own(struct engine *engine, struct eventmsg *msg)
{
	int r = msg->internal ? 0 : journal_lock(engine->journal);

	if (r < 0 || msg->internal)
		return r;
	r = msg->error ? msg->error : journal_append(engine->journal, &msg->event, 0);
	journal_unlock(engine->journal);
	return r;
}

static void append_or_log(struct engine *engine, struct eventmsg *msg)
{
	int r = append_own(engine, msg);

	if (r < 0)
		log_error("cannot write an event to the journal %s=%s: %s", msg->event.type,
			  msg->event.actor_id, strerror(-r));
}

void history_action(struct engine *engine, const struct record *record, const char *action,
		    const struct history_detail *details)
{
	cleanup(eventmsg_deinit) struct eventmsg msg = EVENTMSG_NULL;

	eventmsg_container(&msg, record, action, fd_realtime_ns());
	for (; details && details->key; details++)
		eventmsg_add(&msg, details->key, str_or_empty(details->value));
	append_or_log(engine, &msg);
	watch_notify(record->id);
}

void history_resized(struct engine *engine, const char *name, uint32_t rows, uint32_t columns)
{
	cleanup(record_deinit) struct record record = { 0 };
	char height[12], width[12];
	const struct history_detail details[] = { { "height", height },
						  { "width", width },
						  { NULL, NULL } };

	(void)snprintf(height, sizeof(height), "%" PRIu32, rows);
	(void)snprintf(width, sizeof(width), "%" PRIu32, columns);
	if (record_find(engine->store, name, &record, NULL) == 0)
		history_action(engine, &record, "resize", details);
}

void history_action_of(struct engine *engine, const char *name, const char *action)
{
	cleanup(record_deinit) struct record record = { 0 };

	if (record_find(engine->store, name, &record, NULL) == 0)
		history_action(engine, &record, action, NULL);
}

/* ---- images and prunes */

static void tell_image(struct engine *engine, const char *actor, const char *name,
		       const char *action, const struct image *image)
{
	cleanup(eventmsg_deinit) struct eventmsg msg = EVENTMSG_NULL;

	eventmsg_begin(&msg, "image", actor, action, fd_realtime_ns());
	eventmsg_add(&msg, "name", name);
	for (size_t i = 0; i + 1 < image->config.labels.n; i += 2)
		eventmsg_add(&msg, image->config.labels.v[i], image->config.labels.v[i + 1]);
	append_or_log(engine, &msg);
}

/* `key` finds the image whose labels the event has. */
static void tell_found(struct engine *engine, const char *key, const char *actor, const char *name,
		       const char *action)
{
	cleanup(image_deinit) struct image image = { 0 };

	(void)!image_find(engine, key, &image, NULL);
	tell_image(engine, actor, name, action, &image);
}

void history_image(struct engine *engine, const struct image *image, const char *action)
{
	tell_image(engine, image->id, image->id, action, image);
}

void history_image_id(struct engine *engine, const char *id, const char *action)
{
	tell_found(engine, id, id, id, action);
}

void history_tagged(struct engine *engine, const char *id, const char *reference)
{
	char full[REFERENCE_MAX], name[REFERENCE_MAX];
	struct reference ref;

	if (reference_parse(reference, &ref, NULL) < 0)
		return;
	reference_full(&ref, full);
	reference_familiar(full, name);
	tell_found(engine, id, id, name, "tag");
}

void history_transfer(struct engine *engine, const char *full, const char *action)
{
	char shown[REFERENCE_MAX], name[REFERENCE_MAX];

	reference_familiar(full, shown);
	reference_repository(shown, name);
	tell_found(engine, full, shown, name, action);
}

void history_pruned(struct engine *engine, const char *type, uint64_t reclaimed_bytes)
{
	cleanup(eventmsg_deinit) struct eventmsg msg = EVENTMSG_NULL;
	char bytes[24];

	(void)snprintf(bytes, sizeof(bytes), "%" PRIu64, reclaimed_bytes);
	eventmsg_begin(&msg, type, "", "prune", fd_realtime_ns());
	eventmsg_add(&msg, "reclaimed", bytes);
	append_or_log(engine, &msg);
}

void history_volume(struct engine *engine, const char *name, const char *action)
{
	cleanup(eventmsg_deinit) struct eventmsg msg = EVENTMSG_NULL;

	eventmsg_volume(&msg, name, action, fd_realtime_ns());
	append_or_log(engine, &msg);
}

void history_network(struct engine *engine, const char *id, const char *name, const char *type,
		     const char *container, const char *action)
{
	cleanup(eventmsg_deinit) struct eventmsg msg = EVENTMSG_NULL;
	int r;

	eventmsg_network(&msg, id, name, type, container, action, fd_realtime_ns());
	r = append_own(engine, &msg);
	if (r < 0)
		log_error("cannot write an event to the journal network=%.12s: %s", id,
			  strerror(-r));
}

int history_open(struct engine *engine, struct err *err)
{
	Cleat__V1__Event *last = NULL;
	uint64_t origin = 0;
	int r = journal_open(&engine->journal, engine->state_fd, engine->config.events_max_bytes,
			     err);

	if (r < 0)
		return r;
	r = journal_lock(engine->journal);
	if (r < 0)
		return err_sys(err, r, "lock the event journal");
	r = journal_last(engine->journal, &origin, &last);
	if (r < 0)
		log_error("the event journal cannot be read: %s", strerror(-r));
	if (last && origin)
		(void)!record_advance(engine->store, last->actor_id, (int64_t)origin, NULL);
	if (last)
		cleat__v1__event__free_unpacked(last, NULL);
	journal_unlock(engine->journal);
	return 0;
}
