"""A resolver that is down, does not validate, or is not reached by IPv4: mail
is taken and waits, the state is shown, and it goes on."""

import os
import signal

import lab
from cases import SENDER, Skip, edit, end, must, same
from waxlab import dns
from waxlab.ns import Process, wait_until


def run(bench):
    with bench.running("dns-managed") as relay:
        frozen(bench, relay)
        killed(bench, relay)
    wrong_anchor(bench)
    with Resolvers(bench) as resolvers:
        external(bench, resolvers)
        expires(bench, resolvers)
        untrusted(bench, resolvers)
        second_address(bench, resolvers)


class Resolvers:
    """External resolvers on loopback, one at a time or several."""

    def __init__(self, bench):
        self.net = bench.net
        self.running = []
        self.count = 0

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.stop()

    def start(self, address="127.0.0.1", modules="validator iterator"):
        self.count += 1
        base = os.path.join(self.net.folder, "resolver%d" % self.count)
        os.mkdir(base)
        conf = dns.UNBOUND % {
            "address": address, "port": 53, "dir": base,
            "hints": self.net.dns.root_hints,
            "anchor": self.net.dns.trust_anchor}
        old = 'module-config: "validator iterator"'
        must(old in conf, "no module-config")
        with open(base + "/unbound.conf", "w") as out:
            out.write(conf.replace(old, 'module-config: "%s"' % modules))
        process = Process(
            "resolver", [lab.tool("unbound", self.net.servers), "-d", "-c",
                         base + "/unbound.conf"], base + "/log")
        self.running.append(process)
        wait_until(lambda: "start of service" in process.tail(50), 20,
                   "unbound", process)

    def stop(self):
        for process in self.running:
            process.kill()
        self.running.clear()


def state_is(relay, status, *words):
    """Waits until waxseal status ends so and says so."""
    def look():
        done = relay.cli("status")
        seen.append((done.returncode, done.stdout + done.stderr))
        return done.returncode == status and \
            all(word in seen[-1][1] for word in words)
    seen = []
    try:
        wait_until(look, 60, "state", relay.process)
    except lab.LabError:
        same(seen[-1], (status, words), "waxseal status")


def held(bench, relay, mark, rcpt, count=1):
    """It was tried, is deferred, and neither sent nor given back."""
    relay.wait_for("delivery", to=rcpt, count=count)
    same({e["status"] for e in relay.deliveries(rcpt)}, {"deferred"},
         "states of " + rcpt)
    same([e["dsn"][:1] for e in relay.deliveries(rcpt)][0], "4", "dsn")
    bench.nowhere(mark)


def frozen(bench, relay):
    with bench.case("dns: the resolver hangs: mail waits, status says so, "
                    "then it goes"):
        bench.passes(relay)
        child = relay.child("unbound")
        os.kill(child, signal.SIGSTOP)
        try:
            mark = bench.send(relay, "frozen@m1.lab")
            state_is(relay, 1, "resolver")
            held(bench, relay, mark, "frozen@m1.lab")
        finally:
            os.kill(child, signal.SIGCONT)
        bench.arrived(mark, seconds=60)
        state_is(relay, 0)
        bench.queue_is(relay, [])


def killed(bench, relay):
    with bench.case("dns: the resolver is killed again and again: nothing is "
                    "given back"):
        marks = []
        for number in range(3):
            child = wait_until(lambda: relay.child("unbound"), 60, "unbound",
                               relay.process)
            os.kill(child, signal.SIGKILL)
            for domain in ("m2.lab", "plain.lab"):
                marks.append(bench.send(relay, "k%d@%s" % (number, domain)))
        for mark in marks:
            bench.arrived(mark, seconds=60)
        same([e["status"] for e in relay.events("delivery")
              if e["status"] not in ("sent", "deferred")], [], "others")
        bench.queue_is(relay, [])
        state_is(relay, 0)


