"""The destinations of the demo: what each is and what must become of mail.

Every destination is a domain of its own; row and domain are made in one
place, so that the expectation stands beside the facts.
"""

from dataclasses import dataclass

from .world import (RELAY_NAME, RELAY_V4, RELAY_V6, SENDER, TLD, Cert, World)

SENT, DEFERRED, BOUNCED = "sent", "deferred", "bounced"
WEBPKI = Cert("webpki")
UNTRUSTED = Cert("untrusted")

# Usage 1 is not used for SMTP (RFC 7672 3.1.3); the data match nothing.
UNUSABLE = ("1 1 1", "00" * 32)


@dataclass
class Row:
    """One destination and its expected fate.

    expected    what the delivery log must say: sent, deferred, bounced
    policy      which policy must have decided ("" = not checked): a
                message held for another reason proves nothing
    tls         sent rows: True = over TLS, False = in clear text, once
    host        the MX that must have got it
    prime       expected state of an earlier message to the same domain,
                sent before the policy hosts go down; "" = none is sent
    fallback    the log must say fallback=handshake
    noted       the log must say what STS in testing found (sts_testing=)
    no_contact  hosts to which no connection may be made at all
    together    rows with the same value are recipients of one message
    """
    name: str
    what: str
    expected: str
    policy: str = ""
    tls: bool = True
    host: str = ""
    prime: str = ""
    fallback: bool = False
    noted: bool = False
    no_contact: tuple = ()
    together: str = ""

    @property
    def domain(self):
        return "%s.%s" % (self.name, TLD)


