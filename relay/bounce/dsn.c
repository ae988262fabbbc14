/*
 * A failure notification: multipart/report of a text for people, a
 * message/delivery-status for programs and the original or its header (RFC
 * 3464 2, RFC 6522 3, RFC 3461 6). Text of peers is escaped here, its sink:
 * the report is ASCII but for the original that it returns.
 */
#include "config.h"

#include "relay/bounce/dsn.h"

#include <stdio.h>
#include <string.h>

#include "relay/base/codec.h"
#include "relay/base/date.h"
#include "relay/smtp/ecode.h"
#include "relay/smtp/header.h"

#define BOUNDARY_MAX 48
#define WIDTH 72 /* of the text */
#define QUOTED_LINE 76 /* RFC 2045 6.7 (5) */
#define RETURNED_LINE 990 /* bytes of a returned line; RFC 5322 2.1.1: 998 */
#define VALUE_MAX 900 /* bytes of a value that is not folded */
#define DAY 86400

bool
dsn_wanted(const struct msg *msg, uint32_t notify)
{
	/* RFC 5321 4.5.5: never about a notification (QUE-07) */
	if (msg->sender[0] == '\0' || (msg->flags & MSG_DSN))
		return false;
	/* RFC 3461 4.1: NEVER stands alone; nothing said includes FAILURE */
	if (notify & NOTIFY_NEVER)
		return false;
	return notify == 0 || (notify & NOTIFY_FAILURE);
}

/* Printable ASCII stays, the rest becomes \xNN; no more than max bytes. */
static void
add_escaped(struct buf *out, const char *s, size_t max)
{
	size_t end = out->n + max;

	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		bool plain = c >= ' ' && c <= '~';

		if (out->n + (plain ? 1 : 4) > end)
			return;
		if (plain)
			buf_add_char(out, (char)c);
		else
			buf_addf(out, "\\x%02x", c);
	}
}

/* Words of text, indented and wrapped. Words longer than a line are cut. */
static void
add_wrapped(struct buf *out, const char *indent, const char *text)
{
	size_t margin = strlen(indent), at = 0;
	struct buf clean;
	struct str rest, word;

	buf_init(&clean, 8 * OUTCOME_TEXT);
	add_escaped(&clean, text, clean.max);
	rest = buf_str(&clean);
	while (str_cut(&rest, ' ', &word)) {
		while (word.n > 0) {
			size_t n = word.n < WIDTH ? word.n : WIDTH;

			if (at > 0 && at + 1 + n > WIDTH) {
				buf_add_cstr(out, "\r\n");
				at = 0;
			}
			if (at == 0) {
				buf_add_cstr(out, indent);
				at = margin;
			} else {
				buf_add_char(out, ' ');
				at++;
			}
			buf_add(out, word.p, n);
			at += n;
			word = str_skip(word, n);
		}
	}
	buf_add_cstr(out, "\r\n");
	buf_clear(&clean);
}

/* Unfolded value of a field, folded at spaces: RFC 5322 2.2.3. */
static void
add_field(struct buf *out, const char *name, const char *text)
{
	struct buf line;

	buf_init(&line, 8 * OUTCOME_TEXT);
	buf_addf(&line, "%s %s", name, text);
	if (line.n <= WIDTH) {
		add_escaped(out, line.p, VALUE_MAX);
		buf_add_cstr(out, "\r\n");
	} else {
		buf_add_cstr(out, name);
		buf_add_cstr(out, "\r\n");
		add_wrapped(out, "    ", text);
	}
	buf_clear(&line);
}

/* xtext of RFC 3461 4 back to what it stands for; as it is if it is none. */
static void
add_unxtext(struct buf *out, struct str s)
{
	struct buf plain;

	buf_init(&plain, ORCPT_MAX);
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '+') {
			buf_add_char(&plain, s.p[i]);
			continue;
		}
		if (i + 2 >= s.n ||
		    codec_unhex(str_n(s.p + i + 1, 2), &plain)) {
			buf_reset(&plain);
			buf_add_str(&plain, s);
			break;
		}
		i += 2;
	}
	if (plain.n > 0)
		add_escaped(out, plain.p, VALUE_MAX);
	buf_clear(&plain);
}

/* RFC 3464 2.3.4, 2.3.3: the status agrees with "failed". A refusal is 5.x.x;
 * what ran out of time keeps the transient reason (RFC 3463 3.5: 4.4.7). */
static void
status_of(const struct outcome *o, char out[ECODE_MAX])
{
	struct ecode e;
	size_t used;

	if (ecode_parse(str_of(o->dsn), &e, &used) || e.cls == 2) {
		snprintf(out, ECODE_MAX, "%s",
		    o->cls == OUT_EXPIRED ? "4.4.7" : "5.0.0");
		return;
	}
	if (o->cls == OUT_BOUNCED)
		e.cls = 5;
	ecode_str(&e, out);
}

