/* Clients that hand mail to the relay. */
#ifndef TESTS_FAKE_FAKE_CLIENT_H
#define TESTS_FAKE_FAKE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "relay/base/str.h"

struct fake_client;

/*
 * A client that says lines one by one, each when the last one was answered,
 * and has what it was answered. The line behind "DATA" is the message with
 * its dot; when that got a 250, token is promised to it (book_promised).
 * lines: text with "\n" between commands; "\r\n" ends are put in.
 * raw: all of it goes out at once behind the greeting, as it is. A 250 behind
 * the nth 354 promises the message with the nth X-Token in what it said.
 */
struct fake_client *fake_client_new(
    const char *name, const char *token, const char *lines, const char *mail);
struct fake_client *fake_client_new_raw(const char *name, struct str raw);
/* More of a raw client: at once, or behind the greeting. */
void fake_client_say(struct fake_client *c, struct str text);
/* It goes, with a FIN or a reset. */
void fake_client_hang_up(struct fake_client *c, bool reset);
/* Says all up to DATA at once behind the answer to EHLO (RFC 2920). */
void fake_client_burst(struct fake_client *c);
/* Is gone after so many bytes of the message. */
void fake_client_vanish(struct fake_client *c, size_t bytes);
/* The descriptor for shard_give_client. */
int fake_client_fd(struct fake_client *c);
struct fake_client *fake_client_find(const char *name);
/* Code of the reply to the message, 0: none came. */
int fake_client_code(const struct fake_client *c);
/* All replies. */
struct str fake_client_heard(const struct fake_client *c);
void fake_clients_end(void);

#endif
