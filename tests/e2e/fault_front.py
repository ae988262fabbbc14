"""The door: who may relay, what must not become a second message, sockets."""

import os
import socket
import subprocess
import sys

from cases import SENDER, Client, Skip, body_of, must, same
from waxlab.world import RELAY_V4, RELAY_V6

OUTSIDE = """\
import socket, sys
sock = socket.create_connection((sys.argv[1], int(sys.argv[2])), 30)
sock.sendall(b"EHLO x\\r\\nMAIL FROM:<a@b.lab>\\r\\nRCPT TO:<x@good.lab>\\r\\n")
data = b""
try:
    while part := sock.recv(4096):
        data += part
except ConnectionResetError:
    pass
print(data.decode())
"""
# What lenient servers take for the end of a message.
ENDS = (b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n",
        b"\n\r.\n\r", b"\r\n\x00.\r\n", b"\r\r\n.\r\r\n")


def run(bench):
    port = bench.port + 100
    sockets = {"v4": (RELAY_V4, port), "v6": (RELAY_V6, port),
               "lo6": ("::1", port)}
    lines = ['listen "%s:%d" {\n}' % (
        "[%s]" % a if ":" in a else a, p) for a, p in sockets.values()]
    lines += ['listen "[%s]:%d" {\n\tnetworks = {"2a00:db:0:1::/112"}\n}' % (
        RELAY_V6, port + 1)]
    sockets["net6"] = (RELAY_V6, port + 1)
    sockets["unix"] = os.path.join(bench.net.folder, "front-submit")
    lines += ['listen "unix:%s" {\n\tmode = 0660\n}' % sockets["unix"]]
    if bench.net.may_change_user:
        os.chmod(bench.net.folder, 0o755)
    with bench.running("front", conf_extra="\n".join(lines)) as relay:
        for name, what in (("lo6", "[::1]"), ("unix", "a unix socket"),
                           ("net6", "an IPv6 network")):
            with bench.case("front: mail comes in by %s" % what):
                comes_in(bench, sockets[name])
        denied(bench, relay, sockets)
        smuggling(bench, relay)
        commands(bench, relay)
        limits(bench, relay)


def comes_in(bench, address):
    mark = bench.token()
    with Client(address) as client:
        client.start()
        client.envelope(SENDER, ["in@good.lab"])
        client.want(b"Subject: x\r\n\r\n%s\r\n." % mark.encode(), "250")
        client.want(b"QUIT", "221")
    found = bench.arrived(mark)
    same(len(found), 1, "copies")


def all_refused(client):
    """The greeting is 554 and nothing behind it counts."""
    greeting = client.reply()
    must(greeting.startswith("554 5.7.1 "), "greeting %r", greeting)
    client.say(b"EHLO x\r\nMAIL FROM:<a@b.lab>\r\nRCPT TO:<x@good.lab>\r\n"
               b"DATA\r\n")
    for reply in client.rest():
        must(reply[:1] == "5" or reply[:3] == "221", "reply %r", reply)


def denied(bench, relay, sockets):
    for name, source in (("v4", RELAY_V4), ("v6", RELAY_V6)):
        with bench.case("front: no relay for %s" % source):
            with Client(sockets[name], source=source) as client:
                all_refused(client)
    with bench.case("front: no relay for ::ffff:%s" % RELAY_V4):
        mapped = ("::ffff:" + RELAY_V4, sockets["v4"][1])
        with Client(mapped, source="::ffff:" + RELAY_V4) as client:
            all_refused(client)
    with bench.case("front: ::ffff:127.0.0.1 is 127.0.0.1"):
        comes_in(bench, ("::ffff:127.0.0.1", relay.port))
    with bench.case("front: no relay for a machine of the internet"):
        done = subprocess.run(
            [sys.executable, "-c", OUTSIDE, RELAY_V4,
             str(sockets["v4"][1])], text=True, capture_output=True,
            timeout=60, preexec_fn=bench.net.network.join_internet)
        must(done.stdout.startswith("554 5.7.1 "), "it got %r %r",
             done.stdout, done.stderr)
        same(done.stdout.count("\n250"), 0, "250 replies")
    with bench.case("front: the door on loopback is not open outside"):
        done = subprocess.run(
            [sys.executable, "-c", OUTSIDE, RELAY_V4, str(relay.port)],
            text=True, capture_output=True, timeout=60,
            preexec_fn=bench.net.network.join_internet)
        same((done.stdout, done.returncode), ("", 1), "output and status")
    with bench.case("front: a unix socket's mode"):
        same(oct(os.stat(sockets["unix"]).st_mode & 0o777), "0o660", "mode")
        if not bench.net.may_change_user:
            raise Skip("not root: cannot become another user")
        done = subprocess.run(
            [sys.executable, "-c", "import socket, sys\n"
             "socket.socket(socket.AF_UNIX).connect(sys.argv[1])",
             sockets["unix"]], capture_output=True, text=True, user=1234,
            group=1234, extra_groups=[])
        must("PermissionError" in done.stderr, "it got %r", done.stderr)


