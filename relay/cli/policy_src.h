/*
 * The MTA-STS cache as the command line reaches it: by the control socket of a
 * daemon that runs, or itself, under the lock of state_dir.
 */
#ifndef RELAY_CLI_POLICY_SRC_H
#define RELAY_CLI_POLICY_SRC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/cli/cli.h"
#include "relay/model/sts_entry.h"

struct policy_src;

/* make: state_dir and queue may be made. Ends the program when neither way is
 * open. */
struct policy_src *policy_src_open(const struct cli *c, bool make);
void policy_src_close(struct policy_src *s);
/* The socket of the daemon, -1: none runs. */
int policy_src_fd(const struct policy_src *s);

struct policy_page {
	const struct sts_entry *v; /* valid until the next call */
	size_t n;
	bool more;
	char last[DOMAIN_MAX];
};

/* Behind after, or after alone. What is stored and is no policy is told on
 * standard error and left out; *bad counts them. */
void policy_src_page(struct policy_src *s, const char *after, bool one,
    struct policy_page *out, size_t *bad);
/* 0, or 1 when there is one that was fetched later; ends the program on an
 * error. */
int policy_src_import(struct policy_src *s, const struct sts_entry *e);

#endif
