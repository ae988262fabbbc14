/*
 * What the commands of waxseal share: the words of the command line, output,
 * and the way to the daemon. One thread, plain blocking calls.
 */
#ifndef RELAY_CLI_CLI_H
#define RELAY_CLI_CLI_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>

#include "relay/base/buf.h"
#include "relay/base/str.h"
#include "relay/ctl/ctl_proto.h"
#include "relay/ctl/ctl_show.h"

#define CLI_CONF "/etc/waxseal/waxseal.conf" /* unless -c names another */

/* Exit status. NO: the answer is no; UNKNOWN: could not find out. */
enum { EXIT_FINE = 0, EXIT_NO = 1, EXIT_USAGE = 2, EXIT_UNKNOWN = 3 };

/* An option of a command, in the order given. */
struct cli_opt {
	int key; /* val of its struct option */
	const char *arg; /* NULL: it has none */
};

/* All borrowed from the arguments of main. */
struct cli {
	const char *conf; /* NULL: not given */
	bool json;
	char **words; /* of the command, itself the first */
	int n_words;
	struct cli_opt *opts;
	size_t n_opts;
};

/* A command. options: those it has besides -c and --json, ended by a zeroed
 * one; NULL when there are none. Their keys are above 255. */
struct cli_verb {
	const char *name;
	int (*run)(const struct cli *c); /* gives the exit status */
	const struct option *options;
};

/* Keys of options that several files know. */
enum { CLI_OPT_MESSAGE = 300, CLI_OPT_YES };

int cmd_explain(const struct cli *c);
extern const struct option explain_options[];
int cmd_lint(const struct cli *c);
int cmd_policy(const struct cli *c);
int cmd_queue(const struct cli *c);
/* explain --message ID. */
int cmd_receipt(const struct cli *c);
int cmd_status(const struct cli *c);

/* Last option with this key, or NULL. */
const struct cli_opt *cli_opt(const struct cli *c, int key);
void cli_print(struct str s);
/* Says that there is no answer, also as JSON; ends the program. */
void cli_no_answer(const struct cli *c, const char *text)
    __attribute__((noreturn));
/* One line and where help is; returns EXIT_USAGE. */
int cli_bad_usage(const char *text);

/* Appends the text of the daemon's configuration and returns its name; ends
 * the program when it can't be read. */
const char *cli_read_conf(const struct cli *c, struct buf *text);
/* Connects to the daemon, or ends the program. */
int cli_connect(const struct cli *c);
/* The same, but -1 when the daemon does not run. */
int cli_try_connect(const struct cli *c);
/* Asks one question; an answer that is not ok ends the program. */
void cli_must_ask(const struct cli *c, int fd, const struct ctl_question *q,
    struct buf *answer, struct ctl_answer *a);
/* Shows an answer as JSON or by text_fn. */
void cli_show(const struct cli *c, struct str answer,
    int (*text_fn)(struct str, struct buf *));

#endif
