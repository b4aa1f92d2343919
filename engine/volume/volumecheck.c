/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's rules of the driver "local": type and device come together, o and size are further options. */
#include "volumecheck.h"

#include <string.h>

#include "str.h"

const char *volumecheck_option(const Cleat__V1__CreateVolumeRequest *request, const char *key)
{
	for (size_t i = 0; i < request->n_options; i++)
		if (strcmp(request->options[i]->key, key) == 0)
			return request->options[i]->value;
	return NULL;
}

bool volumecheck_has(const Cleat__V1__CreateVolumeRequest *request, const char *word)
{
	const char *options = str_or_empty(volumecheck_option(request, "o"));
	size_t n = strlen(word);

	while (*options) {
		size_t len = strcspn(options, ",");

		if (len == n && memcmp(options, word, n) == 0)
			return true;
		options += len + (options[len] == ',');
	}
	return false;
}

bool volumecheck_is_mounted(const Cleat__V1__CreateVolumeRequest *request)
{
	return volumecheck_option(request, "type") != NULL;
}

const char *volumecheck_bind(const Cleat__V1__CreateVolumeRequest *request)
{
	bool bind = strcmp(str_or_empty(volumecheck_option(request, "type")), "bind") == 0 ||
		    volumecheck_has(request, "bind") || volumecheck_has(request, "rbind");

	return bind ? volumecheck_option(request, "device") : NULL;
}

static int check_name(const char *name, struct err *err)
{
	if (name[0] && !name[1])
		return err_set(err, ERR_INVALID,
			       "volume name is too short, names should be at least two "
			       "alphanumeric characters");
	if (name[0] && !str_is_name(name))
		return err_set(err, ERR_INVALID,
			       "\"%.60s\" includes invalid characters for a local volume name, "
			       "only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to "
			       "pass a host directory, use absolute path",
			       name);
	return 0;
}

int volumecheck_size(const Cleat__V1__CreateVolumeRequest *request, uint64_t *bytes)
{
	const char *size = volumecheck_option(request, "size");

	*bytes = 0;
	return size ? str_size_bytes(size, bytes) : 0;
}

static int check_options(const Cleat__V1__CreateVolumeRequest *request, struct err *err)
{
	static const char *const known[] = { "type", "device", "o", "size" };
	const char *type = volumecheck_option(request, "type");
	const char *device = volumecheck_option(request, "device");
	const char *options = volumecheck_option(request, "o");
	uint64_t size;

	for (size_t i = 0; i < request->n_options; i++) {
		size_t k = 0;

		while (k < ARRAY_LEN(known) && strcmp(known[k], request->options[i]->key) != 0)
			k++;
		if (k == ARRAY_LEN(known))
			return err_set(err, ERR_INVALID, "invalid option: \"%.80s\"",
				       request->options[i]->key);
	}
	if (volumecheck_size(request, &size) < 0)
		return err_set(err, ERR_INVALID, "invalid size: '%.40s'",
			       volumecheck_option(request, "size"));
	if ((type || options) && !str_or_empty(device)[0])
		return err_set(err, ERR_INVALID, "missing required option: \"device\"");
	if ((device || options) && !str_or_empty(type)[0])
		return err_set(err, ERR_INVALID, "missing required option: \"type\"");
	return 0;
}

int volumecheck(const Cleat__V1__CreateVolumeRequest *request, struct err *err)
{
	const char *driver = str_or_empty(request->driver);
	int r = check_name(str_or_empty(request->name), err);

	if (r == 0 && driver[0] && strcmp(driver, "local") != 0)
		r = err_set(err, ERR_NOT_FOUND,
			    "error looking up volume plugin %.80s: plugin \"%.80s\" not found",
			    driver, driver);
	return r ? r : check_options(request, err);
}

bool volumecheck_same(const Cleat__V1__CreateVolumeRequest *there,
		      const Cleat__V1__CreateVolumeRequest *again)
{
	if (again->n_options == 0)
		return true;
	if (again->n_options != there->n_options)
		return false;
	for (size_t i = 0; i < again->n_options; i++) {
		const char *value = volumecheck_option(there, again->options[i]->key);

		if (!value || strcmp(value, again->options[i]->value) != 0)
			return false;
	}
	return true;
}
