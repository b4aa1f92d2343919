/* SPDX-License-Identifier: Apache-2.0 */
/* Who the user is for the registries a Dockerfile's bases come from. Blocks on files and credential helpers. */
#pragma once

#include "cleat/v1/images.pb-c.h"
#include "err.h"
#include "mem.h"

/* Adds what is known for each image that a FROM of the text names. */
int buildauth_add(Cleat__V1__BuildRequest__Options *options, struct err *err) must_check;
