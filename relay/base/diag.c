/* Places are counted only when something is wrong: a parser keeps pointers. */
#include "config.h"

#include "relay/base/diag.h"

#include <string.h>

void
diag_init(struct diags *d, struct str whole)
{
	memset(d, 0, sizeof(*d));
	d->whole = whole;
}

void
diag_add(struct diags *d, const char *at, const char *rule, const char *text)
{
	struct diag *g;

	if (!d)
		return;
	if (d->n == DIAG_MAX) {
		d->more = true;
		return;
	}
	g = &d->v[d->n++];
	*g = (struct diag){1, 1, rule, text};
	for (const char *p = d->whole.p; p < at; p++) {
		g->column++;
		if (*p == '\n') {
			g->line++;
			g->column = 1;
		}
	}
}
