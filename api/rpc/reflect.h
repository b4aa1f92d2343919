/* SPDX-License-Identifier: Apache-2.0 */
/* Messages to JSON and back by their descriptors, as ProtoJSON has it: lowerCamelCase names (proto
 * names are read too), 64-bit integers as strings, bytes as base64, enums by name, maps as objects,
 * defaults left out unless asked for. Reading is strict: an unknown field, a value of another type or
 * out of range, a field given twice is an error that names the place. Pure, never blocks. */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "err.h"

enum { REFLECT_MAX_DEPTH = 32 }; /* messages within messages; deeper is INVALID_ARGUMENT */

struct reflect {
	const ProtobufCMessageDescriptor *const *map_entries; /* as generated: PREFIX_map_entries */
	size_t n_map_entries;
	bool defaults; /* writing: also fields that hold their default, save messages and oneofs */
};

/* Appends `msg` as one JSON object without blanks. 0; -ELOOP beyond the depth limit; -ENOMEM or
 * -EMSGSIZE of the buffer. What was appended before a failure stays. */
int reflect_print(const struct reflect *r, const ProtobufCMessage *msg, struct buf *out) must_check;

/* Reads one JSON object of `size` bytes as a message of the kind; size 0 gives an empty message.
 * *out is owned (protobuf_c_message_free_unpacked). INVALID_ARGUMENT with the path and what was
 * expected; -ENOMEM. */
int reflect_parse(const struct reflect *r, const ProtobufCMessageDescriptor *kind, const char *text,
		  size_t size, ProtobufCMessage **out, struct err *err) must_check;

/* Used by both directions. */
bool reflect_is_map(const struct reflect *r, const ProtobufCFieldDescriptor *field);
/* Bytes one value of the type takes in a generated struct. */
size_t reflect_value_size(ProtobufCType type);
/* The lowerCamelCase name of a field; `out` has `size` bytes, a longer name is cut. */
void reflect_json_name(const char *name, char *out, size_t size);