def smuggling(bench, relay):
    marks = []
    for end in ENDS:
        with bench.case("front: %r begins no second message" % end):
            first, second = bench.token(), bench.token()
            marks.append(second)
            evil = (b"MAIL FROM:<evil@sender.lab>\r\n"
                    b"RCPT TO:<victim@plain.lab>\r\nDATA\r\n"
                    b"Subject: %s\r\n\r\nsmuggled\r\n.\r\n" % second.encode())
            with Client(("127.0.0.1", relay.port)) as client:
                client.start()
                client.envelope(SENDER, ["first@plain.lab"])
                client.say(b"Subject: %s\r\n\r\ntext" % first.encode() + end +
                           evil + b"QUIT\r\n")
                replies = client.rest()
            same(replies[-1][:3], "221", "last reply")
            same(len(replies), 2, "replies in %r" % replies)
            if replies[0].startswith("250"):
                found = bench.arrived(first)
                must(b"RCPT TO" in body_of(found[0]), "it was cut")
    with bench.case("front: none of them arrived by itself"):
        bench.passes(relay, "plain.lab")
        for path in (d.path for d in bench.net.delivered()):
            with open(path, "rb") as file:
                must(b"evil@sender.lab>\r\nReceived" not in file.read(),
                     "%s was smuggled", path)
        same([d.rcpt for d in bench.net.delivered()
              if d.rcpt == "victim@plain.lab"], [], "the victim's mail")


def commands(bench, relay):
    with bench.case("front: a bare LF or CR ends no command"):
        with Client(("127.0.0.1", relay.port)) as client:
            client.start()
            for data in (b"NOOP\nMAIL FROM:<a@b.lab>",
                         b"NOOP\rMAIL FROM:<a@b.lab>",
                         b"NOOP\n", b"MAIL FROM:<a@b.lab>\nRCPT TO:<c@d.lab>"):
                must(client.ask(data).startswith("500"), "%r was taken", data)
            client.want(b"RCPT TO:<x@good.lab>", "503")
            client.want(b"QUIT", "221")
    with bench.case("front: commands out of order, and nonsense"):
        with Client(("127.0.0.1", relay.port)) as client:
            client.reply()
            client.want(b"MAIL FROM:<a@b.lab>", "503")
            client.want(b"EHLO client.lab", "250")
            for data, code in ((b"DATA", "503"), (b"RCPT TO:<a@b.lab>", "503"),
                               (b"MAIL FROM:a@b.lab", "501"),
                               (b"MAIL FROM:<a b@c.lab>", "5"),
                               (b"\xff\xfe\x00", "500"), (b"", "500"),
                               (b"BURL x", "500"), (b"VRFY x", "252"),
                               (b"X" * 5000, "500"), (b"NOOP", "250")):
                client.want(data, code)
    with bench.case("front: a client that only makes mistakes is sent away"):
        with Client(("127.0.0.1", relay.port)) as client:
            client.start()
            client.say(b"WRONG\r\n" * 100)
            replies = client.rest()
        same(replies[-1][:3], "421", "last reply")
        must(len(replies) < 40, "%d replies", len(replies))
    with bench.case("front: a client that goes away in its message"):
        mark = bench.token()
        with Client(("127.0.0.1", relay.port)) as client:
            client.start()
            client.envelope(SENDER, ["gone@good.lab"])
            client.say(b"Subject: %s\r\n\r\nhalf of" % mark.encode())
        bench.passes(relay)
        bench.nowhere(mark)
    with bench.case("front: a client that sends all at once"):
        mark = bench.token()
        with Client(("127.0.0.1", relay.port)) as client:
            one = (b"MAIL FROM:<alice@sender.lab>\r\nRCPT TO:<p@good.lab>\r\n"
                   b"DATA\r\nSubject: %s\r\n\r\nx\r\n.\r\n" % mark.encode())
            client.say(b"EHLO client.lab\r\n" + one * 3 + b"QUIT\r\n")
            replies = client.rest()
        same([r[:3] for r in replies],
             ["220", "250"] + ["250", "250", "354", "250"] * 3 + ["221"],
             "replies")
        bench.arrived(mark, 3)
        same(len(bench.net.delivered(mark)), 3, "copies")


def limits(bench, relay):
    with bench.case("front: a message that says it is too big"):
        with Client(("127.0.0.1", relay.port)) as client:
            client.start()
            client.want(b"MAIL FROM:<a@b.lab> SIZE=999999999", "552")
            client.want(b"MAIL FROM:<a@b.lab> SIZE=1000", "250")
    with bench.case("front: more recipients than allowed get 452"):
        with Client(("127.0.0.1", relay.port)) as client:
            client.start()
            client.want(b"MAIL FROM:<a@b.lab>", "250")
            client.say(b"".join(b"RCPT TO:<r%d@good.lab>\r\n" % n
                                for n in range(1002)))
            codes = [client.reply()[:3] for _ in range(1002)]
            same(codes[:1000], ["250"] * 1000, "the first 1000")
            same(codes[1000:], ["452"] * 2, "those behind")
    with bench.case("front: a mail loop ends"):
        hop = b"Received: from a by b; Thu, 1 Jan 2026 00:00:00 +0000\r\n"
        with Client(("127.0.0.1", relay.port)) as client:
            client.start()
            client.envelope(SENDER, ["loop@good.lab"])
            client.want(hop * 120 + b"Subject: x\r\n\r\nx\r\n.", "554 5.4.6")
    with bench.case("front: a hundred clients at a time"):
        clients = [Client(("127.0.0.1", relay.port)) for _ in range(100)]
        mark = bench.token()
        for client in clients:
            client.start()
        for number, client in enumerate(clients):
            client.envelope(SENDER, ["c%d@good.lab" % number])
            client.say(b"Subject: x\r\n\r\n%s\r\n.\r\n" % mark.encode())
        for client in clients:
            must(client.reply().startswith("250"), "a message was refused")
            client.sock.shutdown(socket.SHUT_RDWR)
            client.__exit__()
        bench.arrived(mark, 100)
        same(sorted(d.rcpt for d in bench.net.delivered(mark)),
             sorted("c%d@good.lab" % n for n in range(100)), "recipients")
