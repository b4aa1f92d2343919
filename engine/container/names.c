/* SPDX-License-Identifier: Apache-2.0 */
/* Quiet adjectives and things of ships and shores: 64 x 64 pairs, and a digit when taken. */
#include "names.h"

#include <stdio.h>

static const char adjectives[64][10] = {
	"able",   "amber",  "bold",  "brave",  "bright", "brisk",   "broad",  "calm",
	"clear",  "clever", "coral", "crisp",  "daring", "deft",    "eager",  "early",
	"fair",   "fleet",  "fond",  "frank",  "free",   "fresh",   "gentle", "glad",
	"golden", "grand",  "hardy", "hazy",   "honest", "humble",  "jolly",  "keen",
	"kind",   "lively", "loyal", "lucid",  "lucky",  "mellow",  "merry",  "mild",
	"misty",  "modest", "neat",  "nimble", "noble",  "patient", "placid", "proud",
	"quick",  "quiet",  "ready", "rosy",   "salty",  "serene",  "silver", "sleek",
	"snug",   "steady", "sunny", "swift",  "tidy",   "vivid",   "warm",   "witty",
};

static const char nouns[64][10] = {
	"anchor",  "atoll",   "bay",    "beacon",   "bell",    "bosun",   "bow",    "breeze",
	"brig",    "buoy",    "cape",   "capstan",  "channel", "clipper", "coast",  "compass",
	"cove",    "current", "cutter", "deck",     "delta",   "dinghy",  "dock",   "dory",
	"ferry",   "fjord",   "galley", "gull",     "halyard", "harbour", "haven",  "heron",
	"hull",    "inlet",   "island", "jetty",    "keel",    "ketch",   "lagoon", "lantern",
	"mast",    "mooring", "oar",    "pelican",  "pier",    "pilot",   "quay",   "reef",
	"rigging", "rudder",  "sail",   "schooner", "sextant", "shoal",   "shore",  "sloop",
	"sound",   "spar",    "strait", "surf",     "tide",    "tiller",  "wharf",  "yawl",
};

void names_make(uint64_t random, unsigned int attempt, char out[NAMES_MAX])
{
	const char *adjective = adjectives[random % 64];
	const char *noun = nouns[random / 64 % 64];

	if (attempt == 0)
		(void)snprintf(out, NAMES_MAX, "%s_%s", adjective, noun);
	else
		(void)snprintf(out, NAMES_MAX, "%s_%s%u", adjective, noun,
			       (unsigned int)(random / 4096 % 10) + 10 * (attempt - 1));
}
