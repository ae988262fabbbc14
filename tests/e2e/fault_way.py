"""The way out: addresses, bounces, expiry, many recipients, big messages."""

import email
import random

from cases import SENDER, Client, Wrong, body_of, must, same
from waxlab.ns import wait_until

MEGA = 1 << 20
WAITING = ["b@held.lab", "later@some.lab"]  # by the first cases


def run(bench):
    for workers in (1, 4):
        with bench.running("way%d" % workers, workers=workers) as relay:
            with bench.case("way: the basic things, workers = %d" % workers):
                basics(bench, relay)
            if workers == 4:
                families(bench, relay)
                bounces(bench, relay)
                bodies(bench, relay)
                many(bench, relay)
    expiry(bench)


def basics(bench, relay):
    """Different fates in one message."""
    rcpts = ["b@good.lab", "b@plain.lab", "b@m1.lab", "b@m2.lab",
             "b@refuse.lab", "b@held.lab"]
    mark = bench.send(relay, rcpts)
    found = bench.arrived(mark, 5)
    same(sorted(d.rcpt for d in found),
         sorted(rcpts[:4] + [SENDER]), "recipients")
    relay.wait_for("delivery", to="b@held.lab")
    must(relay.deliveries("b@held.lab")[0]["status"] == "deferred",
         "held.lab was not deferred")
    bench.queue_is(relay, ["b@held.lab"])
    for d in found:
        same(bool(d.tls), d.rcpt != "b@plain.lab", "TLS to " + d.rcpt)


def families(bench, relay):
    for name, digits in (("v4.lab", "11.0.1."), ("v6.lab", "2a00:db:")):
        with bench.case("way: an MX with %s addresses alone" % name[:2]):
            bench.passes(relay, name)
            event = relay.events("delivery", domain=name, status="sent")[0]
            must(event["addr"].startswith(digits), "sent to %s",
                 event["addr"])


def reports(bench, mark, count=1):
    """The notifications at the sender about this message."""
    def look():
        found = [d for d in bench.net.delivered(mark) if d.rcpt == SENDER]
        return found if len(found) >= count else None
    found = wait_until(look, 30, "%d notifications" % count)
    same(len(found), count, "notifications")
    return found


def check_report(report, rcpt, status, text=None):
    """RFC 3464, from the null sender, about this recipient alone."""
    with open(report.path, "rb") as file:
        mail = email.message_from_binary_file(file)
    same(mail["Return-Path"], "<>", "envelope sender")
    same(mail.get_content_type(), "multipart/report", "type")
    same(mail.get_param("report-type"), "delivery-status", "report-type")
    must(mail["Auto-Submitted"], "no Auto-Submitted")
    same(mail["To"].strip("<>"), SENDER, "To")
    parts = mail.get_payload()
    same(parts[1].get_content_type(), "message/delivery-status", "part 2")
    fields = parts[1].get_payload()
    same([f["Final-Recipient"] for f in fields[1:]], ["rfc822; " + rcpt],
         "Final-Recipient")
    same(fields[1]["Action"], "failed", "Action")
    same(fields[1]["Status"], status, "Status")
    must(rcpt in parts[0].get_payload(), "part 1 does not name %s", rcpt)
    if text:
        must(text in fields[1]["Diagnostic-Code"], "Diagnostic-Code %r",
             fields[1]["Diagnostic-Code"])


def bounces(bench, relay):
    with bench.case("way: a refused recipient is reported to the sender"):
        mark = bench.send(relay, "who@refuse.lab")
        check_report(reports(bench, mark)[0], "who@refuse.lab", "5.1.1",
                     "550 5.1.1")
    with bench.case("way: a message refused after its end is reported"):
        mark = bench.send(relay, "who@full.lab")
        check_report(reports(bench, mark)[0], "who@full.lab", "5.2.2",
                     "554 5.2.2")
    with bench.case("way: three recipients of one domain, three fates"):
        mark = bench.send(relay, ["yes@some.lab", "no@some.lab",
                                  "later@some.lab"])
        check_report(reports(bench, mark)[0], "no@some.lab", "5.1.1")
        relay.wait_for("delivery", to="later@some.lab", count=2)
        found = [d.rcpt for d in bench.net.delivered(mark)]
        same(sorted(found), [SENDER, "yes@some.lab"], "deliveries")
        bench.queue_is(relay, WAITING)
    with bench.case("way: the null sender gets no notification"):
        mark = bench.send(relay, "null@refuse.lab", sender="")
        relay.wait_for("delivery", to="null@refuse.lab", status="bounced")
        bench.passes(relay)
        bench.queue_is(relay, WAITING)
        bench.nowhere(mark)
    with bench.case("way: a notification that is refused makes no other"):
        mark = bench.send(relay, "x@refuse.lab", sender="robot@refuse.lab")
        event = relay.wait_for("delivery", to="robot@refuse.lab",
                               status="bounced")[0]
        same(event["from"], "", "its sender")
        bench.passes(relay)
        same(len(relay.events("dsn", to="robot@refuse.lab")), 1, "reports")
        bench.queue_is(relay, WAITING)
        bench.nowhere(mark)


