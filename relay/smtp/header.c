/*
 * Message header fields, RFC 5322 2.2: as little as a relay needs. The header
 * ends at the empty line, or at the first line that can't be one of a header;
 * only HEADER_MAX bytes are looked at.
 */
#include "config.h"

#include "relay/smtp/header.h"

#include "relay/base/date.h"
#include "relay/model/rr.h"

/* One line without its CRLF (or LF) off the front of *rest. */
static bool
next_line(struct str *rest, struct str *line)
{
	if (!str_cut(rest, '\n', line))
		return false;
	if (line->n > 0 && line->p[line->n - 1] == '\r')
		line->n--;
	return true;
}

static bool
is_continuation(struct str line)
{
	return line.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t');
}

/* "Name:" at the front; RFC 5322 2.2: printable ASCII but the colon. White
 * space in front of the colon is obsolete and passed over (4.5.8). */
static bool
split_field(struct str line, struct str *name, struct str *value)
{
	size_t n = 0;

	while (n < line.n && line.p[n] > ' ' && line.p[n] <= '~' &&
	    line.p[n] != ':')
		n++;
	*name = str_n(line.p, n);
	while (n < line.n && (line.p[n] == ' ' || line.p[n] == '\t'))
		n++;
	if (name->n == 0 || n == line.n || line.p[n] != ':')
		return false;
	*value = str_skip(line, n + 1);
	return true;
}

struct str
header_block(struct str msg)
{
	struct str rest, line, name, value;
	size_t end = 0;

	if (msg.n > HEADER_MAX)
		msg.n = HEADER_MAX;
	rest = msg;
	while (next_line(&rest, &line)) {
		bool folded = end > 0 && is_continuation(line);

		if (!folded && !split_field(line, &name, &value))
			break;
		end = msg.n - rest.n;
	}
	return str_n(msg.p, end);
}

size_t
header_count(struct str msg, const char *name)
{
	struct str rest = header_block(msg), line, field, value;
	size_t n = 0;

	while (next_line(&rest, &line)) {
		if (!is_continuation(line) &&
		    split_field(line, &field, &value) &&
		    str_eq_ci(field, str_of(name)))
			n++;
	}
	return n;
}

bool
header_get(struct str msg, const char *name, struct buf *out)
{
	struct str rest = header_block(msg), line, field, value;
	bool found = false;

	while (next_line(&rest, &line)) {
		if (found && !is_continuation(line))
			break;
		if (found) {
			buf_add_char(out, ' ');
			buf_add_str(out, str_trim(line));
		} else if (!is_continuation(line) &&
		    split_field(line, &field, &value) &&
		    str_eq_ci(field, str_of(name))) {
			found = true;
			buf_add_str(out, str_trim(value));
		}
	}
	return found;
}

/* The name a client gave itself may be anything; in a trace field it must not
 * look like something else. */
static bool
is_plain_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!str_is_alnum(c) && c != '-' && c != '.' && c != '_' &&
		    c != ':' && c != '[' && c != ']')
			return false;
	}
	return s.n > 0;
}

/* TCP-info of RFC 5321 4.4: an address literal. */
static void
add_client(struct buf *out, const char *text)
{
	struct rr_addr a;

	if (rr_addr_parse(str_of(text), &a))
		buf_addf(out, "(local client)");
	else
		buf_addf(out, "([%s%s])", a.family == 6 ? "IPv6:" : "", text);
}

void
header_received(struct buf *out, const struct sink_client *client,
    const char *hostname, const char *qid, const char *for_addr, int64_t now)
{
	struct str helo = str_of(client->helo);
	char date[DATE_MAX];

	if (!is_plain_name(helo))
		helo = STR("unknown");
	date_rfc5322(now, date);
	buf_addf(out, "Received: from %.*s ", STR_FMT(helo));
	/* Folded, so that lines stay short: RFC 5322 2.1.1. */
	if (helo.n > 20)
		buf_add_cstr(out, "\r\n\t");
	add_client(out, client->addr);
	buf_addf(out, "\r\n\tby %s with %s\r\n\tid %s", hostname,
	    client->protocol, qid);
	if (for_addr)
		buf_addf(out, "\r\n\tfor <%s>", for_addr);
	buf_addf(out, ";\r\n\t%s\r\n", date);
}

bool
header_is_8bit(struct str msg)
{
	for (size_t i = 0; i < msg.n; i++)
		if ((unsigned char)msg.p[i] >= 0x80)
			return true;
	return false;
}
