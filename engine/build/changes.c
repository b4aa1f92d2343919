/* SPDX-License-Identifier: Apache-2.0 */
/* A stage without arguments, whose image is the config alone. */
#include "changes.h"

#include <errno.h>

#include "meta.h"

static bool is_change(enum instruction_kind kind)
{
	static const enum instruction_kind changes[] = {
		INSTRUCTION_CMD,     INSTRUCTION_ENTRYPOINT,  INSTRUCTION_ENV,
		INSTRUCTION_EXPOSE,  INSTRUCTION_HEALTHCHECK, INSTRUCTION_LABEL,
		INSTRUCTION_ONBUILD, INSTRUCTION_STOPSIGNAL,  INSTRUCTION_USER,
		INSTRUCTION_VOLUME,  INSTRUCTION_WORKDIR,
	};

	for (size_t i = 0; i < ARRAY_LEN(changes); i++)
		if (changes[i] == kind)
			return true;
	return false;
}

static int parse(char *const *lines, size_t n, struct dockerfile *file, struct err *err)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;

	for (size_t i = 0; i < n; i++)
		buf_printf(&text, "%s\n", lines[i]);
	if (text.error)
		return err_sys(err, text.error, "change the image");
	json_t *checked = json_stringn(text.data, text.len);
	int r = checked ? dockerfile_parse(text.data, text.len, file, err)
			: err_set(err, ERR_INVALID, "a change is not valid UTF-8");

	json_decref(checked);
	for (size_t i = 0; r == 0 && i < file->n; i++)
		if (!is_change(file->v[i].kind))
			r = err_set(err, ERR_INVALID, "\"%s\" is not a valid change command",
				    instruction_name(file->v[i].kind));
	return r;
}

int changes_apply(json_t *config, char *const *lines, size_t n, struct err *err)
{
	cleanup(dockerfile_deinit) struct dockerfile file = DOCKERFILE_NULL;
	cleanup(meta_deinit) struct meta meta = { .escape = DOCKERFILE_NULL.escape };
	const struct scope none = { .pairs = { 0 } };
	int r = n ? parse(lines, n, &file, err) : 0;

	meta.given = meta.global = meta.builtin = &none;
	meta.escape = file.escape;
	meta.image.root = json_pack("{s:O}", "config", config);
	meta.image.config = config;
	if (r == 0 && !meta.image.root)
		r = err_sys(err, ENOMEM, "change the image");
	for (size_t i = 0; r == 0 && i < file.n; i++) {
		cleanup(buf_deinit) struct buf history = BUF_NULL;

		r = meta_apply(&meta, &file.v[i], &history, err);
		if (r < 0)
			r = err_wrap(err, r, "%s", instruction_name(file.v[i].kind));
	}
	return r;
}