def submit(relay, rcpt, data, options=b""):
    """Send these bytes, dots stuffed as RFC 5321 4.5.2 says; the reply."""
    stuffed = data.replace(b"\r\n.", b"\r\n..")
    if stuffed.startswith(b"."):
        stuffed = b"." + stuffed
    with Client(("127.0.0.1", relay.port)) as client:
        client.start()
        client.want(b"MAIL FROM:<%s>%s" % (SENDER.encode(), options), "250")
        client.want(b"RCPT TO:<%s>" % rcpt.encode(), "250")
        client.want(b"DATA", "354")
        return client.ask(stuffed + b".")


def same_body(bench, relay, rcpt, text, options=b"", seconds=60):
    """What arrives is what was sent, byte by byte."""
    mark = bench.token()
    data = b"Subject: %s\r\n\r\n" % mark.encode() + text
    got = submit(relay, rcpt, data, options)
    must(got.startswith("250"), "reply %r", got)
    found = bench.arrived(mark, seconds=seconds)
    same(len(found), 1, "copies")
    arrived = body_of(found[0])
    if arrived != data:
        at = next((i for i, (a, b) in enumerate(zip(arrived, data))
                   if a != b), min(len(arrived), len(data)))
        raise Wrong("%d bytes became %d, differing from byte %d: %r, %r" % (
            len(data), len(arrived), at, data[at:at + 40],
            arrived[at:at + 40]))


def bodies(bench, relay):
    rng = random.Random(7)
    with bench.case("way: lines that begin with dots, empty lines"):
        same_body(bench, relay, "dots@good.lab",
                  b".\r\n..\r\n...\r\n.a\r\n..b\r\n\r\n\r\n. \r\n"
                  b" .\r\n\r\n.\r\n\r\n")
    with bench.case("way: an empty body; no header at all"):
        same_body(bench, relay, "empty@good.lab", b"")
        got = submit(relay, "bare@good.lab", b"")
        must(got.startswith("250"), "reply %r", got)
        relay.wait_for("delivery", to="bare@good.lab", status="sent")
    with bench.case("way: lines of 998 and of 100000 bytes"):
        same_body(bench, relay, "long@good.lab",
                  b"x" * 998 + b"\r\n" + b"y" * 100000 + b"\r\n")
    eight = bytes(range(1, 10)) + bytes(range(11, 13)) + bytes(
        range(14, 256)) + "Grüße\r\n".encode()
    with bench.case("way: BODY=8BITMIME to a server that has it"):
        same_body(bench, relay, "eight@good.lab", eight, b" BODY=8BITMIME")
    with bench.case("way: 8-bit bytes that nobody announced"):
        same_body(bench, relay, "quiet@good.lab", eight)
    with bench.case("way: BODY=8BITMIME to a server without it"):
        mark = bench.token()
        got = submit(relay, "eight@seven.lab", b"Subject: %s\r\n\r\n%s" % (
            mark.encode(), eight), b" BODY=8BITMIME")
        must(got.startswith("250"), "reply %r", got)
        check_report(reports(bench, mark)[0], "eight@seven.lab", "5.6.3")
        same([d.rcpt for d in bench.net.delivered(mark)], [SENDER],
             "deliveries")
    with bench.case("way: BODY=8BITMIME, but 7 bits, to a server without"):
        same_body(bench, relay, "seven@seven.lab", b"seven bits\r\n",
                  b" BODY=8BITMIME")
    with bench.case("way: 10 MB, byte by byte"):
        lines = [b"." * rng.randrange(3) + rng.randbytes(300).hex().encode()
                 [:rng.randrange(600)] for _ in range(10000)]
        text = b"\r\n".join(lines) + b"\r\n"
        text *= 10 * MEGA // len(text) + 1
        same_body(bench, relay, "big@good.lab", text)
        same_body(bench, relay, "big@plain.lab", text)


def many(bench, relay):
    with bench.case("way: 150 recipients in each of three domains"):
        rcpts = ["r%d@m%d.lab" % (n, d) for n in range(150)
                 for d in (1, 2, 3)]
        mark = bench.send(relay, rcpts)
        found = bench.arrived(mark, len(rcpts), seconds=60)
        same(sorted(d.rcpt for d in found), sorted(rcpts), "recipients")
        relay.wait_for("delivery", status="sent", domain="m3.lab", count=150)
        same(len(bench.net.delivered(mark)), len(rcpts), "copies")


def expiry(bench):
    with bench.running("expiry", retry=("1s",), lifetime="4s") as relay:
        marks = {rcpt: bench.send(relay, rcpt) for rcpt in (
            "old@later.lab", "old@held.lab", "old@hang.lab")}
        mute = bench.send(relay, "mute@later.lab", sender="")
        for rcpt in ("old@later.lab", "old@held.lab"):
            with bench.case("way: %s: a report when the lifetime is over"
                            % rcpt):
                check_report(reports(bench, marks[rcpt])[0], rcpt, "4.4.7",
                             "451 4.2.1" if "later" in rcpt else None)
                must(len(relay.deliveries(rcpt)) > 1, "one attempt only")
                same([d.rcpt for d in bench.net.delivered(marks[rcpt])],
                     [SENDER], "deliveries")
        with bench.case("way: the null sender gets no report of an end"):
            relay.wait_for("delivery", to="mute@later.lab", status="expired")
            bench.passes(relay)
            bench.nowhere(mute)
            bench.queue_is(relay, ["old@hang.lab"])
