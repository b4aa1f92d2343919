/* SPDX-License-Identifier: Apache-2.0 */
/* What a container finds others by: its hosts and resolv.conf, and what its name server is told. All functions block on
 * the store and on files; the caller holds the container's lock where one is given. */
#pragma once

#include "cleat/v1/config.pb-c.h"
#include "endpoint.h"
#include "engine.h"
#include "err.h"
#include "mem.h"
#include "record.h"

/* Before a start, with the container's networks and the addresses it has got there. */
int joinfiles_start(struct engine *engine, const struct record *record,
		    const Cleat__V1__ContainerConfig *config, const struct endpoints *endpoints,
		    struct err *err) must_check;
/* After a change of the networks of one that runs. */
int joinfiles_change(struct engine *engine, const struct record *record,
		     const Cleat__V1__ContainerConfig *config, struct err *err) must_check;
/* Carries a change of one that runs to its end which an engine was killed at. Logs what goes wrong. */
void joinfiles_mend(struct engine *engine, const struct record *record);
/* Its own hosts alone, after an address of one that runs has gone. Logs what goes wrong. */
void joinfiles_write_hosts(struct engine *engine, const char *id);
/* The addresses or the name of a container have changed: those that link to it are told. */
void joinfiles_follow(struct engine *engine, const char *id);
/* The same for all that others link to. */
void joinfiles_recover(struct engine *engine);
