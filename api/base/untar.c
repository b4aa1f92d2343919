/* SPDX-License-Identifier: Apache-2.0 */
#include "untar.h"

#include "tarparse.h"

/* The parser's next event; TARPARSE_MORE when there are no more bytes. */
static int next_event(struct untar *u, struct tarparse_data *data, struct err *err)
{
	const void *bytes;
	ssize_t n = 1;
	int event;

	while ((event = tarparse_step(u->parse, &u->bytes, &u->n_bytes, data, err)) ==
		       TARPARSE_MORE &&
	       (n = u->read(u->ctx, &bytes, err)) > 0) {
		u->bytes = bytes;
		u->n_bytes = (size_t)n;
	}
	return n < 0 ? (int)n : event;
}

int untar_next(struct untar *u, struct err *err)
{
	int event = TARPARSE_DATA, r = u->parse ? 0 : tarparse_new(&u->parse);
	struct tarparse_data data;

	u->entry = (struct tar_entry){ 0 };
	if (r < 0)
		return err_sys(err, r, "read the archive");
	while (event == TARPARSE_DATA)
		event = next_event(u, &data, err);
	if (event == TARPARSE_ENTRY)
		u->entry = *tarparse_entry(u->parse);
	if (event == TARPARSE_MORE)
		return tarparse_end(u->parse, err);
	return event < 0 ? event : event == TARPARSE_ENTRY;
}

ssize_t untar_data(struct untar *u, const void **data, struct err *err)
{
	struct tarparse_data piece = { 0 };
	int event = tarparse_left(u->parse) ? next_event(u, &piece, err) : TARPARSE_END;

	if (event == TARPARSE_MORE)
		return tarparse_end(u->parse, err);
	*data = piece.bytes;
	u->at = piece.at;
	return event < 0 ? event : (ssize_t)piece.n;
}

void untar_deinit(struct untar *u)
{
	u->parse = tarparse_free(u->parse);
}
