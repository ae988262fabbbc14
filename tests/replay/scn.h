/*
 * A scenario file: one command a line, words divided by blanks, "quoted ones"
 * with \n, \r, \t, \" and \\. "#" begins a comment. doc/TESTING.md lists the
 * commands; the tables in tests/replay/cmd_*.c are what rules.
 */
#ifndef TESTS_REPLAY_SCN_H
#define TESTS_REPLAY_SCN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/buf.h"
#include "tests/fake/fake.h"
#include "tests/replay/relay.h"

#define SCN_WORDS 40

struct scn_line {
	unsigned number;
	size_t n;
	char *words[SCN_WORDS];
};

struct scn {
	char *name;
	struct scn_line *lines;
	size_t n;
};

/* name stands in messages. On an error *out is NULL and why says where. */
NODISCARD int scn_parse(
    const char *name, struct str text, struct scn **out, char why[200]);
void scn_free(struct scn *s);

/* ---- playing it ---- */

struct play_opts {
	uint64_t seed;
	uint64_t step; /* has fault, 0: none */
	enum fake_fault fault;
	unsigned random; /* faults by chance, 1 in so many steps; 0: none */
	unsigned jitter; /* ms on the net */
};

struct play_result {
	uint64_t steps;
	unsigned hits, expects, copies_lost, copies_crashed;
	char why[700]; /* "" when all is well */
};

/*
 * Builds the world, does the lines, then lets the world come to rest and
 * checks the invariants (fake_book.h, nothing left, nothing stuck).
 * Expectations are only looked at when no fault is asked for. log: NULL, or
 * gets the log of the relay.
 */
void scn_play(const struct scn *s, const struct play_opts *o,
    struct play_result *out, struct buf *log);

/* ---- for the commands ---- */

struct play {
	const struct scn *scn;
	const struct play_opts *o;
	const struct scn_line *at;
	struct relay *relay; /* NULL until the first action */
	struct buf settings;
	unsigned clients, expects;
};

struct scn_command {
	const char *name;
	size_t min; /* words behind it */
	void (*run)(struct play *p, char **w, size_t n);
};
extern const struct scn_command scn_world_commands[];
extern const struct scn_command scn_peer_commands[];
extern const struct scn_command scn_act_commands[];
extern const struct scn_command scn_client_commands[];
extern const struct scn_command scn_expect_commands[];
extern const struct scn_command scn_finally_commands[];
/* At rest: each "finally" of the scenario holds, or it fails. */
void finally_check(struct play *p);

/* The scenario is wrong, or an expectation not met: ends it. */
void scn_fail(struct play *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Value of "key=value" among the words, or NULL. */
const char *scn_arg(char **w, size_t n, const char *key);
bool scn_has(char **w, size_t n, const char *word);
int64_t scn_ms(struct play *p, const char *text);
int64_t scn_int(struct play *p, const char *text);
/* The relay, started when it was not yet. */
struct relay *scn_relay(struct play *p);

#endif
