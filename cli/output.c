/* SPDX-License-Identifier: Apache-2.0 */
/* Every list is rows of JSON objects; the default table is a template too, so that --format and the
 * default cannot differ. A table is rendered with tabs and aligned afterwards, as Go's tabwriter
 * does: three blanks behind the widest cell. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "fd.h"
#include "msg.h"
#include "printable.h"
#include "str.h"
#include "table.h"
#include "template.h"

int output_write(int fd, const void *data, size_t n)
{
	return fd_write_all(fd, data, n);
}

void output_error(const struct err *err)
{
	fprintf(stderr, "cleat: %s\n", err->message[0] ? err->message : err_code_name(err->code));
}

int output_text(const struct buf *b, struct err *err)
{
	cleanup(buf_deinit) struct buf shown = BUF_NULL;
	bool terminal = isatty(STDOUT_FILENO);

	if (terminal && b->len)
		printable_text(&shown, b->data, b->len, "\t\n");

	const struct buf *out = terminal ? &shown : b;
	int r = b->error ? b->error : out->error;

	r = r ? r : output_write(STDOUT_FILENO, out->data ? out->data : "", out->len);
	return r < 0 ? err_sys(err, r, "standard output") : 0;
}

/* The title of a label's column is the last part of its name, as Docker has it. */
static json_t *label_titles(json_t *rows)
{
	json_t *titles = json_object(), *row, *value;
	const char *key;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		json_object_foreach(json_object_get(row, TEMPLATE_LABELS), key, value)
		{
			const char *dot = strrchr(key, '.');

			json_object_set_new(titles, key, json_string(dot ? dot + 1 : key));
		}
	}
	return titles;
}

/* The titles of a template's fields: the same template over an object of titles. */
static int table_head(const char *format, const struct column *columns, size_t n_columns,
		      json_t *rows, struct buf *out, struct err *err)
{
	json_t *titles = json_object();
	int r;

	for (size_t i = 0; i < n_columns; i++)
		json_object_set_new(titles, columns[i].field, json_string(columns[i].title));
	json_object_set_new(titles, TEMPLATE_LABELS, label_titles(rows));
	r = template_render(format, titles, false, out, err);
	json_decref(titles);
	buf_putc(out, '\n');
	return r;
}

static void default_table(const struct column *columns, size_t n_columns, struct buf *format)
{
	for (size_t i = 0; i < n_columns; i++)
		if (columns[i].title[0] && columns[i].title[0] != '-')
			buf_printf(format, "%s{{.%s}}", format->len ? "\t" : "", columns[i].field);
}

/* \t and \n written out by a shell that does not know them. */
static char *unescape(const char *text)
{
	char *out = strdup(text), *o = out;

	for (const char *p = text; out && *p; p++) {
		if (p[0] == '\\' && (p[1] == 't' || p[1] == 'n'))
			*o++ = *++p == 't' ? '\t' : '\n';
		else
			*o++ = *p;
	}
	if (out)
		*o = '\0';
	return out;
}

static int render_rows(const char *format, bool table, const struct column *columns,
		       size_t n_columns, json_t *rows, struct buf *out, struct err *err)
{
	json_t *row;
	size_t i;
	int r = table ? table_head(format, columns, n_columns, rows, out, err) : 0;

	json_array_foreach(rows, i, row)
	{
		if (r == 0)
			r = template_render(format, row, true, out, err);
		buf_putc(out, '\n');
	}
	return r;
}

int output_rows(const struct flags *flags, const struct column *columns, size_t n_columns,
		json_t *rows, struct err *err)
{
	cleanup(buf_deinit) struct buf out = BUF_NULL, made = BUF_NULL, aligned = BUF_NULL;
	const char *given = flags_text(flags, "format");
	cleanup_free char *format = NULL;
	bool table = !given || !given[0] || strcmp(given, "table") == 0;
	int r;

	if (table) {
		default_table(columns, n_columns, &made);
		format = buf_steal(&made);
	} else if (strcmp(given, "json") == 0) {
		format = strdup("{{json .}}");
	} else if (str_has_prefix(given, "table ")) {
		table = true;
		format = unescape(given + 6);
	} else {
		format = unescape(given);
	}
	if (!format)
		return err_sys(err, ENOMEM, "output");
	if (table) /* a cell has no tabs or lines of its own */
		printable_json(rows);
	r = render_rows(format, table, columns, n_columns, rows, &out, err);
	if (r < 0)
		return r;
	if (table)
		table_align(&aligned, out.data ? out.data : "");
	return output_text(table ? &aligned : &out, err);
}

