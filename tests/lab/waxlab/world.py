"""What there is in the lab's internet: plain data, nothing happens here.

A test builds a World, adds domains, MX hosts, TLSA records and policies, and
hands it to Lab. Names are given without the final dot. All live under the
top-level domain "lab"; a name belongs to the longest domain it ends in.
"""

from dataclasses import dataclass, field

TLD = "lab"
SENDER = "sender." + TLD
RELAY_NAME = "relay." + SENDER
RELAY_V4 = "11.0.255.1"
RELAY_V6 = "2a00:db:0:1::ffff"
ROOT_NS = ("11.0.0.1", "2a00:db:0:1::1")
TLD_NS = ("11.0.0.2", "2a00:db:0:1::2")
LEAF_NS = ("11.0.0.3", "2a00:db:0:1::3")
BAD_NS = {"servfail": ("11.0.0.4", "2a00:db:0:1::4"),
          "refused": ("11.0.0.5", "2a00:db:0:1::5"),
          "drop": ("11.0.0.6", "2a00:db:0:1::6")}
PICKY_NS = ("11.0.0.7", "2a00:db:0:1::7")
WEB = ("11.0.0.80", "2a00:db:0:1::80")
WEB_DYING = ("11.0.0.81", "2a00:db:0:1::81")
WEB_NOBODY = ("11.0.0.82", "2a00:db:0:1::82")
V4_BITS = "/16"
V6_BITS = "/64"


@dataclass
class Cert:
    """issuer: self, webpki (the CA the relay trusts), untrusted, dane-ta.
    bare: the server does not send the authority's certificate; cn_only: the
    name stands in the subject alone."""
    issuer: str = "self"
    names: tuple = ()
    expired: bool = False
    bare: bool = False
    cn_only: bool = False


@dataclass
class Mx:
    """A host with an SMTP server behind the recorder.

    server: "postfix", "script" (see scriptmx for the script's keys), or
    "none": an address on which nothing listens.
    """
    name: str
    v4: str
    v6: str
    server: str
    cert: Cert
    tls: str
    script: dict
    port: int = 0


@dataclass
class Domain:
    """A zone. bogus: None, "ds" (wrong DS) or "expired" (signatures).
    picky: its server may be told to answer some questions badly."""
    name: str
    signed: bool
    bogus: str
    picky: bool = False
    records: list = field(default_factory=list)


@dataclass
class Tlsa:
    """what: "match", "mismatch", or the association data in hex. owner: the
    name below which it stands, if that is not the host's."""
    mx: str
    params: str
    what: str
    owner: str = ""


@dataclass
class Policy:
    """An MTA-STS policy and the web server that has it.

    web: "up", "dying" (can be stopped by Lab.stop_dying_web), "down".
    location: what nginx does with the request, instead of sending the body
    as text/plain; %(body)s in it is the body's file.
    """
    domain: str
    body: str
    web: str
    cert: Cert
    location: str = ""


def sts_body(mode, mx=(), max_age=86400):
    """The text of a policy (RFC 8461 3.2)."""
    lines = ["version: STSv1", "mode: " + mode]
    lines += ["mx: " + name for name in mx]
    lines.append("max_age: %d" % max_age)
    return "\r\n".join(lines) + "\r\n"


class World:
    """Everything that Lab builds."""

    def __init__(self):
        self.domains = {}
        self.mx_hosts = {}
        self.tlsa = []
        self.policies = {}
        self.faults = {}
        sender = self.domain(SENDER)
        sender.records += ["relay A " + RELAY_V4, "relay AAAA " + RELAY_V6]
        self.mx_for(SENDER, tlsa="match")

    def domain(self, name, signed=True, bogus=None, picky=False):
        """Add a zone; signed=False is an insecure delegation."""
        zone = Domain(name, signed, bogus, picky)
        self.domains[name] = zone
        return zone

    def zone_of(self, name):
        """The zone in which the records of name live."""
        rest = name
        while rest:
            if rest in self.domains:
                return self.domains[rest]
            rest = rest.partition(".")[2]
        raise KeyError(name)

    def record(self, name, text):
        """Add one resource record: record("a.x.lab", "MX 10 b.x.lab.")"""
        self.zone_of(name).records.append("%s. %s" % (name, text))

    def host(self, name, server="postfix", cert=None, tls="may", v4=True,
             v6=True, script=None):
        """An MX host with addresses of its own; no MX record yet."""
        number = len(self.mx_hosts) + 1
        mx = Mx(name, "11.0.1.%d" % number if v4 else "",
                "2a00:db:0:1::1:%x" % number if v6 else "",
                server, cert or Cert(), tls, script or {}, 20000 + number)
        self.mx_hosts[name] = mx
        if v4:
            self.record(name, "A " + mx.v4)
        if v6:
            self.record(name, "AAAA " + mx.v6)
        return mx

    def mx(self, domain, preference, host):
        """Add an MX record."""
        self.record(domain, "MX %d %s." % (preference, host))

    def tlsa_for(self, host, what="match", params="3 1 1", owner=""):
        """Add a TLSA record of the host's port 25."""
        self.tlsa.append(Tlsa(host, params, what, owner))

    def fault(self, name, kind, how):
        """The server of a picky domain answers this question with servfail,
        refused, or not at all ("drop")."""
        self.faults["%s %s" % (name, kind)] = how

    def mx_for(self, domain, tlsa=None, params="3 1 1", **host):
        """The common case: one MX host "mx.DOMAIN", preference 10."""
        mx = self.host("mx." + domain, **host)
        self.mx(domain, 10, mx.name)
        if tlsa:
            self.tlsa_for(mx.name, tlsa, params)
        return mx

    def sts(self, domain, mode, mx=None, web="up", cert=None, ident="1",
            body=None, location="", record=True, ttl=1):
        """Publish a policy: TXT record (or not, or one that lives ttl
        seconds), address and body."""
        if mx is None:
            mx = ("mx." + domain,)
        host = "mta-sts." + domain
        if record:
            self.record("_mta-sts." + domain,
                        '%d TXT "v=STSv1; id=%s;"' % (ttl, ident))
        for addr in {"up": WEB, "dying": WEB_DYING, "down": WEB_NOBODY}[web]:
            self.record(host, "%s %s" % ("AAAA" if ":" in addr else "A",
                                         addr))
        self.policies[domain] = Policy(domain, body or sts_body(mode, mx),
                                       web, cert or Cert("webpki", (host,)),
                                       location)

    def no_tlsa_answer(self, host, how="servfail"):
        """Hand _tcp.HOST to a name server that answers servfail, refused
        or nothing ("drop")."""
        self.record("_tcp." + host, "NS %s-ns.%s." % (how, TLD))

    def addresses(self):
        """Every address of the internet side."""
        fixed = [ROOT_NS, TLD_NS, LEAF_NS, *BAD_NS.values(), PICKY_NS, WEB,
                 WEB_DYING, WEB_NOBODY]
        for pair in fixed + [(m.v4, m.v6) for m in self.mx_hosts.values()]:
            for addr in pair:
                if addr:
                    yield addr + (V6_BITS if ":" in addr else V4_BITS)
