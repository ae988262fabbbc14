/*
 * Cached MTA-STS policies as JSON lines: what waxseal policy export writes and
 * import reads, and how they pass the control socket. Pure.
 */
#ifndef RELAY_CTL_CTL_POLICY_H
#define RELAY_CTL_CTL_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/buf.h"
#include "relay/base/err.h"
#include "relay/model/sts_entry.h"

struct sts_verdict; /* sts/sts_state.h */

#define CTL_POLICY_SKEW_S 300 /* that another host's clock may be ahead */

/* Appends {"domain":,"id":,"fetched":,"expires":,"body":} and an end of line;
 * with cmd, a question. Times are seconds since 1970. */
void ctl_policy_line(const struct sts_entry *e, bool cmd, struct buf *out);
/*
 * Reads such a line, without its end; with cmd, a question. All of it is
 * checked as what a policy host says is: the domain, the id, the text. When it
 * expires follows from the time of the fetch and the text, whatever the line
 * says. now: seconds since 1970. *out is initialized on success;
 * sts_entry_clear it. ERR_SYNTAX; *text says what is wrong, static.
 */
NODISCARD int ctl_policy_parse(struct str line, bool cmd, int64_t now,
    struct sts_entry *out, const char **text);

/* {"ok":true,"rows":[...],"more":}: more: there are others behind the last. */
void ctl_policies_build(
    const struct sts_entry *v, size_t n, bool more, struct buf *out);
/* {"ok":true,"domain":,"source":,"mode":,"id":,"fetched":,"expires":,"rule":,
 * "text":}: what MTA-STS says of a domain; without a policy mode and id are ""
 * and the times 0. text: why no live policy could be had. */
void ctl_verdict_build(
    const char *domain, const struct sts_verdict *v, struct buf *out);
/* {"ok":true,"domain":}. */
void ctl_forget_build(const char *domain, struct buf *out);
/* {"ok":true,"taken":}: false: there is one that was fetched later. */
void ctl_import_build(bool taken, struct buf *out);

#endif
