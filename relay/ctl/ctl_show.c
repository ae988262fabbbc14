/*
 * Answers of the control protocol as text for people. Everything is taken
 * from the JSON line; a member that is missing or of another type is
 * ERR_SYNTAX, so that a daemon of another version is noticed. Remote text
 * gets here unescaped and goes through ctl_text_add.
 */
#include "config.h"

#include "relay/ctl/ctl_show.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "relay/ctl/ctl_text.h"

/* A reader that remembers whether something was not as it should be. */
struct reader {
	json_t *root;
	struct buf *out;
	bool bad;
};

static uint64_t
number(struct reader *r, const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_integer(v) || json_integer_value(v) < 0) {
		r->bad = true;
		return 0;
	}
	return (uint64_t)json_integer_value(v);
}

static struct str
text(struct reader *r, const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_string(v)) {
		r->bad = true;
		return STR("");
	}
	return str_n(json_string_value(v), json_string_length(v));
}

static json_t *
array(struct reader *r, const char *key)
{
	json_t *v = json_object_get(r->root, key);

	if (!json_is_array(v))
		r->bad = true;
	return v;
}

/* Appends before, the member and after. */
static void
show(struct reader *r, const json_t *o, const char *before, const char *key,
    const char *after)
{
	buf_add_cstr(r->out, before);
	ctl_text_add(r->out, text(r, o, key));
	buf_add_cstr(r->out, after);
}

/* The same, but nothing at all when the member is empty. */
static void
show_any(struct reader *r, const json_t *o, const char *before, const char *key)
{
	if (text(r, o, key).n > 0)
		show(r, o, before, key, "");
}

static void
show_number(struct reader *r, const json_t *o, const char *before,
    const char *key, const char *after)
{
	buf_addf(r->out, "%s%llu%s", before,
	    (unsigned long long)number(r, o, key), after);
}

static NODISCARD int
reader_open(struct reader *r, struct str json, struct buf *out)
{
	memset(r, 0, sizeof(*r));
	r->out = out;
	r->root = json_loadb(json.p, json.n, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(r->root) &&
	    json_is_boolean(json_object_get(r->root, "ok")))
		return 0;
	json_decref(r->root);
	r->root = NULL;
	return ERR_SYNTAX;
}

static NODISCARD int
reader_close(struct reader *r)
{
	bool ok = json_is_true(json_object_get(r->root, "ok"));

	json_decref(r->root);
	return r->bad || !ok || r->out->full ? ERR_SYNTAX : 0;
}

int
ctl_answer_parse(struct str json, struct ctl_answer *out)
{
	struct ctl_answer a = {.ok = false};
	struct reader r;
	const json_t *rows, *last;
	struct buf b;
	int err = reader_open(&r, json, NULL);

	if (err)
		return err;
	a.ok = json_is_true(json_object_get(r.root, "ok"));
	if (!a.ok) {
		buf_init(&b, sizeof(a.error) - 1);
		ctl_text_add(&b, text(&r, r.root, "error"));
		(void)snprintf(
		    a.error, sizeof(a.error), "%.*s", STR_FMT(buf_str(&b)));
		buf_clear(&b);
	}
	a.problems = json_array_size(json_object_get(r.root, "problems"));
	rows = json_object_get(r.root, "rows");
	a.rows = json_array_size(rows);
	a.recipients = (uint64_t)json_integer_value(
	    json_object_get(r.root, "recipients"));
	if (a.rows > 0) {
		last = json_array_get(rows, a.rows - 1);
		/* Policies have names, and pages behind a name. */
		if (!json_is_string(json_object_get(last, "id")))
			a.last = number(&r, last, "id");
	}
	json_decref(r.root);
	if (r.bad)
		return ERR_SYNTAX;
	*out = a;
	return 0;
}

/* ---- queue ---- */

static void
show_queue(struct reader *r, const json_t *q)
{
	char size[CTL_TEXT_MAX];

	ctl_text_size(number(r, q, "bytes"), size);
	show_number(r, q, "queue      ", "messages", " messages");
	buf_addf(r->out, " (%s)", size);
	show_number(r, q, ", ", "recipients", " recipients");
	show_number(r, q, " of which ", "deferred", " deferred");
	if (number(r, q, "held") > 0)
		show_number(r, q, ", ", "held", " held");
	show_number(r, q, ", ", "destinations", " destinations\n");
	if (json_is_string(json_object_get(q, "oldest")))
		show(r, q, "oldest     ", "oldest", "\n");
}

