/* SPDX-License-Identifier: Apache-2.0 */
/* Dockerfiles as text against what is read out of them, and the sentences for what is refused. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "dockerfile.h"

/* An instruction in one line: "RUN@2-4 json --mount=x [a|b] <<EOF(body)". */
static void show(const struct instruction *in, struct buf *out)
{
	buf_printf(out, "%s@%u-%u%s", instruction_name(in->kind), in->first, in->last,
		   in->json ? " json" : "");
	for (size_t i = 0; i < in->flags.n; i += 2)
		buf_printf(out, " --%s=%s", in->flags.v[i], in->flags.v[i + 1]);
	buf_puts(out, " [");
	for (size_t i = 0; i < in->words.n; i++)
		buf_printf(out, "%s%s", i ? "|" : "", in->words.v[i]);
	buf_puts(out, "]");
	for (size_t i = 0; i < in->n_docs; i++)
		buf_printf(out, " %s%s(%s)", in->docs[i].expand ? "" : "raw ", in->docs[i].name,
			   in->docs[i].body);
	buf_puts(out, "\n");
}

static const struct {
	const char *text, *shown;
} good[] = {
	{ "FROM a", "FROM@1-1 [a]\n" },
	{ "from A:1 as B.c", "FROM@1-1 [A:1|b.c]\n" },
	{ "FROM --platform=linux/amd64 a", "FROM@1-1 --platform=linux/amd64 [a]\n" },
	{ "\xef\xbb\xbf# syntax=x\n#escape = `\nRUN a `\n  b\\\n", "RUN@3-4 [a   b\\]\n" },
	{ "# comment\n\n  \tRUN  a  b  \n", "RUN@3-3 [a  b]\n" },
	{ "RUN a \\\n# no\n\n  # no\n b \\\nc", "RUN@1-6 [a  b c]\n" },
	{ "RUN a\\  \nb", "RUN@1-2 [ab]\n" },
	{ "RUN a\\\\\nUSER b", "RUN@1-1 [a\\\\]\nUSER@2-2 [b]\n" },
	{ "RUN a\r\nUSER b\r\n", "RUN@1-1 [a]\nUSER@2-2 [b]\n" },
	{ "RUN [\"a\", \"b c\"]", "RUN@1-1 json [a|b c]\n" },
	{ "RUN ['a']", "RUN@1-1 [['a']]\n" },
	{ "RUN --mount=type=cache,target=/x --mount=\"type=tmpfs\" --network=none a --b",
	  "RUN@1-1 --mount=type=cache,target=/x --mount=type=tmpfs --network=none [a --b]\n" },
	{ "RUN -- --mount=x", "RUN@1-1 [--mount=x]\n" },
	{ "CMD", "CMD@1-1 []\n" },
	{ "CMD []", "CMD@1-1 json []\n" },
	{ "ENV a=b c='d e' f=\"g\\\"h\" i=j\\ k", "ENV@1-1 [a|b|c|'d e'|f|\"g\\\"h\"|i|j\\ k]\n" },
	{ "ENV a b  c=d", "ENV@1-1 [a|b  c=d]\n" },
	{ "ENV a=", "ENV@1-1 [a|]\n" },
	{ "ARG a b=c\\ d", "ARG@1-1 [a|b=c\\ d]\n" },
	{ "COPY a b c/", "COPY@1-1 [a|b|c/]\n" },
	{ "COPY [\"a b\", \"c\"]", "COPY@1-1 json [a b|c]\n" },
	{ "COPY --from=x --chown=1:2 --chmod=0644 --link --exclude=*.o --exclude=y a b",
	  "COPY@1-1 --from=x --chown=1:2 --chmod=0644 --link=true --exclude=*.o --exclude=y "
	  "[a|b]\n" },
	{ "COPY --link=false a b", "COPY@1-1 --link=false [a|b]\n" },
	{ "ADD --checksum=sha256:1 http://x/y /z",
	  "ADD@1-1 --checksum=sha256:1 [http://x/y|/z]\n" },
	{ "RUN <<EOF\na\n  EOF\nEOF\nUSER u", "RUN@1-4 [<<EOF] EOF(a\n  EOF\n)\nUSER@5-5 [u]\n" },
	{ "RUN cat <<-A 3<<'B' > x\n\t\ta\n\tA\n\tb $x\nB\n",
	  "RUN@1-5 [cat <<-A 3<<'B' > x] A(a\n) raw B(\tb $x\n)\n" },
	{ "COPY <<a.txt <<\"b\" /d/\nx\na.txt\ny\nb\n",
	  "COPY@1-5 [<<a.txt|<<\"b\"|/d/] a.txt(x\n) raw b(y\n)\n" },
	{ "RUN echo \"<<EOF\" << EOF", "RUN@1-1 [echo \"<<EOF\" << EOF]\n" },
	{ "CMD cat <<EOF", "CMD@1-1 [cat <<EOF]\n" },
	{ "ONBUILD RUN <<E\nx\nE\n", "ONBUILD@1-3 [RUN <<E\nx\nE] E(x\n)\n" },
	{ "HEALTHCHECK --interval=5s --retries=3 CMD curl x",
	  "HEALTHCHECK@1-1 --interval=5s --retries=3 [CMD|curl x]\n" },
	{ "HEALTHCHECK cmd [\"a\",\"b\"]", "HEALTHCHECK@1-1 json [CMD|a|b]\n" },
	{ "HEALTHCHECK NONE", "HEALTHCHECK@1-1 [NONE]\n" },
	{ "SHELL [\"/bin/bash\", \"-c\"]", "SHELL@1-1 json [/bin/bash|-c]\n" },
	{ "VOLUME /a /b", "VOLUME@1-1 [/a|/b]\n" },
	{ "EXPOSE 80/tcp 443", "EXPOSE@1-1 [80/tcp|443]\n" },
	{ "MAINTAINER A <a@b>", "MAINTAINER@1-1 [A <a@b>]\n" },
	{ "STOPSIGNAL SIGINT\nWORKDIR /a b", "STOPSIGNAL@1-1 [SIGINT]\nWORKDIR@2-2 [/a b]\n" },
	{ "FROM a\n# escape=`\nRUN b \\\nc", "FROM@1-1 [a]\nRUN@3-4 [b c]\n" },
};

