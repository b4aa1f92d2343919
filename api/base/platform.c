/* SPDX-License-Identifier: Apache-2.0 */
#include "platform.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool listed(const char *const *list, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], text) == 0)
			return true;
	return false;
}

/* What others call an architecture, as images name it. */
static void set_usual_name(char name[32])
{
	static const char *const names[][2] = { { "x86_64", "amd64" },
						{ "x86-64", "amd64" },
						{ "aarch64", "arm64" },
						{ "i386", "386" } };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i][0], name) == 0)
			memcpy(name, names[i][1], strlen(names[i][1]) + 1);
}

/* One word names either; with an architecture alone Linux is meant, as at Docker. */
static int read_word(struct platform *p)
{
	static const char *const systems[] = { "linux", "windows", "darwin", "freebsd" };
	static const char *const architectures[] = { "386",      "amd64",   "arm",
						     "arm64",    "loong64", "ppc64le",
						     "mips64le", "riscv64", "s390x" };

	set_usual_name(p->os);
	if (listed(systems, ARRAY_LEN(systems), p->os))
		return 0;
	if (!listed(architectures, ARRAY_LEN(architectures), p->os))
		return -EINVAL;
	snprintf(p->architecture, sizeof(p->architecture), "%s", p->os);
	snprintf(p->os, sizeof(p->os), "linux");
	return 0;
}

int platform_parse(const char *text, struct platform *out, struct err *err)
{
	char *fields[] = { out->os, out->architecture, out->variant };
	const size_t sizes[] = { sizeof(out->os), sizeof(out->architecture), sizeof(out->variant) };
	const char *p = text;

	*out = (struct platform){ 0 };
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		size_t n = strcspn(p, "/");

		if (n == 0 || n >= sizes[i])
			break;
		memcpy(fields[i], p, n);
		p += n;
		if (*p == '\0' && i == 0 && read_word(out) < 0)
			return err_set(
				err, ERR_INVALID,
				"platform \"%.80s\": unknown operating system or architecture",
				text);
		set_usual_name(out->architecture);
		if (*p == '\0')
			return 0;
		p++;
	}
	return err_set(err, ERR_INVALID, "platform \"%.80s\", expected os[/architecture[/variant]]",
		       text);
}

struct platform platform_host(const char *machine)
{
	static const struct {
		const char *machine;
		struct platform platform;
	} known[] = {
		{ "x86_64", { "linux", "amd64", "" } },
		{ "aarch64", { "linux", "arm64", "v8" } },
		{ "armv7l", { "linux", "arm", "v7" } },
		{ "armv6l", { "linux", "arm", "v6" } },
		{ "i686", { "linux", "386", "" } },
		{ "ppc64le", { "linux", "ppc64le", "" } },
		{ "riscv64", { "linux", "riscv64", "" } },
		{ "s390x", { "linux", "s390x", "" } },
	};
	struct platform other = { .os = "linux" };

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(known[i].machine, machine) == 0)
			return known[i].platform;
	snprintf(other.architecture, sizeof(other.architecture), "%s", machine);
	return other;
}

void platform_format(const struct platform *p, char out[96])
{
	snprintf(out, 96, "%s%s%s%s%s", p->os, p->architecture[0] ? "/" : "", p->architecture,
		 p->variant[0] ? "/" : "", p->variant);
}
