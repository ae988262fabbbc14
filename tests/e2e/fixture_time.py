"""Fixtures in which something hangs, or changes while mail waits, and what
the lab alone can show: big sets of TLSA records on real servers."""

from cases import must, same
from cases import run as run_tool
from fixture_judge import requests
from fixture_world import DEFERRED, SENT, UNTRUSTED, WEBPKI, tlsa
from waxlab.ns import tool, wait_until
from waxlab.world import LEAF_NS, TLD, sts_body

BIG = 90


def build(f):
    f.sts("t17-drip", location="limit_rate 1; alias %(body)s;")
    f.signed("t01-first", ("3 1 1", "match"))
    hang = "t01-hang." + TLD
    f.world.domain(hang)
    for number in (1, 2):
        f.world.mx(hang, number * 10, f.world.host(
            "mx%d.%s" % (number, hang)).name)
    f.world.no_tlsa_answer("mx1." + hang, "drop")
    f.world.tlsa_for("mx2." + hang)
    for number in range(3):
        f.signed("t01-other%d" % number, ("3 1 1", "match"))
    for name, cert in (("t19-held", UNTRUSTED), ("t19-sent", WEBPKI)):
        f.sts(name, web="dying", cert=cert)
    f.sts("t19-gone", web="dying")
    f.sts("t20-opens", mx=("elsewhere.lab",), cert=WEBPKI,
          location="add_header Cache-Control max-age=86400; "
          "add_header Expires 'Thu, 01 Jan 2099 00:00:00 GMT'; "
          "alias %(body)s;")
    f.sts("t17-again", location="return 404;")
    f.sts("t20-shuts", mode="testing", server="script",
          script={"rcpt": "451 4.3.0 Not yet"})
    many = [("3 1 2", "%0128x" % n) for n in range(1, BIG)]
    f.signed("t00-big", *many, ("3 1 2", "match"))
    f.signed("t00-big-stale", *many)
    f.signed("t00-big-certs", *[("3 0 0", "%02x" % n * 700)
                                for n in range(6)], ("3 0 0", "match"))


class Sent:
    """A message under way by the relay that retries soon."""

    def __init__(self, bench, relay, name):
        self.bench, self.relay = bench, relay
        self.domain = "%s.%s" % (name, TLD)
        self.rcpt = "%s@%s" % (bench.token(), self.domain)
        self.mark = bench.send(relay, self.rcpt)

    def wait(self, seconds=60, **fields):
        return self.relay.wait_for("delivery", seconds=seconds, to=self.rcpt,
                                   **fields)

    def same(self, status, policy, rule):
        """The first attempt, and what lies at the receivers."""
        event = self.wait()[0]
        same((event["status"], event["policy"], event["rule"]),
             (status, policy, rule), "first attempt")
        if status == SENT:
            found = self.bench.arrived(self.mark)
            same([bool(d.tls) for d in found], [True], "received by TLS")
        else:
            self.bench.nowhere(self.mark)
        return event


def run(bench, relay, steady):
    """relay tries again soon and is started again once; steady is not, so
    that a fetch there ends by itself."""
    drip = Sent(bench, steady, "t17-drip")
    again(bench, relay)
    hangs(bench, relay)
    big_sets(bench, relay)
    cached(bench, relay)
    changes(bench, relay)
    with bench.case("17 STS-22 a body that drips: the fetch ends by itself"):
        drip.wait(120)
        drip.same(SENT, "none", "STS-23")
        same([e["error"] for e in steady.events("sts-fetch",
                                                domain=drip.domain)],
             ["timed out"], "errors")
        same(len(bench.net.web.requests(drip.domain)), 1, "requests")


def again(bench, relay):
    with bench.case("17 STS-21 a fetch that failed is not repeated for each "
                    "message"):
        for _ in range(3):
            Sent(bench, relay, "t17-again").same(SENT, "none", "STS-23")
        same(requests(bench.net.web, "t17-again.lab"), [404], "requests")


def hangs(bench, relay):
    with bench.case("1 DANE-59 TLSA that hangs costs one host, not the "
                    "shard"):
        Sent(bench, relay, "t01-first").same(SENT, "dane", "DANE-11")
        slow = Sent(bench, relay, "t01-hang")
        name, kind = tlsa("mx1." + slow.domain)
        wait_until(lambda: any((q.name, q.type) == (name, kind)
                               for q in bench.net.asked.all()), 30,
                   "a TLSA question", relay.process)
        for number in range(3):
            Sent(bench, relay, "t01-other%d" % number).same(
                SENT, "dane", "DANE-11")
        same(relay.deliveries(slow.rcpt), [],
             "deliveries of the one that hangs, while others are sent")
        slow.same(SENT, "dane", "DANE-11")
        same({r.mx for r in bench.net.recordings()
              if r.mx.endswith(slow.domain)}, {"mx2." + slow.domain},
             "hosts that were contacted")