json_t *row_text(const char *text)
{
	json_t *v = json_string(text);

	return v ? v : json_string("");
}

int output_value(const char *format, json_t *value, bool strict, struct err *err)
{
	cleanup(buf_deinit) struct buf out = BUF_NULL;
	int r = 0;

	if (!format || !format[0] || strcmp(format, "json") == 0) {
		char *text =
			json_dumps(value, (format && format[0] ? JSON_COMPACT : JSON_INDENT(4)) |
						  JSON_ENCODE_ANY);

		buf_puts(&out, text ? text : "null");
		free(text);
	} else {
		cleanup_free char *made = unescape(format);

		r = template_render(made ? made : format, value, strict, &out, err);
	}
	buf_putc(&out, '\n');
	return r < 0 ? r : output_text(&out, err);
}

void cli_free_filters(Cleat__V1__Filter **filters, size_t n)
{
	for (size_t i = 0; i < n; i++)
		protobuf_c_message_free_unpacked(&filters[i]->base, NULL);
	free(filters);
}

static Cleat__V1__Filter *make_filter(const char *text, size_t key)
{
	Cleat__V1__Filter *f = malloc(sizeof(*f));

	if (!f)
		return NULL;
	cleat__v1__filter__init(f);
	f->key = strndup(text, key);
	return f;
}

/* The filter of that key, made if there is none; values of a key belong together. */
static Cleat__V1__Filter *filter_of(Cleat__V1__Filter **filters, size_t *n, const char *text,
				    size_t key)
{
	for (size_t i = 0; i < *n; i++)
		if (strncmp(filters[i]->key, text, key) == 0 && !filters[i]->key[key])
			return filters[i];
	filters[*n] = make_filter(text, key);
	return filters[*n] ? filters[(*n)++] : NULL;
}

int cli_filters(const struct flags *flags, Cleat__V1__Filter ***filters, size_t *n, struct err *err)
{
	const char *text;
	size_t most = 0;

	while (flags_nth(flags, "filter", most))
		most++;
	*n = 0;
	*filters = calloc(most + 1, sizeof(**filters));
	for (size_t i = 0; *filters && (text = flags_nth(flags, "filter", i)); i++) {
		size_t key = strcspn(text, "=");

		if (text[key] != '=' || key == 0)
			return err_set(err, ERR_INVALID,
				       "invalid argument \"%s\" for \"-f, --filter\" flag: "
				       "expected key=value",
				       text);
		Cleat__V1__Filter *f = filter_of(*filters, n, text, key);

		if (!f || !msg_add(&f->values, &f->n_values, text + key + 1))
			return err_sys(err, ENOMEM, "filters");
	}
	return *filters ? 0 : err_sys(err, ENOMEM, "filters");
}

int cli_each(struct cli *cli, const struct flags *flags, bool quiet,
	     int (*one)(struct cli *cli, const struct flags *flags, const char *arg,
			struct err *err))
{
	int code = 0;

	for (size_t i = 0; i < flags->n_args; i++) {
		struct err err = ERR_NULL;

		int r = one(cli, flags, flags->args[i], &err);

		if (r < 0) {
			output_error(&err);
			code = 1;
		} else if (r == 0 && !quiet) {
			printf("%s\n", flags->args[i]);
		}
	}
	return code;
}

bool cli_confirmed(const struct flags *flags, const char *what)
{
	char line[16] = "";

	if (flags_switch(flags, "force"))
		return true;
	printf("WARNING! This will remove%s\nAre you sure you want to continue? [y/N] ", what);
	fflush(stdout);
	return fgets(line, sizeof(line), stdin) && (line[0] == 'y' || line[0] == 'Y');
}

json_t *cli_joined(json_t *strings, const char *between)
{
	cleanup(buf_deinit) struct buf b = BUF_NULL;
	json_t *item, *out;
	size_t i;

	json_array_foreach(strings, i, item)
		buf_printf(&b, "%s%s", i ? between : "", json_string_value(item));
	json_decref(strings);
	out = json_string(b.data ? b.data : "");
	return out ? out : json_string("");
}
