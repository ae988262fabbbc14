"""Fixtures 1 to 14: what RFC 7672 says of broken and odd DNS."""

from fixture_world import (BOUNCED, DEFERRED, SENT, STALE, UNTRUSTED, WEBPKI,
                           tlsa)
from waxlab.world import TLD, WEB_NOBODY, Cert

EE, EE512 = "3 1 1", "3 1 2"
MATCH, MISMATCH = (EE, "match"), (EE, "mismatch")


def build(f):
    for part in (lookups, aliases, usages, agility, sets, addresses):
        part(f)


def lookups(f):
    for how in ("servfail", "refused"):
        dom = f.signed("f01-" + how, cert=WEBPKI)
        f.world.no_tlsa_answer("mx." + dom, how)
        f.case("1 DANE-07 DANE-14 TLSA " + how.upper(), dom, DEFERRED, "dane",
               "DANE-07", asked=(tlsa("mx." + dom),))
    dom = f.signed("f01-sts", cert=WEBPKI)
    f.world.no_tlsa_answer("mx." + dom)
    f.world.sts(dom, "enforce")
    f.case("1 DANE-14 STS-01 TLSA SERVFAIL, a policy that would pass", dom,
           DEFERRED, "dane", "DANE-07", requests={dom: []})
    dom = two(f, "f01-next")
    f.world.no_tlsa_answer("mx1." + dom)
    f.world.tlsa_for("mx2." + dom)
    f.case("1 DANE-07 TLSA SERVFAIL costs one host", dom, SENT, "dane",
           "DANE-11", host="mx2." + dom, untouched=("mx1." + dom,))
    for name, kind, family in (("a", "A", 6), ("aaaa", "AAAA", 4)):
        for how in ("servfail", "drop"):
            dom = f.signed("f02-%s-%s" % (name, how), MATCH,
                           domain={"picky": True})
            f.world.fault("mx." + dom, kind, how)
            f.case("2 DANE-56 %s %s, the other family fine" % (
                kind, how), dom, SENT, "dane", "DANE-11", family=family,
                   patient=how == "drop",
                   relay="time" if how == "drop" else "main")
    dom = f.signed("f02-both", MATCH, domain={"picky": True})
    for kind in ("A", "AAAA"):
        f.world.fault("mx." + dom, kind, "servfail")
    f.case("2 DANE-06 both families SERVFAIL", dom, DEFERRED, "none",
           "DANE-06", untouched=("mx." + dom,),
           not_asked=(tlsa("mx." + dom),))
    for name, signed in (("signed", True), ("unsigned", False)):
        dom = "f03-%s.%s" % (name, TLD)
        host = "mx.f03-%s-host.%s" % (name, TLD)
        f.world.domain(dom, signed=signed)
        f.world.domain(host[3:], signed=False)
        f.world.host(host, cert=UNTRUSTED)
        f.world.mx(dom, 10, host)
        f.world.no_tlsa_answer(host, "drop")
        f.case("3 DANE-22 host in an unsigned zone that hangs at TLSA, MX set "
               + name, dom, SENT, "none", "DANE-13", host=host,
               not_asked=(tlsa(host),))


def two(f, name, first=None, second=None, **domain):
    """A domain with two MX hosts of different preference."""
    full = "%s.%s" % (name, TLD)
    f.world.domain(full, **domain)
    for number, host in ((1, first), (2, second)):
        made = f.world.host("mx%d.%s" % (number, full), **host or {})
        f.world.mx(full, number * 10, made.name)
    return full


def alias(f, name, target_signed, middle=False):
    """mx.NAME is an alias of mx.NAME-end, by way of mid.NAME-mid."""
    dom, end = "%s.%s" % (name, TLD), "mx.%s-end.%s" % (name, TLD)
    mid = "mid.%s-mid.%s" % (name, TLD)
    f.world.domain(dom)
    f.world.domain(end[3:], signed=target_signed)
    f.world.host(end)
    f.world.mx(dom, 10, "mx." + dom)
    if middle:
        f.world.domain(mid[4:])
        f.world.record(mid, "CNAME %s." % end)
    f.world.record("mx." + dom, "CNAME %s." % (mid if middle else end))
    return dom, "mx." + dom, mid, end


