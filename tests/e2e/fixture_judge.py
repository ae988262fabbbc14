"""The verdict on a fixture, from what the other side saw."""

from dataclasses import dataclass

from cases import SENDER, must, same
from fixture_world import BOUNCED, SENT

from waxlab.judge import state_of


@dataclass
class Seen:
    """Taken once for all cases."""
    recordings: list
    deliveries: list
    sniffed: object
    asked: set
    outside: set
    web: object


def look(net):
    """Everything seen so far."""
    net.asked.mark()
    net.outside.mark()

    def pairs(questions):
        return {(q.name, q.type) for q in questions.all()}
    return Seen(net.recordings(), net.delivered(), net.sniffed,
                pairs(net.asked), pairs(net.outside), net.web)


def judge(case, mark, relay, events, seen):
    """Raises if anything is not as it should be."""
    last = events[-1]
    same(state_of(events), case.expected, "state")
    same({(e["policy"], e["rule"])
          for e in (events[-1:] if case.patient else events)},
         {(case.policy, case.rule)}, "decided by")
    for key, value in case.log.items():
        same(last.get(key), value, key)
    # A report to the sender may come from anybody's failure.
    mine = [d for d in seen.deliveries
            if mark in d.text and d.rcpt != SENDER]
    raw = [r for r in seen.recordings if mark.encode() in r.raw]
    met = {r.mx for r in seen.recordings}
    for host in case.untouched:
        must(host not in met, "somebody connected to %s", host)
    if case.expected == SENT:
        arrived(case, mark, mine, raw, seen)
    else:
        same([d.host for d in mine], [], "delivered to")
    if case.expected != SENT or case.tls:
        same([r.mx for r in raw], [], "in clear to")
        same(seen.sniffed(mark), [], "in clear on the wire")
    if case.expected == BOUNCED:
        same(len([d for d in seen.deliveries
                  if mark in d.text and d.rcpt == SENDER]), 1, "reports")
    questions(case, seen)
    if case.fetch:
        fetched = relay.events("sts-fetch", domain=case.rcpt)[-1]
        same({key: fetched.get(key) for key in case.fetch}, case.fetch,
             "fetch")


def arrived(case, mark, mine, raw, seen):
    """One copy, at that host, by TLS or not, under that name."""
    same([d.host for d in mine], [case.host], "copies of %s at" % mark)
    same(bool(mine[0].tls), case.tls, "received by TLS")
    here = [r for r in seen.recordings if r.mx == case.host]
    if not case.tls:
        same([r.mx for r in raw], [case.host], "in clear to")
        return
    secure = [r for r in here if r.encrypted]
    must(secure, "no TLS handshake on the wire")
    same({r.sni for r in secure}, 
         {case.host if case.sni is None else case.sni}, "SNI")
    if case.family:
        same({6 if ":" in r.address else 4 for r in secure}, {case.family},
             "address family")


def questions(case, seen):
    """What name servers and policy hosts were asked."""
    for one in case.asked:
        must(one in seen.asked, "the relay did not ask for %s %s", *one)
    for one in case.not_asked:
        must(one not in seen.asked, "the relay asked for %s %s", *one)
        must(one not in seen.outside, "the resolver asked for %s %s", *one)
    for domain, statuses in case.requests.items():
        same(requests(seen.web, domain), statuses,
             "requests to mta-sts." + domain)


def requests(web, domain):
    """The statuses of the requests to a policy host, all of which must be
    for the policy and, in TLS, for that host (STS-08, STS-36)."""
    found = web.requests(domain)
    same({(r.path, r.sni) for r in found} - {
        ("/.well-known/mta-sts.txt", "mta-sts." + domain)}, set(),
         "other requests to the policy host")
    return [r.status for r in found]