static const char *
why_text(const struct outcome *o)
{
	if (o->cls == OUT_EXPIRED && o->by_policy)
		return "The mail could not be sent in the secure way that is "
		       "required for this destination, and it was kept until "
		       "its time in the queue ran out. The last reason was:";
	if (o->cls == OUT_EXPIRED)
		return "Delivery was tried until the message's time in the "
		       "queue ran out. The last reason was:";
	if (o->remote)
		return "The host of the destination refused it and said:";
	return "It can't be delivered:";
}

static void
add_rcpt_text(const struct dsn_rcpt *r, struct buf *out)
{
	const struct outcome *o = r->outcome;
	char status[ECODE_MAX];
	struct buf line;

	status_of(o, status);
	buf_init(&line, 2 * OUTCOME_TEXT);
	buf_add_char(out, '<');
	add_escaped(out, r->addr, VALUE_MAX);
	buf_add_cstr(out, ">\r\n");
	add_wrapped(out, "    ", why_text(o));
	add_wrapped(out, "        ", o->reply);
	buf_addf(&line, "Host: %s%s%s%s. Status: %s. Rule: %s.",
	    o->mx[0] ? o->mx : "none", o->addr[0] ? " [" : "", o->addr,
	    o->addr[0] ? "]" : "", status, o->rule);
	add_wrapped(out, "    ", line.p);
	buf_add_cstr(out, "\r\n");
	buf_clear(&line);
}

static void
add_text(const struct dsn_in *in, struct buf *out)
{
	int64_t days = (in->now - in->msg->arrived) / DAY;
	char arrived[DATE_MAX];

	date_rfc5322(in->msg->arrived, arrived);
	buf_addf(out,
	    "Content-Type: text/plain; charset=us-ascii\r\n\r\n"
	    "This is the mail relay %s.\r\n\r\n"
	    "Your message of %s\r\n(queue id %s",
	    in->hostname, arrived, in->qid);
	if (days > 0)
		buf_addf(out, ", %lld day%s ago", (long long)days,
		    days > 1 ? "s" : "");
	buf_add_cstr(out, ") could not be delivered to:\r\n\r\n");
	for (size_t i = 0; i < in->n; i++)
		add_rcpt_text(&in->rcpts[i], out);
	buf_add_cstr(out,
	    "Nothing more will be tried for these recipients. The rules are "
	    "those of the\r\nrelay's documentation; its administrator can "
	    "look up the queue id.\r\n");
}

/* RFC 3464 2.2.1 and 2.3.1: values of the client, with xtext decoded */
static void
add_xtext_field(
    struct buf *out, const char *name, const char *type, struct str value)
{
	if (value.n == 0)
		return;
	buf_addf(out, "%s: %s", name, type);
	add_unxtext(out, value);
	buf_add_cstr(out, "\r\n");
}

static void
add_orcpt(struct buf *out, const char *orcpt)
{
	struct str s = str_of(orcpt);
	size_t n = str_find(s, ';');
	char type[32];

	if (n == s.n || n == 0 || n + 2 > sizeof(type))
		return;
	/* RFC 3461 4.2: addr-type is an atom */
	for (size_t i = 0; i < n; i++) {
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return;
	}
	snprintf(type, sizeof(type), "%.*s;", (int)n, s.p);
	add_xtext_field(out, "Original-Recipient", type, str_skip(s, n + 1));
}

/* RFC 3464 2.3 */
static void
add_rcpt_status(
    const struct dsn_in *in, const struct dsn_rcpt *r, struct buf *out)
{
	const struct outcome *o = r->outcome;
	char status[ECODE_MAX], date[DATE_MAX];

	status_of(o, status);
	date_rfc5322(in->now, date);
	buf_add_cstr(out, "\r\n");
	if (r->orcpt)
		add_orcpt(out, r->orcpt);
	buf_add_cstr(out, "Final-Recipient: rfc822; ");
	add_escaped(out, r->addr, VALUE_MAX);
	buf_addf(out, "\r\nAction: failed\r\nStatus: %s\r\n", status);
	if (o->mx[0])
		buf_addf(out, "Remote-MTA: dns; %s\r\n", o->mx);
	if (o->reply[0])
		add_field(out,
		    o->remote ? "Diagnostic-Code: smtp;"
			      : "Diagnostic-Code: x-waxseal;",
		    o->reply);
	buf_addf(out, "X-Waxseal-Rule: %s\r\n", o->rule);
	buf_addf(out, "Last-Attempt-Date: %s\r\n", date);
}

static void
add_status(const struct dsn_in *in, struct buf *out)
{
	char arrived[DATE_MAX];

	date_rfc5322(in->msg->arrived, arrived);
	buf_addf(out,
	    "Content-Type: message/delivery-status\r\n\r\n"
	    "Reporting-MTA: dns; %s\r\n",
	    in->hostname);
	add_xtext_field(
	    out, "Original-Envelope-Id", "", str_of(in->msg->envid));
	buf_addf(out, "X-Waxseal-Queue-ID: %s\r\nArrival-Date: %s\r\n", in->qid,
	    arrived);
	for (size_t i = 0; i < in->n; i++)
		add_rcpt_status(in, &in->rcpts[i], out);
}

