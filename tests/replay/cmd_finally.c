/*
 * "finally rcpt ADDR ...": how it ends for a recipient once all is at rest,
 * looked at in every run, with faults and without.
 *
 *	finally rcpt ADDR FATE[|FATE]...	sent bounced expired none
 *	finally rcpt ADDR never sent		nor did any host take it
 *
 * ADDR is an address or the end of some ("@example.com"): then all must end
 * so. A recipient that was never in the queue fits each of them.
 */
#include "config.h"

#include <string.h>

#include "tests/fake/fake_book.h"
#include "tests/replay/scn.h"

static bool
is_fate(struct str word)
{
	return str_eq(word, STR("sent")) || str_eq(word, STR("bounced")) ||
	    str_eq(word, STR("expired")) || str_eq(word, STR("none"));
}

static void
cmd_finally(struct play *p, char **w, size_t n)
{
	struct str rest = str_of(w[2]), word;

	if (strcmp(w[0], "rcpt") != 0)
		scn_fail(p, "finally what?");
	if (strcmp(w[2], "never") == 0) {
		if (n != 4 || strcmp(w[3], "sent") != 0)
			scn_fail(p, "never what?");
		return;
	}
	while (str_cut(&rest, '|', &word)) {
		if (!is_fate(word))
			scn_fail(p, "there is no fate \"%.*s\"", STR_FMT(word));
	}
}

static void
check(struct play *p, const char *suffix, const char *words)
{
	const char *fate, *addr;

	if (strcmp(words, "never") == 0) {
		words = "bounced|expired|waiting";
		if (book_any_copy(suffix))
			scn_fail(p, "%s: some host took mail for it", suffix);
	}
	addr = book_misfit(suffix, words, &fate);
	if (addr)
		scn_fail(p, "in the end %s is %s, not %s", addr, fate, words);
}

void
finally_check(struct play *p)
{
	for (size_t i = 0; i < p->scn->n && !fake_failed(); i++) {
		const struct scn_line *l = &p->scn->lines[i];

		if (strcmp(l->words[0], "finally") != 0)
			continue;
		p->at = l;
		check(p, l->words[2], l->words[3]);
	}
	p->at = NULL;
}

const struct scn_command scn_finally_commands[] = {
    {"finally", 3, cmd_finally},
    {NULL, 0, NULL},
};
