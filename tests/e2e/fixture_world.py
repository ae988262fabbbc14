"""Destinations for the fixtures, each with what must become of mail for it.

A Case stands beside the facts that make its destination, as the rows of the
demo do; it is judged by what MX hosts, policy hosts and name servers saw.
"""

from dataclasses import dataclass, field

import lab
from waxlab.world import TLD, Cert

SENT, DEFERRED, BOUNCED = "sent", "deferred", "bounced"
WEBPKI, UNTRUSTED = Cert("webpki"), Cert("untrusted")
STALE = "00" * 32


@dataclass
class Case:
    """One destination.

    title      number of the fixture, ids of the rules, what it is
    rcpt       domain of the recipient
    policy     which policy must have decided, rule: by which rule
    host       sent: the MX that must have got it
    tls        sent: over TLS, or in clear
    sni        the name that the host was asked for; None: its own, "": none
    family     4 or 6: the message must have come by that
    untouched  hosts to which nobody may have connected
    asked      (name, type) that the relay must have asked its resolver
    not_asked  (name, type) that nobody may have asked, neither relay nor
               resolver
    requests   {domain: [status, ...]} of the policy hosts; a request that
               does not get as far as HTTP is none
    log        fields of the log's last delivery event
    fetch      fields of the log's last event about a fetch for rcpt
    patient    a lookup that hangs may cost attempts before the last
    relay      which relay sends it
    """
    title: str
    rcpt: str
    expected: str
    policy: str
    rule: str
    host: str = ""
    tls: bool = True
    sni: str = None
    family: int = 0
    untouched: tuple = ()
    asked: tuple = ()
    not_asked: tuple = ()
    requests: dict = field(default_factory=dict)
    log: dict = field(default_factory=dict)
    fetch: dict = field(default_factory=dict)
    patient: bool = False
    relay: str = "main"


def tlsa(name):
    return "_25._tcp.%s" % name, "TLSA"


class Fixtures:
    """Builds the World and the cases together."""

    def __init__(self):
        self.world = lab.world.World()
        self.cases = []

    def case(self, title, rcpt, expected, policy, rule, **more):
        made = Case(title, rcpt, expected, policy, rule, **more)
        if expected == SENT and not made.host:
            made.host = "mx." + rcpt
        if expected == DEFERRED and policy == "dane" and \
                rule == "DANE-07" and not made.untouched:
            made.untouched = ("mx." + rcpt,)
        self.cases.append(made)
        return made

    def signed(self, name, *records, domain=None, **host):
        """A signed domain with one MX; records: (params, what) of TLSA."""
        full = "%s.%s" % (name, TLD)
        self.world.domain(full, **domain or {})
        self.world.mx_for(full, **host)
        for params, what in records:
            self.world.tlsa_for("mx." + full, what, params)
        return full

    def unsigned(self, name, **host):
        full = "%s.%s" % (name, TLD)
        self.world.domain(full, signed=False)
        self.world.mx_for(full, **host)
        return full

    def sts(self, name, mode="enforce", mx=None, body=None, web="up",
            policy_cert=None, location="", record=True, **host):
        """An unsigned domain with one MX and a policy. The certificate of
        the MX fails a policy unless another one is given."""
        host.setdefault("cert", UNTRUSTED)
        full = self.unsigned(name, **host)
        self.world.sts(full, mode, mx, web, policy_cert, body=body,
                       location=location, record=record)
        return full