def aliases(f):
    dom, first, _, end = alias(f, "f04-with", False)
    f.world.tlsa_for(end, owner=first)
    f.case("4 DANE-24 DANE-10 secure alias of an unsigned host, TLSA at the "
           "alias", dom, SENT, "dane", "DANE-11", host=end, sni=first,
           asked=(tlsa(first), (first, "CNAME")), not_asked=(tlsa(end),))
    dom, first, _, end = alias(f, "f04-bad", False)
    f.world.tlsa_for(end, "mismatch", owner=first)
    f.case("4 DANE-24 the same, but it does not match", dom, DEFERRED, "dane",
           "DANE-11", not_asked=(tlsa(end),))
    dom, first, _, end = alias(f, "f04-without", False)
    f.world.tlsa_for(end, "mismatch")
    f.case("4 DANE-24 the same, without TLSA at the alias", dom, SENT, "none",
           "DANE-13", host=end, sni=first, asked=(tlsa(first),),
           not_asked=(tlsa(end),))
    dom, first, mid, end = alias(f, "f05-mid", True, middle=True)
    f.world.tlsa_for(end, "mismatch", owner=mid)
    f.case("5 DANE-26 TLSA at the middle of a chain of aliases counts for "
           "nothing", dom, SENT, "none", "DANE-13", host=end, sni=first,
           asked=(tlsa(end), tlsa(first)), not_asked=(tlsa(mid),))
    dom, first, mid, end = alias(f, "f05-end", True, middle=True)
    f.world.tlsa_for(end)
    f.world.tlsa_for(end, "mismatch", owner=mid)
    f.world.tlsa_for(end, "mismatch", owner=first)
    f.case("5 DANE-25 DANE-50 the end of the chain comes first", dom, SENT,
           "dane", "DANE-11", host=end, sni=end, not_asked=(tlsa(mid),))
    dom, first, mid, end = alias(f, "f05-first", True, middle=True)
    f.world.tlsa_for(end, "mismatch", owner=mid)
    f.world.tlsa_for(end, owner=first)
    f.case("5 DANE-25 DANE-50 then the name in the MX record", dom, SENT,
           "dane", "DANE-11", host=end, sni=first, not_asked=(tlsa(mid),))


def usages(f):
    unusable = [("0 0 1", STALE), ("1 1 1", STALE)]
    dom = f.signed("f06-tls", *unusable, cert=UNTRUSTED)
    f.case("6 DANE-12 DANE-38 usages 0 and 1 alone", dom, SENT, "dane",
           "DANE-12", log={"proof": "none"})
    dom = f.signed("f06-clear", *unusable, server="script", tls="none")
    f.case("6 DANE-31 usages 0 and 1 alone, no STARTTLS", dom, DEFERRED,
           "dane", "DANE-12")
    for name, params in (("spki", EE), ("cert", "3 0 1")):
        dom = f.signed("f07-" + name, (params, "match"), cert=Cert(
            "untrusted", ("no.such.name",), expired=True))
        f.case("7 DANE-33 DANE-34 %s, expired, another name" % params, dom,
               SENT, "dane", "DANE-11", log={"proof": "dane-ee"})
    dom = "f08-next." + TLD
    f.signed("f08-next", ("2 0 1", "match"), cert=Cert("dane-ta", (dom,)))
    f.case("8 DANE-42 2 0 1, certificate for the next hop", dom, SENT, "dane",
           "DANE-11", log={"proof": "dane-ta"})
    dom = f.signed("f08-other", ("2 0 1", "match"),
                   cert=Cert("dane-ta", ("other.lab",)))
    f.case("8 DANE-35 2 0 1, certificate for somebody else", dom, DEFERRED,
           "dane", "DANE-11")
    dom = "f08-unsigned." + TLD
    host = foreign(f, dom, ("2 0 1", "match"), cert=Cert("dane-ta", (dom,)))
    f.case("8 DANE-43 2 0 1, certificate for the next hop, MX set unsigned",
           dom, DEFERRED, "dane", "DANE-17", asked=(tlsa(host),))
    for name, params, cert, good in (
            ("in-dns", "2 0 0", Cert("dane-ta", bare=True), True),
            ("digest", "2 0 1", Cert("dane-ta", bare=True), False),
            ("name", "2 0 0", Cert("dane-ta", ("other.lab",), bare=True),
             False)):
        dom = f.signed("f09-" + name, (params, "match"), cert=cert)
        f.case("9 %s %s, authority not in the chain, %s" % (
            "DANE-37" if good else "DANE-35", params,
            "wrong name" if name == "name" else "right name"), dom,
               SENT if good else DEFERRED, "dane", "DANE-11")


def agility(f):
    for name, records, good, what in (
            ("weak", [MATCH, (EE512, "mismatch")], False,
             "the weak digest matches, the strong one does not"),
            ("strong", [MISMATCH, (EE512, "match")], True,
             "the strong digest matches, the weak one does not"),
            ("full", [("3 1 0", "match"), (EE512, "mismatch")], True,
             "the key itself matches, its digest does not")):
        dom = f.signed("f10-" + name, *records)
        f.case("10 DANE-47 " + what, dom, SENT if good else DEFERRED, "dane",
               "DANE-11")
    dom = f.signed("f11-roll", MISMATCH, MATCH)
    f.case("11 DANE-11 rollover: the first record is stale", dom, SENT, "dane",
           "DANE-11")
    dom = f.signed("f11-stale", MISMATCH, (EE, STALE))
    f.case("11 DANE-11 all records are stale", dom, DEFERRED, "dane",
           "DANE-11")


