/*
 * A report as JSON, the one form in which it leaves the process; its members
 * are in doc/EXPLAIN-JSON.md. Pure.
 */
#ifndef RELAY_CTL_EXPLAIN_JSON_H
#define RELAY_CTL_EXPLAIN_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "relay/base/buf.h"
#include "relay/base/err.h"
#include "relay/base/str.h"
#include "relay/model/explain.h"
#include "relay/model/explain_conn.h"

/* Who was asked. */
struct explain_source {
	const char *by; /* static: "daemon", "waxseal" */
	const char
	    *mode; /* static: "managed", "external", "private", "given" */
	const char *address; /* of the resolver, "" when it is nobody's
			      * business */
	bool trusted; /* its DNSSEC status is believed */
	const char *doubt; /* why it is not, static; or "" */
	/* It gave nothing to go by. A relay in this state holds all mail; who
	 * asked by himself has not found out. */
	bool blind;
};

/* Appends one line. */
void explain_json_build(const struct explain *e,
    const struct explain_source *source, struct buf *out);
/*
 * The same report with what became of the connections: a line, the verdict of
 * which is that of the connections where there are any. all: no address was
 * left out for want of time. ERR_SYNTAX: json is no report.
 */
NODISCARD int explain_json_connect(struct str json,
    const struct explain_conn *v, size_t n, bool all, struct buf *out);

#endif
