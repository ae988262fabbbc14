"""What the fault tests have in common: one line a case, and short words for
sending, waiting and looking."""

import contextlib
import os
import re
import smtplib
import socket
import subprocess
import sys
import time
import traceback

import lab
from waxlab.ns import wait_until

VERBOSE = os.environ.get("VERBOSE")
SENDER = "alice@" + lab.world.SENDER
TRACE = re.compile(rb"(?:(?:Delivered-To|Return-Path):.*\r\n)*"
                   rb"Received:.*\r\n(?:[ \t].*\r\n)*")


class Wrong(Exception):
    """The case failed."""


class Skip(Exception):
    """The case cannot be tried here."""


def must(condition, text, *args):
    """Fail the case, with text, unless the condition holds."""
    if not condition:
        raise Wrong(text % args if args else text)


def same(got, want, what):
    must(got == want, "%s: got %r, want %r", what, got, want)


class Report:
    """Prints and counts."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.start = self.begin = time.monotonic()

    @contextlib.contextmanager
    def case(self, name, relay=None):
        """The body of the with statement is the case. Does it fail, the
        relay is killed, so that the next case may start it."""
        self.begin = time.monotonic()
        try:
            yield
        except Skip as why:
            self.skipped += 1
            self.line("skip", name, why)
        except Exception as err:  # pylint: disable=broad-except
            self.failed += 1
            self.line("FAIL", name, "%s (%s)" % (
                err if isinstance(err, Wrong) else
                "%s: %s" % (type(err).__name__, err), place(err)))
            if relay and relay.process:
                relay.kill()
        else:
            self.passed += 1
            self.line("ok  ", name, "%.1f s" % (
                time.monotonic() - self.begin) if VERBOSE else "")

    def line(self, verdict, name, text):
        print("%s %s%s" % (verdict, name, ": %s" % text if text else ""),
              flush=True)

    def close(self):
        """The last line; the exit status."""
        print("faults: %d passed, %d failed, %d skipped in %d s" % (
            self.passed, self.failed, self.skipped,
            time.monotonic() - self.start))
        return 1 if self.failed or not self.passed else 0


def place(err):
    """Where in the tests it happened."""
    here = os.path.dirname(os.path.realpath(__file__))
    own = [f for f in traceback.extract_tb(err.__traceback__)
           if f.filename.startswith(here)]
    return " < ".join("%s:%d" % (os.path.basename(f.filename), f.lineno)
                      for f in reversed(own[1:][-3:]))


class Bench:
    """The lab, and what the groups do with it."""

    def __init__(self, net, report, workers):
        self.net = net
        self.report = report
        self.workers = workers
        self.case = report.case
        self.count = 0
        self.port = 2600

    def group(self, name, run):
        """A group that breaks off is one failed case."""
        self.report.line("----", name, "")
        try:
            run(self)
        except Exception as err:  # pylint: disable=broad-except
            self.report.failed += 1
            self.report.line("FAIL", name, "broke off: %s: %s (%s)" % (
                type(err).__name__, err, place(err)))

    # Relays.

    def relay(self, name, changes=(), tmpfs=None, **options):
        """A relay that was not started, with a port of its own. changes:
        pairs of texts to replace in its configuration; tmpfs: the state is
        on a file system of that many bytes."""
        self.port += 1
        options.setdefault("workers", self.workers)
        relay = lab.Relay(self.net, name=name, port=self.port, **options)
        for old, new in changes:
            edit(relay, old, new)
        if tmpfs:
            mount_tmpfs(relay.state, "size=%d" % tmpfs)
        return relay

    @contextlib.contextmanager
    def running(self, name, **options):
        """A relay that runs in the body and must end well behind it."""
        relay = self.relay(name, **options)
        relay.start()
        try:
            yield relay
        finally:
            with self.case("%s: the relay ends as it should" % name):
                end(relay)

    # Mail.

    def token(self):
        self.count += 1
        return "wax%dx%dx" % (os.getpid(), self.count)

    def send(self, relay, rcpts, text=None, sender=SENDER):
        """Submits, gives the token that marks the message; raises when it is
        refused."""
        mark = self.token()
        rcpts = [rcpts] if isinstance(rcpts, str) else rcpts
        if text is None:
            text = self.net.message(mark, rcpts=rcpts).encode()
        refused = self.net.send(relay, rcpts, mark, sender=sender,
                                text=text.replace(b"TOKEN", mark.encode()))
        same(refused, {}, "recipients that were refused")
        return mark

    def arrived(self, mark, count=1, seconds=30):
        """Waits until so many copies with that token lie at the receivers;
        gives them."""
        return wait_until(
            lambda: enough(self.net.delivered(mark), count), seconds,
            "%d copies of %s" % (count, mark))

    def nowhere(self, mark):
        found = self.net.delivered(mark)
        same([d.rcpt for d in found], [], "copies of %s" % mark)

    def passes(self, relay, domain="good.lab", seconds=30):
        """A message goes through, and arrives once."""
        rcpt = "%s@%s" % (self.token(), domain)
        mark = self.send(relay, rcpt)
        self.arrived(mark, seconds=seconds)
        relay.wait_for("delivery", to=rcpt, status="sent")
        same(len(self.net.delivered(mark)), 1, "copies")

    def queue_is(self, relay, rcpts):
        """Waits until these recipients, and no others, are in the queue. A
        row goes a moment after its message arrived."""
        def same_queue():
            rows = relay.cli_json("queue", "list")["rows"]
            queue.append(sorted(r["to"] for r in rows))
            return queue[-1] == sorted(rcpts)
        queue = []
        try:
            wait_until(same_queue, 20, "queue", relay.process)
        except lab.LabError:
            raise Wrong("queue: got %r, want %r" % (
                queue[-1:], sorted(rcpts))) from None

    def refused(self, relay, codes, rcpt="x@good.lab"):
        """Tries to submit; must get one of these replies, "452 4.3.1" or its
        beginning, at some point. Gives the reply."""
        mark = self.token()
        try:
            self.net.send(relay, [rcpt], mark)
        except smtplib.SMTPRecipientsRefused as err:
            reply = list(err.recipients.values())[0]
        except smtplib.SMTPResponseException as err:
            reply = (err.smtp_code, err.smtp_error)
        else:
            raise Wrong("the message was accepted")
        text = "%d %s" % (reply[0], reply[1].decode("utf-8", "replace"))
        must(text.startswith(tuple(codes)), "the reply was %r", text)
        return text


def enough(found, count):
    return found if len(found) >= count else None


def mount_tmpfs(path, options):
    """A file system in memory at the folder, with the folder's owner."""
    owner = os.stat(path)
    run([lab.tool("mount"), "-t", "tmpfs", "-o", "%s,mode=0755,uid=%d,gid=%d"
         % (options, owner.st_uid, owner.st_gid), "tmpfs", path])


