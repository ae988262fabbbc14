/* Rows are collected raw and escaped once, when they are written. */
#include "config.h"

#include "relay/ctl/explain_read.h"

#include <jansson.h>
#include <string.h>

#include "relay/ctl/explain_text.h"
#include "relay/ctl/wrap.h"

#define LINE_MAX_BYTES (1024u * 1024u)

int
explain_reader_open(struct explain_reader *r, struct str json, struct buf *out)
{
	memset(r, 0, sizeof(*r));
	r->out = out;
	buf_init(&r->line, LINE_MAX_BYTES);
	r->root = json_loadb(json.p, json.n, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(r->root) &&
	    json_is_true(json_object_get(r->root, "ok")))
		return 0;
	json_decref(r->root);
	r->root = NULL;
	return ERR_SYNTAX;
}

int
explain_reader_close(struct explain_reader *r)
{
	bool full = r->line.full || r->out->full;

	json_decref(r->root);
	buf_clear(&r->line);
	return r->bad || full ? ERR_SYNTAX : 0;
}

struct str
explain_str(struct explain_reader *r, const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_string(v)) {
		r->bad = true;
		return STR("");
	}
	return str_n(json_string_value(v), json_string_length(v));
}

int64_t
explain_number(struct explain_reader *r, const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_integer(v))
		r->bad = true;
	return json_integer_value(v);
}

bool
explain_bool(struct explain_reader *r, const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_boolean(v))
		r->bad = true;
	return json_is_true(v);
}

struct buf *
explain_line(struct explain_reader *r)
{
	buf_reset(&r->line);
	return &r->line;
}

struct buf *
explain_buf(struct explain_reader *r)
{
	return &r->line;
}

void
explain_add(struct explain_reader *r, const json_t *o, const char *key)
{
	buf_add_str(&r->line, explain_str(r, o, key));
}

void
explain_flush(struct explain_reader *r, const char *label)
{
	wrap_add(
	    r->out, label, EXPLAIN_INDENT, EXPLAIN_COLUMNS, buf_str(&r->line));
	if (r->line.full)
		r->bad = true;
}

void
explain_row(struct explain_reader *r, const char *label, const char *text)
{
	buf_add_cstr(explain_line(r), text);
	explain_flush(r, label);
}
