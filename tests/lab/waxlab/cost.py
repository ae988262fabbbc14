"""What a delivery costs on the network, cold and warm: DNS questions of the
relay to its resolver and of that to the name servers, connections to policy
hosts, HTTP requests, SMTP connections. Counts, never times."""

import os
import secrets
from dataclasses import dataclass

from .ns import wait_until
from .world import TLD, Cert

CANARY = (".", "NS")
FIRST = "cost-first." + TLD


@dataclass(frozen=True)
class Kind:
    """A kind of domain; asked: what a cold delivery has to ask, of the name
    parts that @ (the domain), mx and mta-sts stand for."""
    name: str
    what: str
    asked: frozenset
    http: int = 0

    @property
    def domain(self):
        return "cost-%s.%s" % (self.name, TLD)

    def questions(self):
        """{(name, type)} of a cold delivery."""
        def full(label):
            return {"@": self.domain}.get(label, label + "." + self.domain)
        return {(full(label), kind) for label, kind in self.asked}


def asked(text):
    """"MX @ A mx" as a set of (label, type)."""
    words = text.split()
    return frozenset(zip(words[1::2], words[::2]))


HOST = "MX @ A mx AAAA mx "
TLSA, TXT = "TLSA _25._tcp.mx ", "TXT _mta-sts "
KINDS = (
    Kind("dane", "signed, TLSA", asked(HOST + TLSA)),
    Kind("sts", "unsigned, MTA-STS", asked(
        HOST + TXT + "A mta-sts AAAA mta-sts"), http=1),
    Kind("plain", "unsigned, neither", asked(HOST + TXT)),
    Kind("signed", "signed, neither", asked(HOST + TLSA + TXT)),
    Kind("both", "signed, TLSA at both hosts, and MTA-STS",
         asked(HOST + TLSA)))


def add(world):
    """The domains of KINDS, and one to wake the resolver with."""
    for name in (FIRST,) + tuple(k.domain for k in KINDS):
        signed = name not in ("cost-sts." + TLD, "cost-plain." + TLD)
        world.domain(name, signed=signed)
        world.mx_for(name, cert=Cert("webpki"))
    for name in ("cost-dane." + TLD, "cost-both." + TLD):
        world.tlsa_for("mx." + name)
    second = world.host("mx2.cost-both." + TLD)
    world.mx("cost-both." + TLD, 20, second.name)
    world.tlsa_for(second.name)
    for name in ("cost-sts." + TLD, "cost-both." + TLD):
        world.sts(name, "enforce", ("*." + name,), ttl=60)


@dataclass
class Cost:
    """One delivery. asked: the relay's questions, outside: names that the
    resolver asked for; tls: connections to policy hosts, http: requests."""
    kind: Kind
    warm: bool
    asked: list
    outside: list
    tls: int
    http: int
    smtp: int

    def problems(self):
        """What is not as it should be."""
        want = set() if self.warm else self.kind.questions()
        http = 0 if self.warm else self.kind.http
        found = set(self.asked)
        if found != want:
            yield "asked for %s, expected %s" % (
                sorted(found - want) or "nothing more",
                sorted(want - found) or "nothing less")
        for name, got, wanted in (("connections to policy hosts", self.tls,
                                   http), ("HTTP requests", self.http, http),
                                  ("SMTP connections", self.smtp, 1)):
            if got != wanted:
                yield "%d %s, expected %d" % (got, name, wanted)
        # It may look after name servers whenever it likes.
        for name in self.outside:
            if self.warm and name.endswith(self.kind.domain):
                yield "the resolver asked for " + name

    def as_dict(self):
        """As the demo has it of its other destinations. A Cost is made of
        mail that arrived."""
        problems = list(self.problems())
        run = "warm" if self.warm else "cold"
        return {"destination": "cost-%s-%s" % (self.kind.name, run),
                "what": "%s, %s: what it costs" % (self.kind.what, run),
                "expected": "sent", "got": "sent", "asked": len(self.asked),
                "outside": len(self.outside), "http": self.http,
                "smtp": self.smtp, "verdict": "FAIL" if problems else "ok",
                "problems": problems}


class Meter:
    """Counts what one relay, alone in the lab, costs."""

    def __init__(self, lab, relay):
        self.lab = lab
        self.relay = relay
        self.before = None

    def now(self):
        """(relay's questions, resolver's, connections, requests, sessions)
        so far."""
        self.lab.asked.mark()
        self.lab.outside.mark()
        mine = [(q.name, q.type) for q in self.lab.asked.all()]
        # The resolver looks after the root by itself, and for the canary.
        return ([q for q in mine if q != CANARY],
                [q.name for q in self.lab.outside.all() if q.name != "."],
                sum(name.endswith(".443") for name in
                    os.listdir(self.lab.flows)),
                sum(len(self.lab.web.requests(k.domain)) for k in KINDS
                    if k.domain in self.lab.world.policies),
                len(self.lab.recordings()))

    def deliver(self, domain):
        """One message, till it lies at the receiver."""
        mark = "wax" + secrets.token_hex(10)
        rcpt = "%s@%s" % (mark, domain)
        self.lab.send(self.relay, [rcpt], mark)
        self.relay.wait_for("delivery", to=rcpt, status="sent")
        wait_until(lambda: self.lab.delivered(mark), 30, "the message",
                   self.relay.process)

    def measure(self):
        """A Cost for each kind, cold and warm."""
        self.deliver(FIRST)
        found = []
        for kind in KINDS:
            for warm in (False, True):
                before = self.now()
                self.deliver(kind.domain)
                after = self.now()
                lists = [b[len(a):] for a, b in zip(before[:2], after[:2])]
                found.append(Cost(kind, warm, *lists, *(
                    b - a for a, b in zip(before[2:], after[2:]))))
        return found


def table(costs):
    """The lines of a table for people."""
    yield ("%-40s  %-4s  %5s  %8s  %4s  %4s" % (
        "what one delivery costs", "", "relay", "resolver", "HTTP", "SMTP"))
    yield "%s  %s  %s  %s  %s  %s" % tuple(
        "-" * n for n in (40, 4, 5, 8, 4, 4))
    for cost in costs:
        yield "%-40s  %-4s  %5d  %8d  %4d  %4d" % (
            "" if cost.warm else cost.kind.what,
            "warm" if cost.warm else "cold", len(cost.asked), len(cost.outside),
            cost.http, cost.smtp)
        for problem in cost.problems():
            yield "    ! " + problem
    yield ("relay: DNS questions to its resolver; resolver: those that it "
           "asked name servers")