def wrong_anchor(bench):
    with bench.case("dns: managed, and the trust anchor is wrong: all mail "
                    "waits"):
        relay = bench.relay("dns-anchor")
        path = os.path.join(relay.base, "anchor")
        with open(bench.net.dns.trust_anchor) as file:
            text = file.read()
        with open(path, "w") as out:
            out.write(dns.spoil_digest(text) + "\n")
        os.chmod(path, 0o644)
        edit(relay, bench.net.dns.trust_anchor, path)
        relay.start()
        state_is(relay, 1, "resolver")
        for rcpt in ("anchor@good.lab", "anchor@plain.lab"):
            held(bench, relay, bench.send(relay, rcpt), rcpt)
        edit(relay, path, bench.net.dns.trust_anchor)
        end(relay)
        relay.start()
        bench.queue_is(relay, [])
        bench.passes(relay)
        end(relay)


def external(bench, resolvers):
    relay = bench.relay("dns-external", resolver="external").start()
    with bench.case("dns: external, and nobody is there: mail waits"):
        marks = {rcpt: bench.send(relay, rcpt) for rcpt in (
            "early@good.lab", "early@plain.lab")}
        state_is(relay, 1, "resolver")
        for rcpt, mark in marks.items():
            held(bench, relay, mark, rcpt)
    with bench.case("dns: external, it comes: mail goes"):
        resolvers.start()
        for mark in marks.values():
            bench.arrived(mark, seconds=60)
        state_is(relay, 0)
        bench.queue_is(relay, [])
    with bench.case("dns: external, it goes away while in use"):
        resolvers.stop()
        mark = bench.send(relay, "late@m3.lab")
        held(bench, relay, mark, "late@m3.lab")
        state_is(relay, 1, "resolver")
        resolvers.start()
        bench.arrived(mark, seconds=60)
        state_is(relay, 0)
        end(relay)
        resolvers.stop()


def expires(bench, resolvers):
    with bench.case("dns: nobody is there till the lifetime ends: the report "
                    "goes when it can"):
        relay = bench.relay("dns-expires", resolver="external",
                            retry=("1s",), lifetime="3s").start()
        mark = bench.send(relay, "never@good.lab")
        relay.wait_for("delivery", to="never@good.lab", status="expired")
        bench.nowhere(mark)
        resolvers.start()
        same([d.rcpt for d in bench.arrived(mark)], [SENDER], "deliveries")
        bench.queue_is(relay, [])
        end(relay)
        resolvers.stop()


def untrusted(bench, resolvers):
    with bench.case("dns: external without validation: untrusted, shown"):
        relay = bench.relay("dns-untrusted", resolver="external")
        resolvers.start()
        relay.start()
        bench.passes(relay)
        end(relay)
        resolvers.stop()
        resolvers.start(modules="iterator")
        relay.start()
        state_is(relay, 1, "untrusted")
    with bench.case("dns: untrusted: plain mail goes, a domain that had DANE "
                    "is held"):
        bench.passes(relay, "plain.lab")
        mark = bench.send(relay, "had@good.lab")
        held(bench, relay, mark, "had@good.lab", count=2)
    with bench.case("dns: validating again: what was held goes"):
        resolvers.stop()
        resolvers.start()
        bench.arrived(mark, seconds=60)
        same(relay.deliveries("had@good.lab")[-1].get("policy"), "dane",
             "policy")
        state_is(relay, 0)
        end(relay)
        resolvers.stop()


def second_address(bench, resolvers):
    with bench.case("dns: external by IPv6; the first address is dead"):
        if not os.path.exists("/proc/sys/net/ipv6"):
            raise Skip("no IPv6 here")
        relay = bench.relay("dns-v6", resolver="external")
        edit(relay, '{"127.0.0.1:53"}', '{"127.0.0.1:53", "[::1]:53"}')
        resolvers.start("::1")
        relay.start()
        bench.passes(relay, seconds=60)
        bench.passes(relay, "plain.lab", seconds=60)
        end(relay)
    with bench.case("dns: external by IPv6 alone"):
        relay = bench.relay("dns-v6-alone", resolver="external")
        edit(relay, '{"127.0.0.1:53"}', '{"[::1]:53"}')
        relay.start()
        bench.passes(relay)
        state_is(relay, 0)
        end(relay)