class Demo:
    """Builds World and rows together."""

    def __init__(self):
        self.world = World()
        self.rows = []

    def row(self, name, what, expected, **more):
        row = Row(name, what, expected, **more)
        if expected == SENT and not row.host:
            row.host = "mx." + row.domain
        self.rows.append(row)
        return row.domain

    def dane(self, name, what, expected, tlsa="match", params="3 1 1",
             more=None, **host):
        """A signed domain whose one MX has a TLSA record."""
        domain = self.row(name, what, expected, **(more or {}))
        self.world.domain(domain)
        self.world.mx_for(domain, tlsa, params, **host)
        return domain

    def plain(self, name, what, expected, more=None, **host):
        """An unsigned domain with one MX."""
        domain = self.row(name, what, expected, **(more or {}))
        self.world.domain(domain, signed=False)
        self.world.mx_for(domain, **host)
        return domain

    def sts(self, name, what, expected, mode="enforce", mx=None, web="up",
            more=None, **host):
        """An unsigned domain with one MX and an MTA-STS policy."""
        host.setdefault("cert", WEBPKI)
        more = dict({"policy": "none" if mode == "none" else "sts"},
                    **more or {})
        domain = self.plain(name, what, expected, more, **host)
        self.world.sts(domain, mode, mx, web)
        return domain

    def dane_rows(self):
        by_dane = {"policy": "dane"}
        self.dane("dane-ee", "DANE-EE matches, self-signed", SENT,
                  more=by_dane, cert=Cert("self", ("no.such.name",)))
        self.dane("dane-ta", "DANE-TA matches, name matches", SENT,
                  params="2 1 1", more=by_dane, cert=Cert("dane-ta"))
        self.dane("dane-ta-name", "DANE-TA matches, name does not", DEFERRED,
                  params="2 1 1", more=by_dane,
                  cert=Cert("dane-ta", ("mx.elsewhere.lab",)))
        self.dane("dane-mismatch", "TLSA does not match", DEFERRED,
                  tlsa="mismatch", more=by_dane, cert=WEBPKI)
        self.dane("tlsa-unusable", "TLSA present, none usable", SENT,
                  tlsa=UNUSABLE[1], params=UNUSABLE[0], more=by_dane,
                  cert=UNTRUSTED)
        domain = self.dane("tlsa-unusable-sts",
                           "TLSA unusable and STS enforce fails", DEFERRED,
                           tlsa=UNUSABLE[1], params=UNUSABLE[0],
                           more={"policy": "sts"}, cert=UNTRUSTED)
        self.world.sts(domain, "enforce")
        domain = self.dane("tlsa-servfail", "TLSA lookup SERVFAIL", DEFERRED,
                           tlsa=None, more=by_dane, cert=WEBPKI)
        self.world.no_tlsa_answer("mx." + domain)
        domain = self.row("bogus", "zone with a wrong DS", DEFERRED)
        self.world.domain(domain, bogus="ds")
        self.world.mx_for(domain, "match")
        domain = self.row("bogus-expired", "zone with expired signatures",
                          DEFERRED)
        self.world.domain(domain, bogus="expired")
        self.world.mx_for(domain, "match")
        self.mixed_mx()
        domain = self.dane("dane-over-sts", "DANE passes, STS enforce fails",
                           SENT, more=by_dane)
        self.world.sts(domain, "enforce", ("other.elsewhere.lab",))
        domain = self.dane("dane-not-sts", "DANE fails, STS passes",
                           DEFERRED, tlsa="mismatch", more=by_dane,
                           cert=WEBPKI)
        self.world.sts(domain, "enforce")
        self.foreign_tlsa()

    def mixed_mx(self):
        domain = self.row("mixed-mx", "best MX has no TLSA, second has",
                          SENT, host="mx1.mixed-mx." + TLD, policy="none",
                          no_contact=("mx2.mixed-mx." + TLD,))
        self.world.domain(domain)
        for number in (1, 2):
            host = self.world.host("mx%d.%s" % (number, domain))
            self.world.mx(domain, number * 10, host.name)
        self.world.tlsa_for("mx2." + domain)

    def foreign_tlsa(self):
        domain = self.row("foreign-tlsa", "insecure MX set names a foreign "
                          "host with valid TLSA, STS enforce forbids it",
                          DEFERRED, policy="sts")
        self.world.domain(domain, signed=False)
        foreign = "mx.foreign." + TLD
        self.world.domain("foreign." + TLD)
        self.world.host(foreign, cert=WEBPKI)
        self.world.tlsa_for(foreign)
        self.world.mx(domain, 10, foreign)
        self.world.sts(domain, "enforce")

    def sts_rows(self):
        self.sts("sts-enforce", "STS enforce passes", SENT)
        self.sts("sts-not-listed", "STS enforce, MX not in policy", DEFERRED,
                 mx=("mail.elsewhere.lab", "*.else.lab"))
        self.sts("sts-untrusted", "STS enforce, untrusted certificate",
                 DEFERRED, cert=UNTRUSTED)
        self.sts("sts-expired", "STS enforce, expired certificate", DEFERRED,
                 cert=Cert("webpki", expired=True))
        self.sts("sts-wrong-name", "STS enforce, certificate for another "
                 "name", DEFERRED, cert=Cert("webpki", ("mx.else.lab",)))
        self.sts("sts-testing", "STS testing fails", SENT, mode="testing",
                 mx=("mail.elsewhere.lab",), cert=UNTRUSTED,
                 more={"noted": True})
        self.sts("sts-none", "STS mode none", SENT, mode="none",
                 cert=UNTRUSTED)
        self.sts("sts-down", "policy host down, nothing cached", SENT,
                 web="down", cert=UNTRUSTED, more={"policy": "none"})
        self.sts("sts-cached-fail", "policy host down, cached policy fails",
                 DEFERRED, web="dying", cert=UNTRUSTED,
                 more={"prime": DEFERRED})
        self.sts("sts-cached-pass", "policy host down, cached policy passes",
                 SENT, web="dying", more={"prime": SENT})

    def broken_tls_rows(self):
        """No STARTTLS and broken handshake, without and with policies."""
        for name, what, script in (
                ("nostarttls", "no STARTTLS", {"starttls": "no"}),
                ("badtls", "broken handshake", {"starttls": "garbage"})):
            how = {"server": "script", "script": script}
            in_clear = {"tls": False, "fallback": name == "badtls",
                        "policy": "none"}
            testing = {"tls": False, "fallback": name == "badtls"}
            self.plain(name + "-plain", what + ", no policy", SENT,
                       more=in_clear, **how)
            self.sts(name + "-testing", what + ", STS testing", SENT,
                     mode="testing", more=testing, **how)
            self.sts(name + "-enforce", what + ", STS enforce", DEFERRED,
                     **how)
            self.dane(name + "-dane", what + ", DANE", DEFERRED,
                      more={"policy": "dane"}, **how)
            self.dane(name + "-unusable", what + ", TLSA unusable", DEFERRED,
                      tlsa=UNUSABLE[1], params=UNUSABLE[0],
                      more={"policy": "dane"}, **how)

    def other_rows(self):
        self.plain("opportunistic", "no policy, STARTTLS offered", SENT,
                   more={"policy": "none"})
        domain = self.row("null-mx", "null MX", BOUNCED)
        self.world.domain(domain)
        self.world.record(domain, "MX 0 .")
        domain = self.row("mx-loopback", "MX points to loopback", DEFERRED)
        self.world.domain(domain)
        self.world.record(domain, "MX 10 mx.%s." % domain)
        self.world.record("mx." + domain, "A 127.0.0.1")
        self.world.record("mx." + domain, "AAAA ::1")
        domain = self.row("mx-private", "MX points to private addresses",
                          DEFERRED)
        self.world.domain(domain)
        self.world.record(domain, "MX 10 mx.%s." % domain)
        self.world.record("mx." + domain, "A 192.168.1.1")
        self.world.record("mx." + domain, "AAAA fd00::1")
        domain = self.row("mx-own-name", "best MX is our own name", BOUNCED,
                          no_contact=("mx.mx-own-name." + TLD,))
        self.world.domain(domain)
        self.world.mx(domain, 10, RELAY_NAME)
        self.world.mx_for(domain, "match")
        domain = self.row("mx-own-address", "MX has our own address",
                          DEFERRED)
        self.world.domain(domain)
        self.world.record(domain, "MX 10 mx.%s." % domain)
        self.world.record("mx." + domain, "A " + RELAY_V4)
        self.world.record("mx." + domain, "AAAA " + RELAY_V6)
        domain = self.row("mx-gone-down",
                          "best MX has no address, second is down", DEFERRED)
        self.world.domain(domain)
        self.world.mx(domain, 10, "gone." + domain)
        self.world.mx(domain, 20,
                      self.world.host("mx." + domain, server="none").name)
        self.plain("refused", "the MX refuses the recipient", BOUNCED,
                   server="script", script={"rcpt": "550 5.1.1 No such user"})
        self.plain("try-later", "the MX says try later", DEFERRED,
                   server="script", script={"rcpt": "451 4.3.0 Try later"})
        both = {"together": "two"}
        self.dane("two-good", "one message, two domains: the good one", SENT,
                  more=dict(both, policy="dane"))
        self.dane("two-held", "one message, two domains: the held one",
                  DEFERRED, tlsa="mismatch",
                  more=dict(both, policy="dane"))


def demo():
    """(World, rows) of the demo."""
    made = Demo()
    made.dane_rows()
    made.sts_rows()
    made.broken_tls_rows()
    made.other_rows()
    return made.world, made.rows


def demo_world():
    """The World alone, which is Lab's default."""
    return demo()[0]


SENDER_MX = "mx." + SENDER
