"""Fixtures 15 to 23 that do not need time: records, policy hosts, policies,
patterns, modes, smarthost (RFC 8461)."""

from fixture_world import DEFERRED, SENT, WEBPKI
from waxlab.world import TLD, Cert, sts_body

GOOD_MODE = "version: STSv1\nmode: enforce\n"


def build(f):
    for part in (records, hosts, policies, patterns, modes, smarthost):
        part(f)


def enforced(f, title, dom, requests=(200,), **more):
    """The policy is in force: mail waits, for the MX host fails it."""
    f.case(title, dom, DEFERRED, "sts", more.pop("rule", "STS-29"),
           requests={dom: list(requests)}, **more)


def without(f, title, dom, requests=(), rule="DANE-13", why="", **more):
    """There is no policy: mail goes, though the host would fail it. why: the
    reason of the failed fetch."""
    if why:
        more["fetch"] = {"result": "failed", "reason": why}
    f.case(title, dom, SENT, "none", rule,
           requests=dict({dom: list(requests)}, **more.pop("others", {})),
           **more)


def txt(f, name, *texts):
    """A domain with a policy and these TXT records at _mta-sts."""
    dom = f.sts(name, record=False)
    for text in texts:
        f.world.record("_mta-sts." + dom, "1 TXT " + text)
    return dom


def records(f):
    dom = txt(f, "f15-two", '"v=STSv1; id=1;"', '"v=STSv1; id=2;"')
    without(f, "15 STS-02 two records", dom,
            asked=(("_mta-sts." + dom, "TXT"),))
    dom = txt(f, "f15-beside", '"v=spf1 -all"', '"v=STSv1; id=1;"')
    enforced(f, "15 STS-02 one record, and one that is of something else",
             dom)
    dom = txt(f, "f15-joined", '"v=ST" "Sv1; i" "d=1;"')
    enforced(f, "15 STS-04 joined strings", dom)
    dom = f.sts("f15-cname", record=False)
    f.world.domain("f15-record." + TLD)
    f.world.record("_mta-sts." + dom, "CNAME x.f15-record.%s." % TLD)
    f.world.record("x.f15-record." + TLD, '1 TXT "v=STSv1; id=1;"')
    enforced(f, "15 STS-05 the record is an alias", dom)
    dom = txt(f, "f16-blank", '"v=STSv1 ; id=1"')
    enforced(f, "16 STS-06 a blank before the semicolon", dom)
    dom = txt(f, "f16-both", '"v=STSv1 ; id=1"', '"v=STSv1; id=2"')
    enforced(f, "16 STS-02 STS-06 the same beside one without blank", dom)
    dom = txt(f, "f16-id", '"v=STSv1;"')
    without(f, "16 STS-03 no id", dom)
    dom = txt(f, "f16-case", '"v=stsv1; id=1"')
    without(f, "16 STS-06 small letters", dom)


