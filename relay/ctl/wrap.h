/* Lines of a bounded width, for text that may come from strangers. Pure. */
#ifndef RELAY_CTL_WRAP_H
#define RELAY_CTL_WRAP_H

#include <stddef.h>

#include "relay/base/buf.h"
#include "relay/base/str.h"

/*
 * Appends label, padded to indent columns, and then text in lines of at most
 * columns characters that all begin at indent; broken at spaces, and within
 * words that are too long for a line. text may be remote: control characters
 * and what is not UTF-8 are escaped here. An empty text leaves the label
 * alone. columns > indent; a label as long as that gets a line of its own.
 */
void wrap_add(struct buf *out, const char *label, size_t indent, size_t columns,
    struct str text);

#endif
