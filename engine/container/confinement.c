/* SPDX-License-Identifier: Apache-2.0 */
#include "confinement.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "fd.h"
#include "str.h"

enum { PROFILES_SIZE_MAX = 1 << 20 };
#define ENABLED  "/sys/module/apparmor/parameters/enabled"
#define PROFILES "/sys/kernel/security/apparmor/profiles"
#define OPTION   "apparmor="
#define STANDARD "cleat-default"

bool confinement_available(void)
{
	cleanup(buf_deinit) struct buf answer = BUF_NULL;

	return fd_read_file(AT_FDCWD, ENABLED, 16, &answer) == 0 && answer.len > 0 &&
	       answer.data[0] == 'Y';
}

/* A line is "NAME (MODE)". */
static bool is_loaded(void)
{
	static const char line[] = STANDARD " (";
	cleanup(buf_deinit) struct buf profiles = BUF_NULL;

	if (fd_read_file(AT_FDCWD, PROFILES, PROFILES_SIZE_MAX, &profiles) < 0)
		return false;
	for (const char *at = profiles.data; at && *at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (str_has_prefix(at, line))
			return true;
	}
	return false;
}

static const char *wanted(const Cleat__V1__ContainerConfig *config)
{
	for (size_t i = 0; i < config->n_security_options; i++) {
		const char *option = config->security_options[i];

		if (str_has_prefix(option, OPTION) || str_has_prefix(option, "apparmor:"))
			return option + sizeof(OPTION) - 1;
	}
	return NULL;
}

static int add_option(Cleat__V1__ContainerConfig *config)
{
	size_t n = config->n_security_options;
	char **grown = reallocarray(config->security_options, n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	config->security_options = grown;
	grown[n] = strdup(OPTION STANDARD);
	config->n_security_options += grown[n] != NULL;
	return grown[n] ? 0 : -ENOMEM;
}

int confinement_settle(Cleat__V1__ContainerConfig *config, struct err *err)
{
	const char *profile = wanted(config);
	bool enabled = confinement_available();

	if (profile && !enabled && strcmp(profile, "unconfined") != 0)
		return err_set(err, ERR_INVALID,
			       "--security-opt apparmor=%.100s: AppArmor is not enabled in this "
			       "kernel",
			       profile);
	if (profile || !enabled || config->privileged || !is_loaded())
		return 0;
	return add_option(config) < 0 ? err_sys(err, ENOMEM, "create") : 0;
}