static void reads(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		cleanup(dockerfile_deinit) struct dockerfile file = DOCKERFILE_NULL;
		cleanup(buf_deinit) struct buf text = BUF_NULL;
		struct err err = ERR_NULL;

		if (dockerfile_parse(good[i].text, strlen(good[i].text), &file, &err) < 0)
			fail_msg("%s: %s", good[i].text, err.message);
		for (size_t k = 0; k < file.n; k++)
			show(&file.v[k], &text);
		assert_string_equal(text.data, good[i].shown);
	}
}

#define LINE(n) "dockerfile parse error on line " #n ": "
static const struct {
	const char *text, *sentence;
} bad[] = {
	{ "", "file with no instructions" },
	{ "# only\n", "file with no instructions" },
	{ "FROM a\n\nFOO bar", LINE(3) "unknown instruction: FOO" },
	{ "FROM", LINE(1) "FROM requires either one or three arguments" },
	{ "FROM a b", LINE(1) "FROM requires either one or three arguments" },
	{ "FROM a AS 1x",
	  LINE(1) "invalid name for build stage: \"1x\", name can't start with a number or contain "
		  "symbols" },
	{ "FROM a AS scratch", LINE(1) "the name scratch is reserved" },
	{ "RUN", LINE(1) "RUN requires at least one argument" },
	{ "RUN --mont=x a", LINE(1) "unknown flag: --mont" },
	{ "RUN --network=a --network=b c", LINE(1) "duplicate flag specified: network" },
	{ "RUN --network a", LINE(1) "missing a value on flag: network" },
	{ "COPY --link=maybe a b", LINE(1) "expecting boolean value for flag link, not: maybe" },
	{ "COPY a", LINE(1) "COPY requires at least two arguments, but only one was provided. "
			    "Destination could not be determined" },
	{ "ADD", LINE(1) "ADD requires at least two arguments" },
	{ "ENV", LINE(1) "ENV requires at least one argument" },
	{ "ENV a", LINE(1) "ENV must have two arguments" },
	{ "LABEL a=b c",
	  LINE(1) "Syntax error - can't find = in \"c\". Must be of the form: name=value" },
	{ "ENV =b", LINE(1) "ENV names can not be blank" },
	{ "USER", LINE(1) "USER requires exactly one argument" },
	{ "SHELL /bin/sh", LINE(1) "SHELL requires the arguments to be in JSON form" },
	{ "HEALTHCHECK", LINE(1) "HEALTHCHECK requires at least one argument" },
	{ "HEALTHCHECK x", LINE(1) "Unknown type \"X\" in HEALTHCHECK (try CMD)" },
	{ "HEALTHCHECK CMD", LINE(1) "Missing command after HEALTHCHECK CMD" },
	{ "HEALTHCHECK NONE a", LINE(1) "HEALTHCHECK NONE takes no arguments" },
	{ "ONBUILD ONBUILD RUN a", LINE(1) "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed" },
	{ "ONBUILD from a", LINE(1) "FROM isn't allowed as an ONBUILD trigger" },
	{ "RUN a\nRUN <<EOF\nx", LINE(2) "unterminated heredoc EOF" },
	{ "# escape=x\nFROM a", LINE(1) "invalid escape token 'x' does not match ` or \\" },
	{ "# escape=`\n# escape=`\nFROM a",
	  LINE(2) "only one escape parser directive can be used" },
};

static void refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct dockerfile file = DOCKERFILE_NULL;
		struct err err = ERR_NULL;

		assert_int_equal(dockerfile_parse(bad[i].text, strlen(bad[i].text), &file, &err),
				 -EINVAL);
		assert_string_equal(err.message, bad[i].sentence);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(reads), cmocka_unit_test(refuses) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
