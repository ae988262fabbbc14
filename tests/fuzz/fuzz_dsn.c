/*
 * Failure notifications of hostile outcomes: replies, addresses, tags and the
 * original are any bytes. The report is 7-bit text of short lines with CRLF
 * ends, has exactly its three parts, and no header field but those it is made
 * of.
 */
#include "config.h"

#include "relay/bounce/dsn.h"

#include "relay/bounce/bounce.h"
#include "relay/smtp/header.h"
#include "tests/fuzz/fuzz.h"

#define RCPTS 3
#define HEADER_FIELDS 8
#define LINE_MAX_BYTES 998 /* RFC 5322 2.1.1 */

struct world {
	struct msg *msg;
	struct outcome outcomes[RCPTS];
	char addr[RCPTS][ADDR_MAX], orcpt[RCPTS][ORCPT_MAX];
	struct dsn_rcpt rcpts[RCPTS];
	struct dsn_in in;
};

static void
take_rcpt(struct world *w, struct fuzz_in *in)
{
	size_t i = w->in.n++;
	struct outcome *o = &w->outcomes[i];
	uint8_t flags = fuzz_take_byte(in);

	outcome_init(o, flags & 1 ? OUT_EXPIRED : OUT_BOUNCED);
	o->rule = "SMTP-09";
	o->remote = flags & 2;
	o->by_policy = flags & 4;
	fuzz_text(o->dsn, sizeof(o->dsn), fuzz_take_until(in, '\n'));
	fuzz_text(o->reply, sizeof(o->reply), fuzz_take_until(in, '\0'));
	if (flags & 8)
		(void)snprintf(o->mx, sizeof(o->mx), "mx.example.net");
	if (flags & 16)
		(void)snprintf(o->addr, sizeof(o->addr), "2001:db8::1");
	fuzz_text(w->addr[i], ADDR_MAX, fuzz_take_until(in, '\n'));
	fuzz_text(w->orcpt[i], ORCPT_MAX, fuzz_take_until(in, '\n'));
	w->rcpts[i] = (struct dsn_rcpt){.addr = w->addr[i],
	    .orcpt = flags & 32 ? w->orcpt[i] : NULL,
	    .outcome = o};
}

static void
take_world(struct fuzz_in *in, struct world *w)
{
	uint8_t flags = fuzz_take_byte(in);
	size_t n = flags % RCPTS + 1;

	memset(w, 0, sizeof(*w));
	w->msg = msg_new();
	(void)snprintf(w->msg->sender, ADDR_MAX, "me@example.org");
	if (flags & 4)
		w->msg->flags |= MSG_RET_HDRS;
	w->msg->arrived = 1780000000;
	fuzz_text(w->msg->envid, ENVID_MAX, fuzz_take_until(in, '\n'));
	while (n-- > 0)
		take_rcpt(w, in);
	w->in.hostname = "relay.example";
	w->in.msg = w->msg;
	w->in.qid = "0123456789ABC";
	w->in.rcpts = w->rcpts;
	w->in.now = 1780000000 + 86400 * (int64_t)(flags >> 4);
	w->in.nonce = 0x1234;
	w->in.max_original = flags & 8 ? 20 : 1u << 20;
	w->in.original = fuzz_rest(in);
}

static void
check_lines(struct str s, struct str original)
{
	/* Only the original may bring a CR of its own. */
	bool cr = str_find(original, '\r') < original.n;
	struct str line;

	FUZZ_CHECK(s.n > 0 && str_ends_ci(s, STR("\r\n")));
	while (s.n > 0 && str_cut(&s, '\n', &line)) {
		FUZZ_CHECK(line.n > 0 && line.p[line.n - 1] == '\r');
		line.n--;
		FUZZ_CHECK(line.n <= LINE_MAX_BYTES);
		FUZZ_CHECK(cr || str_find(line, '\r') == line.n);
		for (size_t i = 0; i < line.n; i++)
			FUZZ_CHECK((unsigned char)line.p[i] < 0x80);
	}
}

static size_t
count_lines(struct str s, const char *prefix)
{
	struct str line;
	size_t n = 0;

	while (str_cut(&s, '\n', &line))
		n += str_starts(line, str_of(prefix));
	return n;
}

/* The "--" and boundary that the header names. */
static void
find_boundary(struct str s, char out[64])
{
	struct str line, mark = STR("\tboundary=\"");

	out[0] = '\0';
	while (str_cut(&s, '\n', &line)) {
		if (!str_starts(line, mark))
			continue;
		line = str_skip(line, mark.n);
		(void)snprintf(
		    out, 64, "--%.*s", (int)str_find(line, '"'), line.p);
		break;
	}
	FUZZ_CHECK(strlen(out) > 12);
}

/* Offset of the last line that begins with what. */
static size_t
find_last(struct str s, const char *what)
{
	size_t at = s.n;

	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i - 1] == '\n' &&
		    str_starts(str_skip(s, i), str_of(what)))
			at = i;
	}
	return at;
}

static void
check_parts(const struct world *w, struct str s)
{
	struct str head = header_block(s), line;
	char boundary[64];
	size_t fields = 0, n;

	while (str_cut(&head, '\n', &line))
		fields += line.n > 0 && line.p[0] != '\t';
	FUZZ_CHECK(fields == HEADER_FIELDS);
	find_boundary(s, boundary);
	/* In front of two or three parts, and behind them. */
	n = count_lines(s, boundary);
	FUZZ_CHECK(n == 4 || (n == 3 && header_block(w->in.original).n == 0));
	FUZZ_CHECK(find_last(s, boundary) + strlen(boundary) + 4 == s.n);
	if (n == 4) {
		/* What is returned is not ours. */
		size_t at = s.n;

		while (at > 0 && !str_starts(str_skip(s, at), str_of(boundary)))
			at--;
		s = str_n(s.p, at);
		while (at > 0 && !str_starts(str_skip(s, at), str_of(boundary)))
			at--;
		s = str_n(s.p, at);
	}
	FUZZ_CHECK(fuzz_is_printable(s, "\r\n\t"));
	FUZZ_CHECK(count_lines(s, "Final-Recipient: ") == w->in.n);
	FUZZ_CHECK(count_lines(s, "Action: failed\r") == w->in.n);
	FUZZ_CHECK(count_lines(s, "Status: ") == w->in.n);
}

static void
check_bounce(const struct world *w, struct str text)
{
	struct rcpt_in to;
	struct msg *m = NULL;

	FUZZ_CHECK(bounce_make(&w->in, &m, &to) == 0);
	FUZZ_CHECK(m->sender[0] == '\0' && (m->flags & MSG_DSN));
	FUZZ_CHECK(!(m->flags & MSG_8BIT) && m->size == text.n);
	FUZZ_CHECK(str_eq(blob_str(m->body), text));
	FUZZ_CHECK(strcmp(to.addr, w->msg->sender) == 0);
	FUZZ_CHECK(!dsn_wanted(m, NOTIFY_FAILURE));
	msg_unref(m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	struct world w;
	struct buf out;

	take_world(&in, &w);
	buf_init(&out, 1u << 24);
	dsn_build(&w.in, &out);
	FUZZ_CHECK(!out.full);
	check_lines(buf_str(&out), w.in.original);
	check_parts(&w, buf_str(&out));
	check_bounce(&w, buf_str(&out));
	buf_clear(&out);
	msg_unref(w.msg);
	return 0;
}
