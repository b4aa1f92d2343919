/* SPDX-License-Identifier: Apache-2.0 */
#include "nft.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include <nftables/libnftables.h>

#include "str.h"
#include "thread.h"

enum { STACK_BYTES = 1 << 20 };

struct nftlib {
	void *handle;
	__typeof__(nft_ctx_new) *ctx_new;
	__typeof__(nft_ctx_free) *ctx_free;
	__typeof__(nft_ctx_buffer_error) *buffer_error;
	__typeof__(nft_ctx_buffer_output) *buffer_output;
	__typeof__(nft_ctx_get_error_buffer) *get_error;
	__typeof__(nft_run_cmd_from_buffer) *run;
};

static bool find(void *handle, const char *name, void *to)
{
	void *symbol = dlsym(handle, name);

	memcpy(to, &symbol, sizeof(symbol));
	return symbol != NULL;
}

static void unload(struct nftlib *lib)
{
	if (lib->handle)
		(void)dlclose(lib->handle);
}

static int load(struct nftlib *lib, struct err *err)
{
	void *h = lib->handle = dlopen("libnftables.so.1", RTLD_NOW | RTLD_LOCAL);

	if (h && find(h, "nft_ctx_new", &lib->ctx_new) && find(h, "nft_ctx_free", &lib->ctx_free) &&
	    find(h, "nft_ctx_buffer_error", &lib->buffer_error) &&
	    find(h, "nft_ctx_buffer_output", &lib->buffer_output) &&
	    find(h, "nft_ctx_get_error_buffer", &lib->get_error) &&
	    find(h, "nft_run_cmd_from_buffer", &lib->run))
		return 0;
	return err_set(err, ERR_INTERNAL, "load libnftables: %.120s", str_or_empty(dlerror()));
}

/* "internal:0:0-0: Error: Could not process rule: No such file or directory" */
static int failed(const char *text, struct err *err)
{
	const char *said = strstr(text, "Error: ");
	int number = strstr(text, "No such file or directory") ? ENOENT
		     : strstr(text, "File exists")             ? EEXIST
		     : strstr(text, "not permitted")           ? EPERM
							       : EIO;

	said = said ? said + strlen("Error: ") : text;
	(void)err_set(err, ERR_INTERNAL, "nftables: %.*s", (int)strcspn(said, "\n"), said);
	return -number;
}

static int run(const struct nftlib *lib, const char *script, struct err *err)
{
	struct nft_ctx *ctx = lib->ctx_new(NFT_CTX_DEFAULT);
	int r = 0;

	if (!ctx)
		return err_sys(err, ENOMEM, "nftables");
	(void)lib->buffer_error(ctx);
	(void)lib->buffer_output(ctx);
	if (lib->run(ctx, script))
		r = failed(str_or_empty(lib->get_error(ctx)), err);
	lib->ctx_free(ctx);
	return r;
}

struct job {
	const char *script;
	struct err *err;
	int r;
};

/* The library waits with select(2), which ends a program that has 1024 descriptors open: this thread gets a table of its
 * own with few in it. */
static int leave_descriptors(struct err *err)
{
	return close_range(3, ~0U, CLOSE_RANGE_UNSHARE) < 0
		       ? err_sys(err, errno, "descriptors for libnftables")
		       : 0;
}

static void *run_job(void *arg)
{
	struct job *job = arg;
	struct nftlib lib = { 0 };

	job->r = leave_descriptors(job->err);
	if (job->r == 0)
		job->r = load(&lib, job->err);
	if (job->r == 0)
		job->r = run(&lib, job->script, job->err);
	unload(&lib);
	return NULL;
}

int nft_run(const char *script, struct err *err)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	struct job job = { .script = script, .err = err };
	pthread_t thread;
	int r;

	pthread_mutex_lock(&mutex); /* its parser has globals */
	/* On a stack of its own: it takes more than some threads of an engine have. */
	r = thread_start(&thread, STACK_BYTES, run_job, &job);
	if (r == 0)
		pthread_join(thread, NULL);
	pthread_mutex_unlock(&mutex);
	return r < 0 ? err_sys(err, r, "start a thread") : job.r;
}
