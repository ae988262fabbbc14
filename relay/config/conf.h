/*
 * The configuration file (libconfuse) to options. Unknown keys, wrong values
 * and values that make no sense together are errors that name file, line and
 * key. Called before any thread exists.
 */
#ifndef RELAY_CONFIG_CONF_H
#define RELAY_CONFIG_CONF_H

#include "relay/base/buf.h"
#include "relay/base/err.h"
#include "relay/base/str.h"
#include "relay/model/options.h"

/* The text that stands for a missing -c: smarthost on 127.0.0.1:2525, state
 * in ./var, managed resolver. */
const char *conf_defaults(void);
/*
 * Parses text; name stands in messages. Environment variables are put in as
 * "${VAR:-default}". On ERR_CONFIG, errors has one line a problem:
 * "FILE:LINE: key: what is wrong; what to do". *out is freed by conf_free.
 * Files that keys name are opened for a moment, to see that they are there.
 */
NODISCARD int conf_parse(const char *name, const char *text,
    struct options **out, struct buf *errors);
void conf_free(struct options *o); /* NULL is fine */
/*
 * The same for the relay process, which runs as another user than the parent
 * that parsed this text before: looks at those files only that it reads
 * itself, not at those of unbound.
 */
NODISCARD int conf_parse_relay(const char *name, const char *text,
    struct options **out, struct buf *errors);
/*
 * Only the path of the control socket, for the command line: files that the
 * other keys name may be unreadable for its user. *out: free with free().
 * ERR_CONFIG as conf_parse.
 */
NODISCARD int conf_control_socket(
    const char *name, const char *text, char **out, struct buf *errors);

#endif
