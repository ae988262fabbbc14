/*
 * What a host says, and when: at once, late, without end. Later words never
 * overtake earlier ones.
 */
#ifndef TESTS_FAKE_FAKE_VOICE_H
#define TESTS_FAKE_FAKE_VOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/str.h"
#include "tests/fake/fake_net.h"

struct fake_voice;

struct fake_voice *fake_voice_new(struct conn *c);
void fake_voice_free(struct fake_voice *v);

/* Waits so long before the next word; it adds up. */
void fake_voice_wait(struct fake_voice *v, int64_t ms);
/* Each "\n" of text ends a line. seen as in fake_conn_send. */
void fake_voice_say(struct fake_voice *v, const char *text, bool *seen);
void fake_voice_hang_up(struct fake_voice *v, bool reset);
/* The line again and again: every_ms 0 a great many at once, else for ever. */
void fake_voice_repeat(
    struct fake_voice *v, const char *line, int64_t every_ms);

#endif
