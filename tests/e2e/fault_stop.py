"""SIGTERM at bad moments: it ends with 0, and nothing is lost."""

import os
import signal
import smtplib
import threading

from cases import SENDER, Client, end, must, same
from waxlab.ns import wait_until


def run(bench):
    for workers in (1, 4):
        with bench.case("stop: with clients in all states, workers = %d"
                        % workers):
            with_clients(bench, workers)
        with bench.case("stop: under load, workers = %d" % workers):
            under_load(bench, workers)
    with bench.case("stop: while an MX hangs; what waited goes out later"):
        with_hanging(bench)
    with bench.case("stop: while the answer to the message is due"):
        with_final(bench)
    with bench.case("stop: SIGINT, and SIGTERM twice"):
        signals(bench)
    with bench.case("stop: the relay alone dies: it is there again, and "
                    "clients notice nothing but a lost session"):
        relay_dies(bench)


def with_clients(bench, workers):
    relay = bench.relay("stop-clients%d" % workers, workers=workers).start()
    idle, half, whole = (Client(("127.0.0.1", relay.port)) for _ in "123")
    lost = bench.token()
    for client in (idle, half, whole):
        client.start()
    half.envelope(SENDER, ["half@good.lab"])
    half.say(b"Subject: %s\r\n\r\nthe first half" % lost.encode())
    kept = bench.token()
    whole.envelope(SENDER, ["whole@held.lab"])
    whole.want(b"Subject: %s\r\n\r\nx\r\n." % kept.encode(), "250")
    end(relay)
    for client in (idle, half, whole):
        with client:
            replies = client.rest()
        same([r[:9] for r in replies], ["421 4.3.2"], "last words")
    relay.start()
    bench.passes(relay)
    bench.queue_is(relay, ["whole@held.lab"])
    bench.nowhere(lost)
    end(relay)


def under_load(bench, workers):
    """What got its 250 arrives, whenever that was."""
    relay = bench.relay("stop-load%d" % workers, workers=workers).start()
    accepted, threads = [], []

    def client(number):
        try:
            for count in range(10 ** 6):
                mark = "%sx%dx%d" % (base, number, count)
                bench.net.send(relay, ["%s@good.lab" % mark,
                                       "%s@plain.lab" % mark], mark)
                accepted.append(mark)
        except (OSError, smtplib.SMTPException):
            pass

    for _ in range(2):
        base = bench.token()
        before = len(accepted)
        threads = [threading.Thread(target=client, args=(n,))
                   for n in range(4)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(accepted) >= before + 40, 60, "mail")
        end(relay)
        for thread in threads:
            thread.join()
        relay.start()
    bench.queue_is(relay, [])
    end(relay)
    found = {}
    for d in bench.net.delivered():
        found[d.rcpt] = found.get(d.rcpt, 0) + 1
    for mark in accepted:
        for domain in ("good.lab", "plain.lab"):
            copies = found.get("%s@%s" % (mark, domain), 0)
            must(copies >= 1, "%s@%s was lost", mark, domain)
            must(copies == 1, "%s@%s has %d copies", mark, domain, copies)


def redirect(bench, host, other):
    bench.net.redirect(host, bench.net.world.mx_hosts[other].port)


def with_hanging(bench):
    relay = bench.relay("stop-hang").start()
    marks = [bench.send(relay, "%d@slow.lab" % n) for n in range(3)]
    # In work: the MX has the connection and says nothing.
    wait_until(lambda: [r for r in bench.net.recordings()
                        if r.mx == "mx.slow.lab"], 30, "a connection")
    end(relay)
    for mark in marks:
        bench.nowhere(mark)
    redirect(bench, "mx.slow.lab", "mx.plain.lab")
    relay.start()
    for mark in marks:
        bench.arrived(mark)
        same(len(bench.net.delivered(mark)), 1, "copies")
    bench.queue_is(relay, [])
    end(relay)
    redirect(bench, "mx.slow.lab", "mx.slow.lab")


def with_final(bench):
    relay = bench.relay("stop-final").start()
    mark = bench.send(relay, "x@slowend.lab")
    bench.arrived(mark)
    end(relay)
    redirect(bench, "mx.slowend.lab", "mx.plain.lab")
    relay.start()
    bench.arrived(mark, 2)
    bench.queue_is(relay, [])
    end(relay)
    redirect(bench, "mx.slowend.lab", "mx.slowend.lab")


def signals(bench):
    relay = bench.relay("stop-int").start()
    bench.passes(relay)
    relay.process.signal(signal.SIGINT)
    same(relay.process.popen.wait(30), 0, "exit status after SIGINT")
    relay.start()
    mark = bench.send(relay, "x@slowend.lab")
    bench.arrived(mark)
    relay.process.signal(signal.SIGTERM)
    relay.wait_for("stopping", run=relay.run)
    relay.process.signal(signal.SIGTERM)
    relay.process.popen.wait(30)
    relay.start()
    bench.passes(relay)
    bench.queue_is(relay, ["x@slowend.lab"])
    end(relay)
    # As soon as there is a child, long before it is ready.
    for _ in range(5):
        relay.start(wait=0)
        wait_until(relay.children, 30, "a child", relay.process)
        end(relay)


def relay_dies(bench):
    relay = bench.relay("stop-child").start()
    bench.send(relay, "x@held.lab")
    for signo in (signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM):
        child = relay.child("waxseal-relay")
        os.kill(child, signo)
        wait_until(lambda: relay.child("waxseal-relay") not in (None, child),
                   30, "a new relay", relay.process)
        bench.passes(relay)
    bench.queue_is(relay, ["x@held.lab"])
    relay.stop()
