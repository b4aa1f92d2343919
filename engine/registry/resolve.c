/* SPDX-License-Identifier: Apache-2.0 */
#include "resolve.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "fetch.h"
#include "str.h"

const struct document *resolved_manifest(const struct resolved *p)
{
	return p->top.parsed.index ? &p->chosen : &p->top;
}

void resolved_deinit(struct resolved *p)
{
	document_deinit(&p->top);
	document_deinit(&p->chosen);
	buf_deinit(&p->json);
	image_config_deinit(&p->config);
	transfer_freep(&p->transfer);
	registry_freep(&p->registry);
}

void resolve_reference(struct resolved *p, const struct reference *ref)
{
	*p = (struct resolved){ .ref = *ref };
	if (!ref->tag[0])
		snprintf(p->ref.tag, sizeof(p->ref.tag), "latest");
	snprintf(p->repository, sizeof(p->repository), "%s/%s", ref->domain, ref->path);
	if (ref->digest[0])
		snprintf(p->name, sizeof(p->name), "%s@%s", p->repository, ref->digest);
	else
		snprintf(p->name, sizeof(p->name), "%s:%s", p->repository, p->ref.tag);
}

static int connect_to(struct resolved *p, const struct engine *engine, const struct pull_options *o,
		      const struct endpoint *endpoint, struct err *err)
{
	const struct registry_options options = { .config = &engine->config,
						  .path = p->ref.path,
						  .auth = o->auth,
						  .stop_fd = o->cancel_fd };

	transfer_freep(&p->transfer);
	registry_freep(&p->registry);
	document_deinit(&p->top);
	int r = registry_open(&p->registry, &options, endpoint, err);

	return r ? r : registry_transfer(p->registry, o->cancel_fd, &p->transfer, err);
}

int resolve_top(struct resolved *p, const struct engine *engine, const struct pull_options *options,
		struct err *err)
{
	struct endpoint endpoints[ENDPOINTS_MAX];
	const char *which = p->ref.digest[0] ? p->ref.digest : p->ref.tag;
	size_t n = endpoints_find(&engine->config, p->ref.domain, endpoints);
	char shown[REFERENCE_MAX];
	int r = -ENOENT;

	reference_familiar(p->name, shown);
	p->n_endpoints = n;
	for (size_t i = p->endpoint; i < n && r < 0 && r != -ECANCELED; i++) {
		p->endpoint = i;
		r = connect_to(p, engine, options, &endpoints[i], err);
		r = r ? r
		      : document_get(&p->top, engine, p->registry, p->transfer, which, shown, err);
	}
	return r;
}

static struct platform wanted(const struct pull_options *options)
{
	struct utsname name = { 0 };

	(void)uname(&name);
	struct platform host = platform_host(name.machine), w = host;

	if (options->platform) {
		w = *options->platform;
		if (!w.os[0])
			memcpy(w.os, host.os, sizeof(w.os));
		if (!w.architecture[0])
			memcpy(w.architecture, host.architecture, sizeof(w.architecture));
	}
	return w;
}

int resolve_platform(struct resolved *p, const struct engine *engine,
		     const struct pull_options *options, struct err *err)
{
	struct platform want = wanted(options);
	char text[96], shown[REFERENCE_MAX];

	if (!p->top.parsed.index)
		return 0;
	platform_format(&want, text);
	reference_familiar(p->name, shown);
	const struct descriptor *d = distribution_choose(&p->top.parsed, &want);

	if (!d)
		return err_set(
			err, ERR_NOT_FOUND,
			"no matching manifest for %s in the manifest list entries of %.120s: "
			"not found",
			text, shown);
	int r = document_get(&p->chosen, engine, p->registry, p->transfer, d->digest, shown, err);

	return r == 0 && p->chosen.parsed.index
		       ? err_set(err, ERR_INVALID, "%s: an index in an index", d->digest)
		       : r;
}

static int check_platform(const struct resolved *p, const struct pull_options *options,
			  struct err *err)
{
	const struct image_config *c = &p->config;
	struct platform want = wanted(options);
	char text[96], shown[REFERENCE_MAX];

	if (!options->platform || p->top.parsed.index || !str_or_empty(c->architecture)[0] ||
	    (strcmp(want.os, str_or_empty(c->os)) == 0 &&
	     strcmp(want.architecture, c->architecture) == 0))
		return 0;
	platform_format(&want, text);
	reference_familiar(p->name, shown);
	return err_set(err, ERR_NOT_FOUND,
		       "image with reference %.100s was found but does not match the specified "
		       "platform: wanted %s, actual: %.20s/%.20s",
		       shown, text, str_or_empty(c->os), c->architecture);
}

int resolve_config(struct resolved *p, struct engine *engine, const struct pull_options *options,
		   struct err *err)
{
	const struct distribution *m = &resolved_manifest(p)->parsed;
	const struct fetch fetch = { engine, p->registry, p->transfer, &m->config, NULL };
	int r = fetch_document(&fetch, MANIFEST_BYTES_MAX, &p->json, err);

	if (r < 0)
		return err_wrap(err, r, "image config");
	r = image_config_parse(p->json.data, p->json.len, &p->config, err);
	r = r ? r : check_platform(p, options, err);
	if (r == 0 && p->config.diff_ids.n != m->n)
		r = err_set(err, ERR_INVALID, "the config lists %zu layers, the manifest %zu",
			    p->config.diff_ids.n, m->n);
	return r;
}
