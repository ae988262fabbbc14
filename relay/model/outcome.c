/* The fate of one recipient: a value that every view is made from. */
#include "config.h"

#include "relay/model/outcome.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "relay/base/err.h"

const char *
outcome_class_str(enum outcome_class v)
{
	static const char *const names[] = {
#define NAME_(id, text) text,
	    OUTCOME_LIST(NAME_)
#undef NAME_
	};

	if ((size_t)v >= sizeof(names) / sizeof(names[0]))
		BUG("outcome_class %d", (int)v);
	return names[v];
}

void
outcome_init(struct outcome *o, enum outcome_class cls)
{
	memset(o, 0, sizeof(*o));
	o->cls = cls;
	o->by = TLS_BY_NONE;
	o->rule = "SMTP-09";
	o->tls.depth = -1;
}

void
outcome_set(struct outcome *o, enum outcome_class cls, const char *dsn,
    const char *rule, const char *fmt, ...)
{
	va_list ap;

	o->cls = cls;
	o->rule = rule;
	snprintf(o->dsn, sizeof(o->dsn), "%s", dsn);
	va_start(ap, fmt);
	/* A text that is too long is cut: it is for people. */
	vsnprintf(o->reply, sizeof(o->reply), fmt, ap);
	va_end(ap);
}

bool
outcome_better(const struct outcome *have, const struct outcome *o)
{
	if (have->cls != o->cls)
		return have->cls == OUT_BOUNCED;
	return o->by_policy && !have->by_policy;
}
