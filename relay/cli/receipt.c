/*
 * waxseal explain --message: what became of a message. What waits is asked
 * first: a recipient that is delivered in between is then in both answers and
 * not in none, and its receipt counts.
 */
#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relay/cli/cli.h"
#include "relay/ctl/ctl_json.h"
#include "relay/ctl/ctl_receipt.h"
#include "relay/ctl/ctl_text.h"
#include "relay/model/msg.h"

/* The rows of all pages. */
static json_t *
ask_rows(const struct cli *c, int fd, struct ctl_question q)
{
	json_t *all = ctl_json_need(json_array());
	struct ctl_answer a;
	struct buf answer;

	buf_init(&answer, CTL_ANSWER_MAX);
	do {
		json_t *root;

		cli_must_ask(c, fd, &q, &answer, &a);
		root = json_loadb(answer.p, answer.n, 0, NULL);
		if (json_array_extend(all, json_object_get(root, "rows")))
			cli_no_answer(c, "the answer has no rows");
		json_decref(root);
		q.after = a.last;
	} while (a.rows == q.limit);
	buf_clear(&answer);
	return all;
}

static bool
has_id(const json_t *rows, const json_t *id)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (json_equal(json_object_get(row, "id"), id))
			return true;
	}
	return false;
}

static void
drop_delivered(json_t *waiting, const json_t *delivered)
{
	size_t i = 0;

	while (i < json_array_size(waiting)) {
		const json_t *row = json_array_get(waiting, i);

		if (has_id(delivered, json_object_get(row, "id")))
			(void)json_array_remove(waiting, i);
		else
			i++;
	}
}

/* Rows as text, below a line that says what they are. */
static void
show_rows(const struct cli *c, const char *head, json_t *rows,
    int (*text_fn)(struct str, struct buf *))
{
	json_t *root = ctl_json_answer(true);
	char *line;

	if (json_array_size(rows) == 0) {
		json_decref(root);
		return;
	}
	cli_print(str_of(head));
	if (json_object_set(root, "rows", rows))
		BUG("out of memory");
	line = json_dumps(root, JSON_COMPACT);
	if (!line)
		BUG("out of memory");
	cli_show(c, str_of(line), text_fn);
	free(line);
	json_decref(root);
}

static void
show_head(const struct cli *c, const char *id, const json_t *row)
{
	struct buf b;

	(void)c;
	buf_init(&b, 4096);
	buf_addf(&b, "message %s from <", id);
	ctl_text_add(
	    &b, str_of(json_string_value(json_object_get(row, "from"))));
	buf_add_cstr(&b, ">, arrived ");
	ctl_text_add(
	    &b, str_of(json_string_value(json_object_get(row, "arrived"))));
	buf_add_char(&b, '\n');
	cli_print(buf_str(&b));
	buf_clear(&b);
}

static void
show_json(const char *id, json_t *delivered, json_t *waiting)
{
	json_t *root = ctl_json_answer(true);

	ctl_json_text(root, "message", id);
	if (json_object_set(root, "delivered", delivered) ||
	    json_object_set(root, "waiting", waiting))
		BUG("out of memory");
	if (json_dumpf(root, stdout, JSON_COMPACT) == 0)
		cli_print(STR("\n"));
	json_decref(root);
}

static void
show_text(
    const struct cli *c, const char *id, json_t *delivered, json_t *waiting)
{
	const json_t *first = json_array_get(
	    json_array_size(delivered) > 0 ? delivered : waiting, 0);

	if (!first) {
		cli_print(STR("nothing is known of that message: it does not "
			      "wait, and no receipt of\nit is kept; it may "
			      "have bounced, or its receipt is too old\n"
			      "(queue { receipts })\n"));
		return;
	}
	show_head(c, id, first);
	show_rows(c, "\n", delivered, ctl_receipts_text);
	show_rows(c, "\nstill waiting:\n", waiting, ctl_list_text);
}

int
cmd_receipt(const struct cli *c)
{
	const struct cli_opt *o = cli_opt(c, CLI_OPT_MESSAGE);
	struct ctl_question q = {.limit = CTL_LIST_MAX};
	json_t *delivered, *waiting;
	char id[MSG_QID_MAX];
	size_t n;
	int fd;

	if (!o || c->n_words != 1 || msg_qid_parse(str_of(o->arg), &q.msg))
		return cli_bad_usage("explain --message takes one ID of 13 "
				     "letters and digits");
	msg_qid(q.msg, id);
	fd = cli_connect(c);
	q.cmd = CTL_QUEUE_LIST;
	waiting = ask_rows(c, fd, q);
	q.cmd = CTL_RECEIPT;
	delivered = ask_rows(c, fd, q);
	close(fd);
	drop_delivered(waiting, delivered);
	n = json_array_size(delivered) + json_array_size(waiting);
	if (c->json)
		show_json(id, delivered, waiting);
	else
		show_text(c, id, delivered, waiting);
	json_decref(delivered);
	json_decref(waiting);
	return n > 0 ? EXIT_FINE : EXIT_NO;
}
