/*
 * Dot transparency, RFC 5321 4.5.2 (SMTP-03). Outgoing, every bare CR or LF
 * becomes CRLF, so that none can leave whatever made the body (SMTP-01).
 * Incoming, only CRLF begins a line and only CRLF "." CRLF ends the data
 * (SMTP-02, RFC 5321 4.1.1.4); a message with a bare CR or LF is marked, since
 * the next host may read it otherwise.
 */
#include "config.h"

#include "relay/smtp/dot.h"

enum { ST_BOL, ST_LINE, ST_CR, ST_DOT, ST_DOT_CR };

/* Bytes up to the first CR or LF. */
static size_t
plain_run(struct str s)
{
	size_t i = 0;

	while (i < s.n && s.p[i] != '\r' && s.p[i] != '\n')
		i++;
	return i;
}

void
dot_out_init(struct dot_out *d)
{
	d->bol = true;
	d->cr = false;
}

void
dot_out_feed(struct dot_out *d, struct str s, struct buf *out)
{
	while (s.n > 0) {
		size_t n = plain_run(s);

		if (d->cr && s.p[0] != '\n') {
			/* That CR was bare. */
			buf_add_char(out, '\n');
			d->cr = false;
			d->bol = true;
		}
		if (n > 0) {
			if (d->bol && s.p[0] == '.')
				buf_add_char(out, '.');
			buf_add(out, s.p, n);
			d->bol = false;
			s = str_skip(s, n);
			continue;
		}
		if (s.p[0] == '\r') {
			buf_add_char(out, '\r');
			d->cr = true;
		} else {
			if (!d->cr)
				buf_add_char(out, '\r');
			buf_add_char(out, '\n');
			d->cr = false;
			d->bol = true;
		}
		s = str_skip(s, 1);
	}
}

void
dot_out_end(struct dot_out *d, struct buf *out)
{
	if (d->cr)
		buf_add_char(out, '\n');
	else if (!d->bol)
		buf_add_cstr(out, "\r\n");
	buf_add_cstr(out, ".\r\n");
	dot_out_init(d);
}

void
dot_in_init(struct dot_in *d)
{
	d->st = ST_BOL;
	d->bare = false;
}

/* One byte that is not in a run of plain ones; true at the end of data. */
static bool
feed_byte(struct dot_in *d, char c, struct buf *out)
{
	if (d->st == ST_BOL && c == '.') {
		d->st = ST_DOT;
		return false;
	}
	if (d->st == ST_DOT && c == '\r') {
		d->st = ST_DOT_CR;
		return false;
	}
	if (d->st == ST_DOT_CR) {
		if (c == '\n')
			return true;
		/* "." CR and something else: the dot goes, the CR was bare. */
		buf_add_char(out, '\r');
		d->bare = true;
		d->st = ST_LINE;
	} else if (d->st == ST_CR) {
		if (c == '\n') {
			buf_add_char(out, '\n');
			d->st = ST_BOL;
			return false;
		}
		d->bare = true;
	}
	if (c == '\n')
		d->bare = true;
	buf_add_char(out, c);
	d->st = c == '\r' ? ST_CR : ST_LINE;
	return false;
}

enum dot_in_state
dot_in_feed(struct dot_in *d, struct str s, struct buf *out, size_t *used)
{
	size_t at = 0;

	while (at < s.n) {
		size_t n = d->st == ST_LINE ? plain_run(str_skip(s, at)) : 0;

		if (n > 0) {
			buf_add(out, s.p + at, n);
			at += n;
			continue;
		}
		if (feed_byte(d, s.p[at++], out)) {
			*used = at;
			return DOT_END;
		}
	}
	*used = at;
	return DOT_MORE;
}
