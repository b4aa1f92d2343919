/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers of cleat.test.v1.Echo, for the tests of stubs and clients. */
#pragma once

#include "small.rpc.h"

extern const struct cleat_test_v1_echo_ops echo_ops;
