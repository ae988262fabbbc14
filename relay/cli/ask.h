/* The command line's side of the control socket: plain blocking calls. */
#ifndef RELAY_CLI_ASK_H
#define RELAY_CLI_ASK_H

#include "relay/base/buf.h"
#include "relay/base/err.h"
#include "relay/ctl/ctl_proto.h"

#define ASK_TEXT 256 /* bytes of a line that says what is wrong */

/* Connects to the daemon; text: one line for people on ERR_REFUSED (it does
 * not run), ERR_PERM, ERR_IO. */
NODISCARD int ask_open(const char *path, int *fd, char text[ASK_TEXT]);
/* The same with a question that is a line already. */
NODISCARD int ask_line(
    int fd, struct str line, struct buf *answer, char text[ASK_TEXT]);
/* For a question whose answer takes long: how many seconds it may take. */
void ask_patience(int fd, int seconds);
/* Sends a question and replaces answer by the line that comes back, without
 * its end. text as above; ERR_IO, ERR_TIMEOUT, ERR_TOOBIG. */
NODISCARD int ask(int fd, const struct ctl_question *q, struct buf *answer,
    char text[ASK_TEXT]);

#endif