int
ctl_stats_text(struct str json, struct buf *out)
{
	struct reader r;
	int err = reader_open(&r, json, out);

	if (err)
		return err;
	show_queue(&r, json_object_get(r.root, "queue"));
	return reader_close(&r);
}

int
ctl_release_text(struct str json, struct buf *out)
{
	struct reader r;
	int err = reader_open(&r, json, out);

	if (err)
		return err;
	if (number(&r, r.root, "recipients") == 0)
		buf_add_cstr(out, "no such message is held\n");
	else
		show_number(&r, r.root, "", "recipients",
		    " recipients released, to be tried now\n");
	return reader_close(&r);
}

static void
show_row(struct reader *r, const json_t *row)
{
	char size[CTL_TEXT_MAX];

	ctl_text_size(number(r, row, "size"), size);
	show(r, row, "", "message", "  ");
	buf_addf(r->out, "%7s", size);
	show(r, row, "  ", "arrived", "");
	show(r, row, "  <", "from", ">\n");
	show(r, row, "    <", "to", ">");
	show(r, row, " ", "state", "");
	show_number(r, row, ", ", "tries", " tries");
	/* A held one has no next try. */
	if (str_eq(text(r, row, "state"), STR("held")))
		buf_add_cstr(r->out, "\n");
	else
		show(r, row, ", next ", "next_try", "\n");
	if (text(r, row, "reply").n == 0)
		return;
	buf_add_cstr(r->out, "    ");
	show(r, row, "", "dsn", "");
	show_any(r, row, " ", "rule");
	show_any(r, row, " ", "mx");
	show(r, row, ": ", "reply", "\n");
}

int
ctl_list_text(struct str json, struct buf *out)
{
	struct reader r;
	json_t *rows, *row;
	size_t i;
	int err = reader_open(&r, json, out);

	if (err)
		return err;
	rows = array(&r, "rows");
	json_array_foreach(rows, i, row) show_row(&r, row);
	return reader_close(&r);
}

/* ---- status ---- */

static void
show_counters(struct reader *r)
{
	const json_t *c = json_object_get(r->root, "counters");

	show_number(r, c, "accepted   ", "messages_accepted_total",
	    " messages since the start\n");
	show_number(
	    r, c, "sent       ", "recipients_sent_total", " recipients");
	show_number(r, c, " (", "sent_dane_total", " by DANE");
	show_number(r, c, ", ", "sent_sts_total", " by MTA-STS");
	show_number(r, c, ", ", "sent_clear_total", " without TLS)\n");
	show_number(r, c, "not sent   ", "recipients_deferred_total",
	    " attempts deferred");
	show_number(r, c, " (", "held_policy_total", " held by policy)");
	show_number(r, c, ", ", "recipients_bounced_total", " bounced");
	show_number(r, c, ", ", "recipients_expired_total", " expired\n");
}

static void
show_problems(struct reader *r)
{
	json_t *list = array(r, "problems"), *p;
	size_t i;

	if (json_array_size(list) == 0)
		buf_add_cstr(r->out, "\nno problems\n");
	json_array_foreach(list, i, p)
	{
		show(r, p, "\nPROBLEM    ", "what", ": ");
		show(r, p, "", "text", "\n");
		show(r, p, "  what to do: ", "todo", "\n");
	}
}

int
ctl_status_text(struct str json, struct buf *out)
{
	struct reader r;
	const json_t *o;
	json_t *list, *l;
	char up[CTL_TEXT_MAX];
	size_t i;
	int err = reader_open(&r, json, out);

	if (err)
		return err;
	ctl_text_duration((int64_t)number(&r, r.root, "uptime"), up);
	show(&r, r.root, "waxseald   ", "version", "");
	buf_addf(out, ", up %s", up);
	show_number(&r, r.root, ", ", "workers", " workers\n");
	list = array(&r, "listens");
	json_array_foreach(list, i, l)
	{
		show(&r, l, "listening  ", "address", "");
		show(&r, l, " (", "role", ")\n");
	}
	o = json_object_get(r.root, "resolver");
	show(&r, o, "resolver   ", "mode", "");
	show(&r, o, ", ", "state", "\n");
	show(
	    &r, json_object_get(r.root, "store"), "store      ", "state", "\n");
	o = json_object_get(r.root, "queue");
	if (json_is_object(o))
		show_queue(&r, o);
	else
		buf_add_cstr(out, "queue      not known\n");
	show_counters(&r);
	show_problems(&r);
	return reader_close(&r);
}
