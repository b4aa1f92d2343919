/* SPDX-License-Identifier: Apache-2.0 */
#include "curllib.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "str.h"

static const struct {
	const char *name;
	size_t offset;
} symbols[] = {
#define SYMBOL(name)                                          \
	{                                                     \
		"curl_" #name, offsetof(struct curllib, name) \
	}
	SYMBOL(global_init),         SYMBOL(easy_init),      SYMBOL(easy_cleanup),
	SYMBOL(easy_reset),          SYMBOL(easy_setopt),    SYMBOL(easy_getinfo),
	SYMBOL(easy_strerror),       SYMBOL(multi_init),     SYMBOL(multi_cleanup),
	SYMBOL(multi_add_handle),    SYMBOL(multi_perform),  SYMBOL(multi_poll),
	SYMBOL(multi_remove_handle), SYMBOL(slist_append),   SYMBOL(multi_info_read),
	SYMBOL(slist_free_all),      SYMBOL(multi_strerror),
#undef SYMBOL
};

static struct curllib library;
static char why[160]; /* "" = it is there */

static void load(void)
{
	void *handle = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);

	for (size_t i = 0; handle && i < ARRAY_LEN(symbols); i++) {
		void *symbol = dlsym(handle, symbols[i].name);

		if (!symbol)
			handle = NULL;
		memcpy((char *)&library + symbols[i].offset, &symbol, sizeof(symbol));
	}
	if (!handle)
		(void)snprintf(why, sizeof(why), "%s", str_or_empty(dlerror()));
	else if (library.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		(void)snprintf(why, sizeof(why), "libcurl cannot be initialised");
}

const struct curllib *curllib_get(struct err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, load);
	if (why[0])
		(void)err_set(err, ERR_INTERNAL, "load libcurl: %s", why);
	return why[0] ? NULL : &library;
}
