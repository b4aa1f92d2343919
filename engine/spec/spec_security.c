/* SPDX-License-Identifier: Apache-2.0 */
/* --security-opt: "key=value", or "key:value" as old clients write it. An option that is not known is
 * refused: a restriction somebody asked for must not be dropped. */
#include <string.h>

#include "spec_part.h"
#include "str.h"

static const char *value_of(const char *option, const char *key)
{
	size_t n = strlen(key);

	if (strncmp(option, key, n) != 0)
		return NULL;
	if (option[n] == '\0')
		return "";
	return option[n] == '=' || option[n] == ':' ? option + n + 1 : NULL;
}

static int take_seccomp(const char *value, struct spec_security *out, struct err *err)
{
	if (strcmp(value, "unconfined") == 0) {
		out->seccomp_unconfined = true;
		return 0;
	}
	if (strcmp(value, "builtin") == 0 || strcmp(value, "default") == 0)
		return 0;
	if (value[0] != '{')
		return err_set(err, ERR_INVALID,
			       "security option seccomp=%.60s: expected unconfined, builtin or a "
			       "profile",
			       value);
	out->seccomp = value;
	return 0;
}

static int take_flag(const char *value, bool *flag, const char *option, struct err *err)
{
	if (!value[0] || strcmp(value, "true") == 0)
		*flag = true;
	else if (strcmp(value, "false") == 0)
		*flag = false;
	else
		return err_set(err, ERR_INVALID, "invalid --security-opt %.80s", option);
	return 0;
}

static int take(const char *option, struct spec_security *out, struct err *err)
{
	const char *value;

	if ((value = value_of(option, "no-new-privileges")))
		return take_flag(value, &out->no_new_privileges, option, err);
	if ((value = value_of(option, "seccomp")))
		return take_seccomp(value, out, err);
	if ((value = value_of(option, "systempaths")) && strcmp(value, "unconfined") == 0) {
		out->paths_unconfined = true;
		return 0;
	}
	if ((value = value_of(option, "apparmor")) && value[0]) {
		out->apparmor = strcmp(value, "unconfined") == 0 ? NULL : value;
		return 0;
	}
	/* SELinux confines no containers here: its labels mean nothing, as on a host without it. */
	if ((value = value_of(option, "label")) && value[0])
		return 0;
	return err_set(err, ERR_INVALID, "invalid --security-opt %.80s: it is not supported",
		       option);
}

int spec_security(const Cleat__V1__ContainerConfig *config, struct spec_security *out,
		  struct err *err)
{
	int r = 0;

	*out = (struct spec_security){ 0 };
	for (size_t i = 0; r == 0 && i < config->n_security_options; i++)
		r = take(config->security_options[i], out, err);
	return r;
}