def foreign(f, dom, *records, **host):
    """An unsigned domain whose MX is a host of a signed one."""
    name = "mx." + dom.replace("." + TLD, "-host." + TLD)
    f.world.domain(dom, signed=False)
    f.world.domain(name[3:])
    f.world.host(name, **host)
    f.world.mx(dom, 10, name)
    for params, what in records:
        f.world.tlsa_for(name, what, params)
    return name


def sets(f):
    down = {"server": "none"}
    dom = two(f, "f12-best")
    f.world.tlsa_for("mx2." + dom, "mismatch")
    f.case("12 DANE-16 best MX without TLSA, second with", dom, SENT, "none",
           "DANE-13", host="mx1." + dom, untouched=("mx2." + dom,))
    dom = two(f, "f12-second", first=down)
    f.world.tlsa_for("mx2." + dom)
    f.case("12 DANE-20 the best is down, the second has TLSA", dom, SENT,
           "dane", "DANE-11", host="mx2." + dom)
    dom = two(f, "f12-held", first=down)
    f.world.tlsa_for("mx2." + dom, "mismatch")
    f.case("12 DANE-20 the best is down, the second does not match", dom,
           DEFERRED, "dane", "DANE-11")
    dom = two(f, "f12-worse")
    f.world.tlsa_for("mx1." + dom, "mismatch")
    f.case("12 DANE-20 the best does not match, the second has no TLSA", dom,
           SENT, "none", "DANE-13", host="mx2." + dom)
    dom = "f13-match." + TLD
    host = foreign(f, dom, MATCH)
    f.case("13 DANE-17 DANE-19 MX set unsigned, TLSA of its host matches",
           dom, SENT, "dane", "DANE-17", host=host,
           log={"mx_insecure": "yes"})
    dom = "f13-mismatch." + TLD
    foreign(f, dom, MISMATCH)
    f.case("13 DANE-17 MX set unsigned, TLSA of its host does not match", dom,
           DEFERRED, "dane", "DANE-17")
    dom = "f13-policy." + TLD
    host = foreign(f, dom, MATCH, cert=WEBPKI)
    f.world.sts(dom, "enforce", ("mx." + dom,))
    f.case("13 DANE-17 STS-29 the same, but the policy does not name it", dom,
           DEFERRED, "sts", "STS-34", untouched=(host,),
           requests={dom: [200]})
    dom = "f13-off." + TLD
    host = foreign(f, dom, MISMATCH)
    f.case("13 DANE-17 insecure_mx = no: TLSA is not asked", dom, SENT,
           "none", "DANE-13", host=host, not_asked=(tlsa(host),),
           relay="insecure-off")


def addresses(f):
    dom = "f14-ip." + TLD
    host = f.world.host("mx." + dom.replace("f14-ip", "f14-spare"),
                        **spare(f, "f14-spare"))
    f.world.domain(dom)
    f.world.record(dom, "MX 10 %s." % host.v4)
    f.case("14 DANE-15 the MX record is an IP address", dom, BOUNCED, "none",
           "DANE-23", untouched=(host.name,), not_asked=(tlsa(host.v4),))
    dom = f.signed("f14-second", MATCH)
    f.world.record(dom, "MX 5 %s." % host.v4)
    f.case("14 DANE-15 the same, and there is a second", dom, SENT, "dane",
           "DANE-11", untouched=(host.name,), not_asked=(tlsa(host.v4),))
    host = f.world.host("mx.f14-literal." + TLD, **spare(f, "f14-literal"))
    f.world.tlsa_for(host.name, "mismatch")
    f.case("14 DANE-15 STS-28 address literal", "[%s]" % host.v4, SENT,
           "none", "DANE-15", host=host.name, sni="", not_asked=(
               tlsa(host.v4), tlsa(host.name),
               ("_mta-sts.[%s]" % host.v4, "TXT")))
    for name, family in (("v4", 4), ("v6", 6)):
        dom = f.signed("f02-dead-" + name, MATCH, v4=family == 4,
                       v6=family == 6)
        kind, addr = ("AAAA", WEB_NOBODY[1]) if family == 4 else (
            "A", WEB_NOBODY[0])
        f.world.record("mx." + dom, "%s %s" % (kind, addr))
        f.case("2 SMTP-30 nobody listens at the %s address" % kind, dom, SENT,
               "dane", "DANE-11", family=family)


def spare(f, name):
    """A zone for a host that nobody names in an MX record."""
    f.world.domain("%s.%s" % (name, TLD))
    return {"server": "script"}
