/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that mean one thing before a start has come to its end and another thing afterwards wait for it here, as
 * copies, and are then handled as if they came in. */
#include <errno.h>
#include <stdlib.h>

#include "shim.h"

struct later {
	struct list link;
	struct conn *conn;
	Cleat__Shim__V1__ShimRequest *request;
};

static void drop(struct later *later)
{
	list_remove(&later->link);
	cleat__shim__v1__shim_request__free_unpacked(later->request, NULL);
	free(later);
}

int later_add(struct shim *shim, struct conn *conn, const Cleat__Shim__V1__ShimRequest *request)
{
	size_t n = cleat__shim__v1__shim_request__get_packed_size(request);
	cleanup_free uint8_t *bytes = malloc(n + 1);
	struct later *later = bytes ? calloc(1, sizeof(*later)) : NULL;

	if (!later)
		return -ENOMEM;
	(void)cleat__shim__v1__shim_request__pack(request, bytes);
	later->conn = conn;
	later->request = cleat__shim__v1__shim_request__unpack(NULL, n, bytes);
	if (!later->request) {
		free(later);
		return -ENOMEM;
	}
	list_append(&shim->laters, &later->link);
	return 0;
}

void later_handle(struct shim *shim)
{
	struct later *later, *next;

	list_each_safe (later, next, &shim->laters, link) {
		request_handle(later->conn, later->request, NULL, 0);
		drop(later);
	}
}

void later_forget_conn(struct shim *shim, const struct conn *conn)
{
	struct later *later, *next;

	list_each_safe (later, next, &shim->laters, link)
		if (later->conn == conn)
			drop(later);
}
