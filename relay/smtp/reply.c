/*
 * SMTP replies, RFC 5321 4.2. A reply is one or more lines with the same
 * code; "-" behind the code says that another line follows. Only the code
 * decides (SMTP-08); the text is kept as it came for whoever shows it, and is
 * escaped there. What a peer can size is bounded: lines, bytes of a line and
 * bytes in all (SMTP-28).
 */
#include "config.h"

#include "relay/smtp/reply.h"

#include <string.h>

#include "relay/smtp/ecode.h"

void
reply_init(struct reply *r)
{
	r->code = 0;
	buf_init(&r->text, REPLY_TEXT_MAX);
}

void
reply_clear(struct reply *r)
{
	r->code = 0;
	buf_clear(&r->text);
}

void
reply_copy(struct reply *to, const struct reply *from)
{
	if (to == from)
		return;
	to->code = from->code;
	buf_reset(&to->text);
	if (buf_add_str(&to->text, buf_str(&from->text)))
		BUG("text of a reply is over its limit");
}

/*
 * One line without its end; *used counts the end too. LF alone ends it as
 * well: here nothing can be smuggled, and there are peers that send it.
 */
static NODISCARD int
cut_line(struct str s, struct str *line, size_t *used)
{
	size_t n = str_find(s, '\n');

	if (n >= REPLY_LINE_MAX)
		return ERR_TOOBIG;
	if (n == s.n)
		return ERR_MORE;
	*used = n + 1;
	if (n > 0 && s.p[n - 1] == '\r')
		n--;
	*line = str_n(s.p, n);
	return str_find(*line, '\r') < line->n ? ERR_SYNTAX : 0;
}

/* Reply-line of RFC 5321 4.2: three digits, then SP or "-" and text. */
static NODISCARD int
parse_line(struct str line, int *code, bool *last, struct str *text)
{
	if (line.n < 3 || line.p[0] < '2' || line.p[0] > '5' ||
	    !str_is_digit(line.p[1]) || !str_is_digit(line.p[2]))
		return ERR_SYNTAX;
	if (line.n > 3 && line.p[3] != ' ' && line.p[3] != '-')
		return ERR_SYNTAX;
	*code = (line.p[0] - '0') * 100 + (line.p[1] - '0') * 10 +
	    (line.p[2] - '0');
	*last = line.n == 3 || line.p[3] == ' ';
	*text = str_skip(line, 4);
	return 0;
}

/* Goes over the whole reply; with out the lines are put there. */
static NODISCARD int
walk(struct str s, struct reply *out, size_t *used)
{
	size_t at = 0;
	int first = 0;

	for (unsigned lines = 0; lines < REPLY_LINES_MAX; lines++) {
		struct str line, text;
		bool last;
		size_t n;
		int err, code;

		err = cut_line(str_skip(s, at), &line, &n);
		if (err)
			return err;
		if (at + n > REPLY_TEXT_MAX)
			return ERR_TOOBIG;
		err = parse_line(line, &code, &last, &text);
		if (err)
			return err;
		/* RFC 5321 4.2.1: the code on every line MUST be the same. */
		if (lines > 0 && code != first)
			return ERR_SYNTAX;
		first = code;
		at += n;
		if (out) {
			if (lines > 0)
				buf_add_char(&out->text, '\n');
			buf_add_str(&out->text, text);
		}
		if (last) {
			*used = at;
			if (out)
				out->code = code;
			return 0;
		}
	}
	return ERR_TOOBIG;
}

int
reply_parse(struct str s, struct reply *out, size_t *used)
{
	size_t n;
	int err = walk(s, NULL, &n);

	if (err)
		return err;
	buf_reset(&out->text);
	return walk(str_n(s.p, n), out, used);
}

struct str
reply_dsn(const struct reply *r)
{
	struct str text = buf_str(&r->text);
	struct ecode e;
	size_t used;

	if (ecode_parse(text, &e, &used) || e.cls != (unsigned)reply_class(r))
		return str_n("", 0);
	return str_n(text.p, used);
}

void
reply_line(const struct reply *r, struct buf *out)
{
	struct str rest = buf_str(&r->text), dsn = reply_dsn(r), line;
	bool first = true;

	buf_addf(out, "%03d", r->code);
	while (str_cut(&rest, '\n', &line)) {
		/* RFC 2034 repeats the code on every line. */
		if (!first && dsn.n > 0 && str_starts(line, dsn))
			line = str_skip(line, dsn.n);
		first = false;
		line = str_trim(line);
		if (line.n == 0)
			continue;
		buf_add_char(out, ' ');
		for (size_t i = 0; i < line.n; i++)
			buf_add_char(out, line.p[i] ? line.p[i] : '?');
	}
}