/* What comes back: everything only when nothing speaks against it. */
static bool
returns_all(const struct dsn_in *in)
{
	struct str rest = in->original, line;

	/* RFC 3461 4.3; RFC 8689 5 (RTLS-08) */
	if (in->msg->flags & (MSG_RET_HDRS | MSG_REQUIRETLS))
		return false;
	if (in->original.n > in->max_original)
		return false;
	/* A report that needs 8BITMIME could not be told to every sender, and
	 * RFC 2046 5.2.1 lets nobody encode a message within a message. */
	if (header_is_8bit(in->original))
		return false;
	/* RFC 5322 2.1.1: we send no line longer than 998 bytes. */
	while (str_cut(&rest, '\n', &line)) {
		if (line.n > RETURNED_LINE)
			return false;
	}
	return true;
}

/* Lines with CRLF ends, cut where they are too long. */
static void
add_lines(struct buf *out, struct str text)
{
	struct str line;

	while (str_cut(&text, '\n', &line)) {
		while (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		if (line.n > RETURNED_LINE)
			line.n = RETURNED_LINE;
		buf_add_str(out, line);
		buf_add_cstr(out, "\r\n");
	}
}

/* RFC 2045 6.7, text whose lines end in CRLF. */
static void
add_quoted(struct buf *out, struct str text)
{
	size_t column = 0;

	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		bool crlf = c == '\r' && i + 1 < text.n &&
		    text.p[i + 1] == '\n';
		bool blank = c == ' ' || c == '\t';
		bool last = i + 1 == text.n || text.p[i + 1] == '\r';

		if (crlf) {
			buf_add_cstr(out, "\r\n");
			column = 0;
			i++;
			continue;
		}
		if (column > QUOTED_LINE - 4) {
			buf_add_cstr(out, "=\r\n");
			column = 0;
		}
		if ((c > ' ' && c < 0x7f && c != '=') || (blank && !last)) {
			buf_add_char(out, (char)c);
			column++;
		} else {
			buf_addf(out, "=%02X", c);
			column += 3;
		}
	}
}

/* RFC 2046 5.1.1: the boundary must not occur in what it encloses. */
static bool
contains(struct str s, const char *what)
{
	struct str w = str_of(what);

	while (s.n >= w.n) {
		size_t n = str_find(s, w.p[0]);

		s = str_skip(s, n);
		if (str_starts(s, w))
			return true;
		s = str_skip(s, 1);
	}
	return false;
}

static void
pick_boundary(const struct dsn_in *in, char out[BOUNDARY_MAX])
{
	uint64_t n = in->nonce;

	do
		snprintf(out, BOUNDARY_MAX, "=_waxseal_%016llx",
		    (unsigned long long)n++);
	while (contains(in->original, out));
}

/* RFC 3464 2, RFC 5322 3.6, RFC 3834 5 */
static void
add_header(const struct dsn_in *in, const char *boundary, struct buf *out)
{
	char date[DATE_MAX];

	date_rfc5322(in->now, date);
	buf_addf(out,
	    "Date: %s\r\n"
	    "From: Mail Delivery System <MAILER-DAEMON@%s>\r\n"
	    "To: <%s>\r\n"
	    "Subject: Undelivered mail\r\n"
	    "Message-ID: <%s.%016llx@%s>\r\n"
	    "Auto-Submitted: auto-replied\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/report; report-type=delivery-status;\r\n"
	    "\tboundary=\"%s\"\r\n",
	    date, in->hostname, in->msg->sender, in->qid,
	    (unsigned long long)in->nonce, in->hostname, boundary);
	buf_add_cstr(out, "\r\nThis is a delivery report in MIME form.\r\n");
}

void
dsn_build(const struct dsn_in *in, struct buf *out)
{
	bool all = returns_all(in);
	struct str back = all ? in->original : header_block(in->original);
	bool high = header_is_8bit(back);
	char boundary[BOUNDARY_MAX];

	pick_boundary(in, boundary);
	add_header(in, boundary, out);
	buf_addf(out, "\r\n--%s\r\n", boundary);
	add_text(in, out);
	buf_addf(out, "\r\n--%s\r\n", boundary);
	add_status(in, out);
	if (back.n > 0) {
		/* RFC 6522 3 and 4: the third part is optional. */
		buf_addf(out, "\r\n--%s\r\nContent-Type: %s\r\n%s\r\n",
		    boundary, all ? "message/rfc822" : "text/rfc822-headers",
		    high ? "Content-Transfer-Encoding: quoted-printable\r\n"
			 : "");
		if (high)
			add_quoted(out, back);
		else
			add_lines(out, back);
	}
	buf_addf(out, "\r\n--%s--\r\n", boundary);
}
