"""The verdict on one destination, from what the receiving side saw.

The relay's log says which state it claims. Everything about security is
judged by the recorder's bytes, the sniffer's bytes and the messages that lie
at the MX hosts: the log is never believed about those.
"""

import re
from dataclasses import dataclass, field

from .rows import BOUNCED, DEFERRED, SENDER_MX, SENT
from .world import SENDER, TLD

OWN = "relay itself"


@dataclass
class Seen:
    """What there is to judge by; taken once for all rows."""
    recordings: list
    deliveries: list
    sniffed: object          # token -> names of flows


@dataclass
class Verdict:
    """The judged row. clear: the token went over the wire unencrypted."""
    row: object
    got: str = "nothing"
    policy: str = "-"
    rule: str = "-"
    tls: str = "-"
    attempts: int = 0
    clear: bool = False
    delivered: list = field(default_factory=list)
    problems: list = field(default_factory=list)

    @property
    def ok(self):
        return not self.problems

    def must(self, condition, problem):
        if not condition:
            self.problems.append(problem)

    def as_dict(self):
        row = self.row
        return {"destination": row.name, "what": row.what,
                "expected": row.expected, "got": self.got,
                "policy": self.policy, "rule": self.rule, "tls": self.tls,
                "attempts": self.attempts, "clear_bytes": self.clear,
                "delivered_to": self.delivered,
                "verdict": "ok" if self.ok else "FAIL",
                "problems": self.problems}


def state_of(events):
    """The last state that the log claims."""
    status = events[-1].get("status", "?") if events else "nothing"
    return BOUNCED if status == "expired" else status


def look(lab):
    """Everything seen so far."""
    return Seen(lab.recordings(), lab.delivered(), lab.sniffed)


def judge(row, token, events, seen):
    """events: the log's delivery events of the row's recipient."""
    verdict = Verdict(row, state_of(events), attempts=len(events))
    if events:
        verdict.policy = events[-1].get("policy", "-")
        verdict.rule = events[-1].get("rule", "-")
    verdict.must(verdict.got == row.expected, "state is %s, expected %s"
                 % (verdict.got, row.expected))
    if row.policy:
        verdict.must(verdict.policy == row.policy,
                     "decided by policy %s, expected %s"
                     % (verdict.policy, row.policy))
    if row.noted and events:
        verdict.must(events[-1].get("sts_testing", "none") != "none",
                     "the log does not say what STS in testing found")
    copies = [d for d in seen.deliveries if token in d.text]
    mine = [d for d in copies if d.rcpt.endswith("@" + row.domain)]
    verdict.delivered = ["%s at %s" % (d.rcpt, d.host) for d in copies]
    raw = [r for r in seen.recordings if token.encode() in r.raw]
    flows = seen.sniffed(token)
    verdict.clear = bool(raw or flows)
    judge_contacts(row, verdict, seen)
    if row.expected == SENT and not row.tls:
        judge_clear(row, verdict, events, mine, raw)
    else:
        verdict.must(not raw, "clear bytes in connections to "
                     + ", ".join(r.mx for r in raw))
        verdict.must(not flows, "clear bytes on the wire: "
                     + ", ".join(flows))
    if row.expected == SENT:
        judge_sent(row, verdict, mine, copies, seen)
    else:
        verdict.must(not mine, "delivered to "
                     + ", ".join(d.host for d in mine))
    if row.expected == BOUNCED:
        judge_bounce(row, verdict, copies)
    elif not row.together:
        strays = [d for d in copies if d not in mine]
        verdict.must(not strays, "the token also lies at "
                     + ", ".join(d.rcpt for d in strays))
    return verdict


def judge_contacts(row, verdict, seen):
    """Whom the relay talked to, and under which name."""
    hosts = {r.mx for r in seen.recordings}
    for host in row.no_contact:
        verdict.must(host not in hosts, "there was a connection to " + host)
    if row.name.startswith("mx-"):
        verdict.must(OWN not in hosts, "it connected to itself")
    names = {r.sni for r in seen.recordings
             if r.mx == row.host and r.encrypted}
    if row.policy in ("dane", "sts"):
        verdict.must(names <= {row.host}, "server name indication: %s"
                     % ", ".join(sorted(names)))


def judge_sent(row, verdict, mine, copies, seen):
    """Exactly one copy, at the right host, as encrypted as it must be."""
    verdict.must(len(mine) == 1, "%d copies at the receiver" % len(mine))
    for copy in mine:
        verdict.must(copy.host == row.host, "at %s, expected %s"
                     % (copy.host, row.host))
        verdict.tls = copy.tls or "none"
        if row.tls:
            verdict.must(copy.tls, "the receiver got it without TLS")
        else:
            verdict.must(not copy.tls, "the receiver got it over TLS")
        # The body must arrive as it was sent, dots and all.
        verdict.must(re.search(r"\n\.a line that begins with a dot\r?\n",
                               copy.text), "the body was changed")
    if row.tls:
        verdict.must(any(r.mx == row.host and r.encrypted
                         for r in seen.recordings),
                     "no TLS handshake was seen on the wire")


def judge_clear(row, verdict, events, mine, raw):
    """In clear text: once, to this host, and logged so."""
    verdict.must(len(raw) == 1, "%d connections with clear bytes, expected 1"
                 % len(raw))
    verdict.must(all(r.mx == row.host for r in raw),
                 "clear bytes to another host")
    last = events[-1] if events else {}
    verdict.must(last.get("tls") == "none", "the log says tls=%s"
                 % last.get("tls"))
    if row.fallback:
        verdict.must(last.get("fallback") == "handshake",
                     "the log does not say fallback=handshake")
    verdict.must(len(mine) == 1, "not exactly one copy")


def judge_bounce(row, verdict, copies):
    """One report to the sender, encrypted (RFC 3464)."""
    reports = [d for d in copies if d.rcpt == "alice@" + SENDER]
    verdict.must(len(reports) == 1, "%d reports to the sender, expected 1"
                 % len(reports))
    verdict.must(len(copies) == len(reports), "copies elsewhere")
    for report in reports:
        text = report.text.lower()
        verdict.must(report.host == SENDER_MX and report.tls,
                     "the report came in clear")
        verdict.must("multipart/report" in text
                     and "report-type=delivery-status"
                     in text.replace('"', ""), "the report is no DSN")
        verdict.must(re.search(r"final-recipient: *rfc822; *\S+@"
                               + re.escape(row.domain), text),
                     "the report does not name the recipient")
        verdict.must(re.search(r"action: *failed", text),
                     "the report does not say failed")


COLUMNS = (("destination", 20), ("what it is", 42), ("expected", 9),
           ("got", 9), ("policy", 7), ("rule", 12), ("TLS", 8),
           ("clear", 6), ("verdict", 7))


def table(verdicts):
    """The lines of a table for people."""
    form = "  ".join("%%-%ds" % width for _, width in COLUMNS)
    yield form % tuple(title for title, _ in COLUMNS)
    yield form % tuple("-" * width for _, width in COLUMNS)
    for v in verdicts:
        yield (form % (v.row.name, cut(v.row.what, 42), v.row.expected,
                       v.got, v.policy, v.rule, v.tls,
                       "yes" if v.clear else "no",
                       "ok" if v.ok else "FAIL")).rstrip()
        for problem in v.problems:
            yield "    ! " + problem


def cut(text, width):
    return text if len(text) <= width else text[:width - 3] + "..."


__all__ = ["judge", "look", "table", "Seen", "Verdict", "state_of",
           "DEFERRED", "TLD"]
