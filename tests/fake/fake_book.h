/*
 * The book of all messages: what clients were promised, what the store has,
 * what hosts took. It holds the invariants that no fault may break:
 *
 * QUE-01  a message whose 250 the client saw is stored;
 * QUE-06  the sender of a recipient who leaves the queue without a copy gets a
 *         notice that names him, in the same commit;
 * QUE-07  the sender of a notice gets none;
 * QUE-08  each recipient leaves the queue once, with one fate; nobody gets a
 *         second copy, except where the reply to the first was lost on the
 *         wire, or the relay died between that reply and its commit (counted);
 *         who counts as sent has a copy.
 *
 * A message is known by its token: its X-Token field, else its Message-ID.
 */
#ifndef TESTS_FAKE_FAKE_BOOK_H
#define TESTS_FAKE_FAKE_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/str.h"

void book_begin(void);
void book_end(void);

/* Token of a message, "" when there is none. */
void book_token(struct str mail, char out[128]);

/* A client got the 250 for it. */
void book_promised(const char *token);
/* Committed: a recipient is in the queue, or has left it. bounce: a notice for
 * it was stored in the same commit. */
void book_stored(const char *token, const char *addr, uint64_t msg);
/* fate: first digit of its DSN code; '2' counts as sent, '5' and '4' not. */
void book_left(const char *token, const char *addr, char fate);
/* A host took it; *seen becomes true when the relay hears of it. */
bool *book_taken(const char *token, const char *addr);
/* One reply stands for several: *copy is seen when *first is. */
void book_same(bool *copy, bool *first);
/* Did a host take it, and did this run of the relay hear so? */
bool book_has_copy(const char *token, const char *addr);
/* A delivery line of the log. */
void book_logged(uint64_t msg, const char *addr, const char *status);
/* The relay was taken down without warning. */
void book_crashed(void);
/* From now on a recipient may leave without a line. */
void book_lines_may_lack(void);

/* Recipients of promised messages that are still in the queue. */
size_t book_open(void);
/* At rest: all of the above holds, or fake_fail. */
void book_check(void);
/* The first recipient that was in the queue, whose address ends in suffix and
 * whose fate ("waiting", "sent", "bounced", "expired") is not among words,
 * which "|" divides; or NULL. */
const char *book_misfit(
    const char *suffix, const char *words, const char **fate);
/* Did any host take a message for such a recipient? */
bool book_any_copy(const char *suffix);
/* Second copies: after a lost reply, and after a crash. */
void book_copies(unsigned *lost, unsigned *crashed);

#endif