def big_sets(bench, relay):
    for name, what, good in (
            ("t00-big", "%d records, the last matches" % BIG, True),
            ("t00-big-stale", "%d records, none matches" % (BIG - 1), False),
            ("t00-big-certs", "seven whole certificates", True)):
        with bench.case("DANE-11 TLSA by TCP: " + what):
            one = Sent(bench, relay, name)
            one.same(SENT if good else DEFERRED, "dane", "DANE-11")
            bench.net.asked.mark()
            bench.net.outside.mark()
            for where, log in (("relay", bench.net.asked),
                               ("resolver", bench.net.outside)):
                ways = {q.by for q in log.all()
                        if (q.name, q.type) == tlsa("mx." + one.domain)}
                must("tcp" in ways, "the %s asked by %s only", where, ways)


def serves(bench, name, text):
    """Waits until the name server has that text, or no longer has it."""
    def look():
        out = run_tool([tool("drill", bench.net.servers), "TXT", name,
                        "@" + LEAF_NS[0]])
        return (text.lstrip("!") in out) != text.startswith("!")
    wait_until(look, 20, "%s at the name server" % text)


def cached(bench, relay):
    """Prime, then the policy hosts go down and the records change."""
    web, dns = bench.net.web, bench.net.dns
    names = ("t19-held", "t19-sent", "t19-gone")
    with bench.case("19 STS-24 before: the policies are fetched"):
        for name in names:
            Sent(bench, relay, name).same(
                SENT if name == "t19-sent" else DEFERRED, "sts", "STS-29")
            same(web.fetches(name + ".lab"), 1, "fetches")
        bench.net.stop_dying_web()
        for name in names[:2]:
            dns.replace_record(name + ".lab", "id=1", "id=2")
            serves(bench, "_mta-sts.%s.lab" % name, "id=2")
        dns.replace_record("t19-gone.lab", "v=STSv1", "v=none")
        serves(bench, "_mta-sts.t19-gone.lab", "!STSv1")
    with bench.case("19 STS-24 id changed, fetch dead: the cached policy "
                    "holds"):
        # What waits is tried again and finds the new id.
        relay.wait_for("sts-fetch", domain="t19-held.lab", id="2",
                       result="failed")
        Sent(bench, relay, "t19-held").same(DEFERRED, "sts", "STS-29")
    with bench.case("19 STS-24 id changed, fetch dead: the cached policy "
                    "lets pass"):
        def passes():
            Sent(bench, relay, "t19-sent").same(SENT, "sts", "STS-29")
            return relay.events("sts-fetch", domain="t19-sent.lab", id="2",
                                result="failed")
        wait_until(passes, 30, "a fetch of the new id", relay.process)
        Sent(bench, relay, "t19-sent").same(SENT, "sts", "STS-29")
    with bench.case("19 STS-24 the record is gone, the host is dead: the "
                    "cached policy holds"):
        before = asked_outside(bench, "_mta-sts.t19-gone.lab")
        one = Sent(bench, relay, "t19-gone")
        wait_until(lambda: asked_outside(
            bench, "_mta-sts.t19-gone.lab") > before, 30,
                   "a question for the record", relay.process)
        count = len(relay.deliveries(one.rcpt))
        relay.wait_for("delivery", to=one.rcpt, count=count + 1)
        still_held(bench, relay, one)
    with bench.case("19 STS-41 the same after a restart"):
        same(relay.stop(), 0, "exit status")
        relay.start()
        for name in ("t19-held", "t19-gone"):
            one = Sent(bench, relay, name)
            one.wait(count=2)
            still_held(bench, relay, one)


def still_held(bench, relay, one):
    same({(e["status"], e["policy"], e["rule"])
          for e in relay.deliveries(one.rcpt)},
         {(DEFERRED, "sts", "STS-29")}, "attempts")
    bench.nowhere(one.mark)


def asked_outside(bench, name):
    """How often the resolver asked for a TXT record."""
    return sum((q.name, q.type) == (name, "TXT")
               for q in bench.net.outside.all())


def changes(bench, relay):
    web, dns = bench.net.web, bench.net.dns
    with bench.case("20 STS-20 STS-30 STS-31 a policy that changes while mail "
                    "waits lets it go"):
        one = Sent(bench, relay, "t20-opens")
        one.same(DEFERRED, "sts", "STS-34")
        web.write(one.domain, sts_body("enforce", ("mx." + one.domain,)))
        dns.replace_record(one.domain, "id=1", "id=2")
        one.wait(status=SENT, policy="sts", rule="STS-29")
        same([d.host for d in bench.arrived(one.mark)],
             ["mx." + one.domain], "at")
        same(requests(web, one.domain), [200, 200], "requests")
    with bench.case("20 STS-30 a policy that changes while mail waits holds "
                    "it"):
        one = Sent(bench, relay, "t20-shuts")
        one.same(DEFERRED, "sts", "SMTP-09")
        web.write(one.domain, sts_body("enforce", ("mx." + one.domain,)))
        dns.replace_record(one.domain, "id=1", "id=2")
        one.wait(policy="sts", rule="STS-29", status=DEFERRED)
        bench.nowhere(one.mark)
        same(requests(web, one.domain), [200, 200], "requests")
