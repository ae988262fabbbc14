/* Greedy filling. Columns are counted in characters, not bytes. */
#include "config.h"

#include "relay/ctl/wrap.h"

#include <stdbool.h>
#include <string.h>

#include "relay/base/err.h"
#include "relay/ctl/ctl_text.h"

struct filler {
	struct buf *out;
	size_t indent, columns;
	size_t at; /* column reached */
	bool fresh; /* nothing stands behind the indent yet */
};

/* First bytes of a UTF-8 character begin a column, the others don't. */
static bool
begins(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

static size_t
width(struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += begins(s.p[i]);
	return n;
}

static void
pad(struct filler *f)
{
	while (f->at < f->indent) {
		buf_add_char(f->out, ' ');
		f->at++;
	}
}

static void
new_line(struct filler *f)
{
	buf_add_char(f->out, '\n');
	f->at = 0;
	pad(f);
	f->fresh = true;
}

/* A word, in pieces when it does not fit into a line of its own. */
static void
add_word(struct filler *f, struct str word)
{
	if (!f->fresh && f->at + 1 + width(word) > f->columns)
		new_line(f);
	if (!f->fresh) {
		buf_add_char(f->out, ' ');
		f->at++;
	}
	f->fresh = false;
	for (size_t i = 0; i < word.n; i++) {
		if (begins(word.p[i])) {
			if (f->at == f->columns)
				new_line(f);
			f->at++;
		}
		buf_add_char(f->out, word.p[i]);
	}
	f->fresh = false;
}

void
wrap_add(struct buf *out, const char *label, size_t indent, size_t columns,
    struct str text)
{
	struct filler f = {
	    .out = out, .indent = indent, .columns = columns, .fresh = true};
	struct str rest, word;
	struct buf safe;

	if (columns <= indent)
		BUG("no room to write in");
	buf_add_cstr(out, label);
	f.at = strlen(label);
	buf_init(&safe, 4 * text.n + 1);
	ctl_text_add(&safe, text);
	rest = buf_str(&safe);
	if (rest.n > 0 && f.at > 0 && f.at >= indent)
		new_line(&f);
	else if (rest.n > 0)
		pad(&f);
	while (str_cut(&rest, ' ', &word)) {
		if (word.n > 0)
			add_word(&f, word);
	}
	buf_add_char(out, '\n');
	buf_clear(&safe);
}
