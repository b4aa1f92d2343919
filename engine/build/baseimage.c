/* SPDX-License-Identifier: Apache-2.0 */
#include "baseimage.h"

#include <errno.h>
#include <string.h>

#include "basepull.h"
#include "distribution.h"
#include "image.h"
#include "str.h"

static int open_scratch(struct build *b, struct imagedoc *image, struct stack *stack,
			struct err *err)
{
	const struct strings none = { 0 };
	int r = imagedoc_scratch(image, scope_get(&b->builtin, "TARGETOS"),
				 scope_get(&b->builtin, "TARGETARCH"));

	return r < 0 ? err_sys(err, r, "build")
		     : stack_open(stack, b->engine, b->lease.path, &none, 0, err);
}

static int check_platform(const char *platform, const struct image *image, struct err *err)
{
	Cleat__V1__Platform wanted = CLEAT__V1__PLATFORM__INIT;
	struct platform parsed;

	if (!platform)
		return 0;
	int r = platform_parse(platform, &parsed, err);

	wanted.os = parsed.os;
	wanted.architecture = parsed.architecture;
	wanted.variant = parsed.variant;
	return r ? r : image_check_platform(image, &wanted, err);
}

/* What is here unless it is missing, or --pull wants it anew. */
static int find(struct build *b, const char *name, const char *platform, struct image *image,
		struct err *err)
{
	const struct build_options *o = b->options;
	struct err own = ERR_NULL;
	int r = o->request->pull ? -ENOENT : image_find(b->engine, name, image, &own);

	r = r ? r : check_platform(platform, image, &own);
	if (r == -ENOENT) {
		image_deinit(image);
		r = basepull(b, name, platform, err);
		r = r ? r : image_find(b->engine, name, image, err);
		return r ? r : check_platform(platform, image, err);
	}
	if (r < 0 && err)
		*err = own;
	return r;
}

int baseimage_open(struct build *b, const char *name, const char *platform, struct imagedoc *doc,
		   struct stack *stack, struct err *err)
{
	cleanup(image_deinit) struct image image = { 0 };
	int r;

	if (strcmp(name, "scratch") == 0)
		return open_scratch(b, doc, stack, err);
	r = find(b, name, platform && platform[0] ? platform : NULL, &image, err);
	if (r < 0)
		return r;
	r = imagedoc_base(doc, image.config_json, image.config_len);
	if (r < 0)
		return err_sys(err, r, "read the config of %.100s", name);
	r = stack_open(stack, b->engine, b->lease.path, &image.config.diff_ids, image.size_bytes,
		       err);
	/* from here on the stack keeps the layers; the image may have gone just before */
	stack->created_ns = image.created_ns;
	return r ? r : image_exists(b->engine, image.id, err);
}
