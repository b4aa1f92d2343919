/* SPDX-License-Identifier: Apache-2.0 */
/* protoc-c's rules, from its c_helpers.cc: an underscore goes before an upper-case letter that does
 * not follow one ("HTTPRequest" is "httprequest"), and each dotted piece of a type name starts with
 * an upper-case letter, as does whatever followed an underscore. */
#include "names.h"

#include <string.h>

#include "buf.h"

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static char to_lower(char c)
{
	return is_upper(c) ? (char)(c - 'A' + 'a') : c;
}

static char to_upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static const char *finish(struct model *m, struct buf *b)
{
	const char *text = model_printf(m, "%s", b->data ? b->data : "");

	buf_deinit(b);
	return text;
}

static const char *lower(struct model *m, const char *name, const char *dot)
{
	struct buf b = BUF_NULL;
	bool was_upper = true;

	for (const char *p = name; *p; p++) {
		bool upper = is_upper(*p);

		if (*p == '.') {
			buf_puts(&b, dot);
			was_upper = true;
			continue;
		}
		if (upper && !was_upper)
			buf_putc(&b, '_');
		buf_putc(&b, to_lower(*p));
		was_upper = upper;
	}
	return finish(m, &b);
}

const char *name_snake(struct model *m, const char *name)
{
	return lower(m, name, "_");
}

const char *name_c_lower(struct model *m, const char *full_name)
{
	return lower(m, full_name, "__");
}

const char *name_c_type(struct model *m, const char *full_name)
{
	struct buf b = BUF_NULL;
	bool next_upper = true;

	for (const char *p = full_name; *p; p++) {
		if (*p == '.')
			buf_puts(&b, "__");
		else if (*p != '_')
			buf_putc(&b, next_upper ? to_upper(*p) : *p);
		next_upper = *p == '.' || *p == '_';
	}
	return finish(m, &b);
}

static bool in_list(const char *name, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(*list, name))
			return true;
	return false;
}

bool name_is_c_keyword(const char *name)
{
	static const char *const words[] = {
		"auto",     "break",  "case",     "char",   "const",    "continue", "default",
		"do",       "double", "else",     "enum",   "extern",   "float",    "for",
		"goto",     "if",     "inline",   "int",    "long",     "return",   "register",
		"restrict", "short",  "signed",   "sizeof", "static",   "struct",   "switch",
		"typedef",  "union",  "unsigned", "void",   "volatile", "while",    "typeof",
		"asm",      NULL,
	};

	return in_list(name, words);
}

bool name_is_python_keyword(const char *name)
{
	static const char *const words[] = {
		"False",   "None",     "True",     "and",    "as",   "assert", "async",  "await",
		"break",   "class",    "continue", "def",    "del",  "elif",   "else",   "except",
		"finally", "for",      "from",     "global", "if",   "import", "in",     "is",
		"lambda",  "nonlocal", "not",      "or",     "pass", "raise",  "return", "try",
		"while",   "with",     "yield",    NULL,
	};

	return in_list(name, words);
}