def hosts(f):
    target = f.sts("f17-target")
    moved = "return %%d https://mta-sts.%s/.well-known/mta-sts.txt;" % target
    text = sts_body("enforce", ("*.x.lab",)).replace("\r\n", "\n")
    for name, status, location in (
            ("redirect", 301, moved % 301), ("found", 302, moved % 302),
            ("204", 204, "return 204;"), ("201", 201, 'return 201 "%s";'
                                          % text),
            ("404", 404, 'return 404 "%s";' % text)):
        dom = f.sts("f17-" + name, location=location)
        without(f, "17 %s status %d" % ("STS-19" if status in (301, 302)
                                        else "STS-18", status), dom,
                (status,), "STS-23", "HTTP status %d" % status,
                others={target: []})
    for name, rule, tls, cert in (
            ("wrong", "STS-16", "host-mismatch",
             Cert("webpki", ("mta-sts.other.lab",))),
            ("wild", "STS-17", "host-mismatch",
             Cert("webpki", ("mta-*.f17-wild." + TLD,))),
            ("expired", "STS-16", "expired", Cert("webpki", expired=True)),
            ("untrusted", "STS-16", "not-trusted", Cert("untrusted")),
            ("cn-only", "STS-16", "host-mismatch",
             Cert("webpki", cn_only=True))):
        dom = f.sts("f17-" + name, policy_cert=cert)
        without(f, "17 %s certificate: %s" % (rule, name), dom, (), "STS-23",
                fetch={"result": "failed", "tls": "certificate-" + tls})
    dom = f.sts("f17-star", policy_cert=Cert(
        "webpki", ("*.f17-star." + TLD,)))
    enforced(f, "17 STS-17 certificate: the whole first label is *", dom)
    dom = f.sts("f17-html", location="default_type text/html; alias %(body)s;")
    without(f, "17 STS-09 media type text/html", dom, (200,), "STS-23",
            "media type is not text/plain")
    for name, size in (("65k", 65 * 1024), ("63k", 63 * 1024)):
        body = sts_body("enforce", ("mx.f17-%s.%s" % (name, TLD),))
        body += ("filler: " + "x" * 70 + "\r\n") * (size // 80 + 1)
        dom = f.sts("f17-" + name, body=body[:size])
        if name == "65k":
            without(f, "17 STS-22 a body of 65 KB", dom, (200,), "STS-23",
                    "response is too big")
        else:
            enforced(f, "17 STS-22 a body of 63 KB", dom)


def policies(f):
    for name, rule, tail in (
            ("twice", "STS-12 duplicates: the first counts",
             "mode: none\nmx: %s\nmax_age: 86400\nmax_age: 60\n"),
            ("ext", "STS-12 an extension with colons and UTF-8",
             "mx: %s\nnew_one: a:b : \u00fc\nmax_age: 86400\n"),
            ("lf", "STS-11 blanks at the end, no final line end",
             "mx: %s \t\nmax_age: 86400 ")):
        host = "mx.f18-%s.%s" % (name, TLD)
        dom = f.sts("f18-" + name, body=GOOD_MODE + tail % host)
        enforced(f, "18 " + rule, dom)
    dom = f.sts("f18-age", body=GOOD_MODE + "mx: mx.f18-age.%s\n"
                "max_age: 9999999999\n" % TLD)
    enforced(f, "18 STS-13 max_age of ten digits", dom,
             fetch={"result": "ok", "max_age": "31557600"})
    dom = f.sts("f18-none", body="version: STSv1\nmode: none\n"
                "max_age: 86400\n")
    without(f, "18 STS-10 mode none without mx", dom, (200,), "STS-33")
    for name, rule, why, body in (
            ("no-mx", "STS-10 mode enforce without mx", "mx is missing",
             GOOD_MODE + "max_age: 86400\n"),
            ("no-version", "STS-10 no version", "version is missing",
             "mode: enforce\nmx: *.f18-no-version.lab\nmax_age: 86400\n"),
            ("no-age", "STS-10 no max_age", "max_age is missing",
             GOOD_MODE + "mx: *.f18-no-age.lab\n"),
            ("digits", "STS-13 max_age of eleven digits",
             "max_age is not 1 to 10 digits",
             GOOD_MODE + "mx: *.f18-digits.lab\nmax_age: 99999999999\n")):
        dom = f.sts("f18-" + name, body=body)
        without(f, "18 " + rule, dom, (200,), "STS-23", why)


def patterns(f):
    for name, host in (("deep", "a.b.f21-deep." + TLD),
                       ("bare", "f21-bare." + TLD)):
        dom = "f21-%s.%s" % (name, TLD)
        f.world.domain(dom, signed=False)
        f.world.host(host, cert=WEBPKI)
        f.world.mx(dom, 10, host)
        f.world.sts(dom, "enforce", ("*." + dom,))
        enforced(f, "21 STS-34 *.x is not %s" % (
            "a.b.x" if name == "deep" else "x"), dom, rule="STS-34",
            untouched=(host,))
    dom = f.sts("f21-good", mx=("*.f21-good." + TLD,), cert=WEBPKI)
    f.case("21 STS-34 STS-36 *.x is mx.x", dom, SENT, "sts", "STS-29",
           requests={dom: [200]}, log={"proof": "pkix"})
    dom = f.sts("f21-second", mx=("*.f21-second." + TLD,), cert=WEBPKI)
    first = f.world.host("a.b." + dom, cert=WEBPKI)
    f.world.mx(dom, 5, first.name)
    f.case("21 STS-34 STS-39 the best MX does not fit, the second does", dom,
           SENT, "sts", "STS-29", untouched=(first.name,))


def modes(f):
    script = {"server": "script", "tls": "none"}
    dom = f.sts("f22-testing", mode="testing", **script)
    f.case("22 STS-32 no STARTTLS, testing", dom, SENT, "sts", "STS-32",
           tls=False, requests={dom: [200]},
           log={"sts_testing": "starttls-not-supported"})
    dom = f.sts("f22-enforce", **script)
    enforced(f, "22 STS-29 no STARTTLS, enforce", dom)
    dom = f.sts("f22-none", mode="none", **script)
    f.case("22 STS-33 no STARTTLS, none", dom, SENT, "none", "STS-33",
           tls=False, requests={dom: [200]})


SITES = """\
site "f23-dest.lab" {
	nexthop = "f23-hub.lab"
}
site "f23-held.lab" {
	nexthop = "f23-bad.lab"
}
"""


def hub(f, name, cert):
    """A smarthost with a policy of its own."""
    full = "%s.%s" % (name, TLD)
    f.world.domain(full, signed=False)
    f.world.host(full, cert=cert)
    f.world.sts(full, "enforce", (full,))
    return full


def smarthost(f):
    for name, via, cert in (("f23-dest", "f23-hub", WEBPKI),
                            ("f23-held", "f23-bad", Cert("untrusted"))):
        # By its own policy mail could go to nobody, or to anybody.
        dom = f.sts(name, mode="enforce" if cert is WEBPKI else "none",
                    mx=("elsewhere.lab",))
        host = hub(f, via, cert)
        good = cert is WEBPKI
        f.case("23 STS-27 the smarthost's policy %s" % (
            "passes" if good else "fails"), dom, SENT if good else DEFERRED,
            "sts", "STS-29", host=host if good else "",
            untouched=("mx." + dom,), requests={dom: [], host: [200]},
            asked=(("_mta-sts." + host, "TXT"),),
            not_asked=(("_mta-sts." + dom, "TXT"), (dom, "MX"),
                       (host, "MX")))
