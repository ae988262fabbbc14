/*
 * Questions to the control socket, and answers made of what strangers said. A
 * question that is understood is built and understood again; an answer is
 * JSON and its text has no control characters, whatever stands in the queue.
 */
#include "config.h"

#include "relay/ctl/ctl_proto.h"

#include "relay/ctl/ctl_show.h"
#include "tests/fuzz/fuzz.h"

#define ROWS 3

static void
check_question(struct str s)
{
	struct ctl_question q, again;
	struct buf b;
	int err = ctl_question_parse(s, &q);

	FUZZ_CHECK(err == 0 || err == ERR_SYNTAX || err == ERR_NOTFOUND ||
	    err == ERR_RANGE);
	if (err)
		return;
	FUZZ_CHECK((unsigned)q.cmd <= CTL_QUEUE_STATS);
	FUZZ_CHECK(q.limit >= 1 && q.limit <= CTL_LIST_MAX);
	buf_init(&b, CTL_LINE_MAX);
	ctl_question_build(&q, &b);
	FUZZ_CHECK(!b.full && b.n > 0 && b.p[b.n - 1] == '\n');
	FUZZ_CHECK(ctl_question_parse(str_n(b.p, b.n - 1), &again) == 0);
	FUZZ_CHECK(q.cmd == again.cmd && q.after == again.after);
	FUZZ_CHECK(q.limit == again.limit && q.msg == again.msg);
	buf_clear(&b);
}

static bool
is_clean(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (((unsigned char)s.p[i] < ' ' && s.p[i] != '\n') ||
		    s.p[i] == 0x7f)
			return false;
	}
	return true;
}

/* One line of JSON that says ok or not, and its end. */
static struct str
check_answer(const struct buf *b, bool ok, struct ctl_answer *out)
{
	struct str line = buf_str(b);

	FUZZ_CHECK(!b->full && line.n > 0 && line.p[line.n - 1] == '\n');
	line.n--;
	FUZZ_CHECK(str_find(line, '\n') == line.n);
	FUZZ_CHECK(ctl_answer_parse(line, out) == 0);
	FUZZ_CHECK(out->ok == ok);
	return line;
}

static void
check_error(struct fuzz_in in)
{
	struct ctl_answer a;
	char text[256];
	struct buf b;

	fuzz_text(text, sizeof(text), fuzz_rest(&in));
	buf_init(&b, CTL_ANSWER_MAX);
	ctl_error_build(text, &b);
	(void)check_answer(&b, false, &a);
	FUZZ_CHECK(is_clean(str_of(a.error)));
	buf_clear(&b);
}

static void
take_row(struct fuzz_in *in, struct store_row *r)
{
	memset(r, 0, sizeof(*r));
	r->msg = fuzz_take_number(in, 8) & INT64_MAX;
	r->rcpt = fuzz_take_number(in, 2);
	r->arrived = (int64_t)fuzz_take_number(in, 4);
	r->next_try = (int64_t)fuzz_take_number(in, 4);
	r->tries = fuzz_take_byte(in);
	(void)snprintf(r->state, sizeof(r->state), "queued");
	(void)snprintf(r->rule, sizeof(r->rule), "SMTP-09");
	fuzz_text(r->dsn, sizeof(r->dsn), fuzz_take_until(in, '\n'));
	fuzz_text(r->sender, sizeof(r->sender), fuzz_take_until(in, '\n'));
	fuzz_text(r->addr, sizeof(r->addr), fuzz_take_until(in, '\n'));
	fuzz_text(r->mx, sizeof(r->mx), fuzz_take_until(in, '\n'));
	fuzz_text(r->reply, sizeof(r->reply), fuzz_take_until(in, '\0'));
}

static void
check_list(struct fuzz_in in)
{
	struct store_row rows[ROWS];
	size_t n = fuzz_take_byte(&in) % (ROWS + 1);
	struct ctl_answer a;
	struct buf b, text;
	struct str line;

	for (size_t i = 0; i < n; i++)
		take_row(&in, &rows[i]);
	buf_init(&b, CTL_ANSWER_MAX);
	buf_init(&text, CTL_ANSWER_MAX);
	ctl_list_build(rows, n, &b);
	line = check_answer(&b, true, &a);
	FUZZ_CHECK(a.rows == n);
	FUZZ_CHECK(n == 0 || a.last == rows[n - 1].rcpt);
	FUZZ_CHECK(ctl_list_text(line, &text) == 0);
	FUZZ_CHECK(is_clean(buf_str(&text)));
	buf_clear(&text);
	buf_clear(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};

	check_question(str_n((const char *)data, size));
	check_error(in);
	check_list(in);
	return 0;
}