def edit(relay, old, new):
    """Change a relay's configuration."""
    with open(relay.conf) as file:
        text = file.read()
    must(old in text, "no %r in the configuration", old)
    with open(relay.conf, "w") as file:
        file.write(text.replace(old, new))


def end(relay):
    """Stop it: status 0 and no word from a sanitizer."""
    status = relay.stop()
    same(relay.complaints(), [], "complaints")
    same(status, 0, "exit status")


def run(argv, **options):
    """Run to its end; must succeed."""
    done = subprocess.run(argv, text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=60, **options)
    must(done.returncode == 0, "%s: %s", argv[0], done.stderr)
    return done.stdout


def waxseald(bench, *args, seconds=60, **options):
    """Run waxseald; (status, lines of output)."""
    done = subprocess.run(
        [bench.net.program("waxseald"), *args], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL, timeout=seconds, **options)
    return done.returncode, done.stdout.splitlines()


def tried(relay, seconds=60):
    """Start a relay that is expected to end; (status, lines of output)."""
    relay.start(wait=0)
    try:
        status = relay.process.popen.wait(seconds)
    except subprocess.TimeoutExpired:
        relay.kill()
        raise Wrong("it goes on") from None
    return status, relay.lines(relay.run)


def one_line(result, status, *words):
    """Exactly one line, with all these words, and that exit status."""
    got, lines = result
    same(got, status, "exit status, with %r" % lines)
    same(len(lines), 1, "lines in %r" % lines)
    for word in words:
        must(word in lines[0], "no %r in %r", word, lines[0])
    return lines[0]


def body_of(delivery, hops=2):
    """The message as it was submitted: without the trace of so many hops."""
    with open(delivery.path, "rb") as file:
        data = file.read()
    for _ in range(hops):
        found = TRACE.match(data)
        must(found, "no Received field in %r", data[:200])
        data = data[found.end():]
    return data


class Client:
    """A client that may say anything."""

    def __init__(self, address, source=None, family=None):
        if isinstance(address, str):
            self.sock = socket.socket(socket.AF_UNIX)
        else:
            family = family or (socket.AF_INET6 if ":" in address[0]
                                else socket.AF_INET)
            self.sock = socket.socket(family)
            if source:
                self.sock.bind((source, 0))
        self.sock.settimeout(30)
        self.sock.connect(address)
        self.file = self.sock.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.file.close()
        self.sock.close()

    def reply(self):
        """The next reply, its lines joined; "" when the relay closed."""
        lines = []
        while True:
            try:
                line = self.file.readline()
            except ConnectionResetError:
                line = b""
            if line:
                lines.append(line.decode("utf-8", "replace").rstrip("\r\n"))
            if not line or line[3:4] != b"-":
                return "\n".join(lines)

    def say(self, data):
        """Send as it is."""
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def ask(self, data):
        """One command, its reply."""
        self.say(data + b"\r\n")
        return self.reply()

    def want(self, data, code):
        got = self.ask(data)
        must(got.startswith(code), "reply to %r: %r", data[:60], got)
        return got

    def rest(self):
        """All replies until the relay closes."""
        found = []
        while True:
            text = self.reply()
            if not text:
                return found
            found.append(text)

    def start(self):
        greeting = self.reply()
        must(greeting.startswith("220 "), "greeting %r", greeting)
        self.want(b"EHLO client.lab", "250")

    def envelope(self, sender, rcpts):
        self.want(b"MAIL FROM:<%s>" % sender.encode(), "250")
        for rcpt in rcpts:
            self.want(b"RCPT TO:<%s>" % rcpt.encode(), "250")
        self.want(b"DATA", "354")


if __name__ == "__main__":
    sys.exit("run tests/e2e/faults")
