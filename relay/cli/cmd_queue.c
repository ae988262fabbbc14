/* waxseal queue: what waits, and what may be done with it. */
#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "relay/cli/cli.h"
#include "relay/model/msg.h"

static int
run_stats(const struct cli *c)
{
	const struct ctl_question q = {.cmd = CTL_QUEUE_STATS};
	struct ctl_answer a;
	struct buf answer;
	int fd;

	if (c->n_words != 2)
		return cli_bad_usage("queue stats takes no arguments");
	fd = cli_connect(c);
	buf_init(&answer, CTL_ANSWER_MAX);
	cli_must_ask(c, fd, &q, &answer, &a);
	cli_show(c, buf_str(&answer), ctl_stats_text);
	buf_clear(&answer);
	close(fd);
	return EXIT_FINE;
}

/* Prints the rows of a page as members of the one array of all pages. */
static void
print_rows(const struct cli *c, struct str answer, bool first)
{
	json_t *root = json_loadb(answer.p, answer.n, 0, NULL), *row;
	size_t i;

	json_array_foreach(json_object_get(root, "rows"), i, row)
	{
		if (!first || i > 0)
			cli_print(STR(","));
		if (json_dumpf(row, stdout, JSON_COMPACT))
			cli_no_answer(c, "the answer can't be shown");
	}
	json_decref(root);
}

/* All pages. With --json they make one value. */
static size_t
list_pages(const struct cli *c, int fd, struct ctl_question *q)
{
	/* Once a value has begun, no other may follow on standard output. */
	struct cli begun = *c;
	struct ctl_answer a;
	struct buf answer;
	size_t n = 0;

	begun.json = false;
	buf_init(&answer, CTL_ANSWER_MAX);
	do {
		cli_must_ask(n == 0 ? c : &begun, fd, q, &answer, &a);
		if (c->json && n == 0)
			cli_print(STR("{\"ok\":true,\"rows\":["));
		if (c->json)
			print_rows(c, buf_str(&answer), n == 0);
		else
			cli_show(c, buf_str(&answer), ctl_list_text);
		n += a.rows;
		q->after = a.last;
	} while (a.rows == q->limit);
	if (c->json)
		cli_print(STR("]}\n"));
	buf_clear(&answer);
	return n;
}

static int
run_list(const struct cli *c)
{
	struct ctl_question q = {.cmd = CTL_QUEUE_LIST, .limit = CTL_LIST_MAX};
	size_t n;
	int fd;

	if (c->n_words > 3)
		return cli_bad_usage("queue list takes one ID at most");
	if (c->n_words == 3 && msg_qid_parse(str_of(c->words[2]), &q.msg))
		return cli_bad_usage("an ID has 13 letters and digits");
	fd = cli_connect(c);
	n = list_pages(c, fd, &q);
	if (n == 0 && !c->json)
		cli_print(q.msg ? STR("no such message in the queue\n")
				: STR("the queue is empty\n"));
	close(fd);
	return q.msg && n == 0 ? EXIT_NO : EXIT_FINE;
}

static int
run_release(const struct cli *c)
{
	struct ctl_question q = {.cmd = CTL_QUEUE_RELEASE};
	struct ctl_answer a;
	struct buf answer;
	int fd;

	if (c->n_words != 3 || msg_qid_parse(str_of(c->words[2]), &q.msg))
		return cli_bad_usage(
		    "queue release takes one ID of 13 letters and digits");
	fd = cli_connect(c);
	buf_init(&answer, CTL_ANSWER_MAX);
	cli_must_ask(c, fd, &q, &answer, &a);
	cli_show(c, buf_str(&answer), ctl_release_text);
	buf_clear(&answer);
	close(fd);
	return a.recipients > 0 ? EXIT_FINE : EXIT_NO;
}

int
cmd_queue(const struct cli *c)
{
	const char *sub = c->n_words > 1 ? c->words[1] : "";

	if (strcmp(sub, "list") == 0)
		return run_list(c);
	if (strcmp(sub, "stats") == 0)
		return run_stats(c);
	if (strcmp(sub, "release") == 0)
		return run_release(c);
	return cli_bad_usage("queue what? list, stats or release");
}
