#!/usr/bin/python3
"""An MX that does as told: scriptmx.py CONFIG.

CONFIG is a JSON file, a list of servers; each may have

    name, port          who it is; it listens on 127.0.0.1:port
    chain               file with key and certificates; needed for STARTTLS
    store               folder for accepted messages (as Postfix: a Maildir
                        per recipient domain)
    starttls            "yes" (default), "no" (not offered), "refuse" (454),
                        "garbage" (220 and then bytes that are no TLS),
                        "close" (220 and then nothing more)
    extensions          list for EHLO; default PIPELINING SIZE 8BITMIME
                        ENHANCEDSTATUSCODES
    max_tls             "1.0" to "1.3": the highest version it speaks
    greeting, ehlo, mail, rcpt, data, body
                        the reply at that point instead of the good one, for
                        instance "550 5.1.1 No such user"; "close" closes
                        the connection there, "hang" says nothing more
    rcpt_of             {"local part": reply}, before rcpt
    accept              stop accepting connections after so many (421 then)
    lose                of so many messages taken, the last one's reply is
                        lost: the connection closes instead

The reply "close" after the body is how a lost reply to the final dot is
played: the message is stored nevertheless.

STORE/journal has a line of JSON for each message taken: its recipients, and
in ns since 1970 when the connection came and when the reply to the final dot
went out, null if it did not.
"""

import json
import os
import re
import socket
import socketserver
import ssl
import sys
import threading
import time

EXTENSIONS = ["PIPELINING", "SIZE 52428800", "8BITMIME",
              "ENHANCEDSTATUSCODES"]
GARBAGE = b"\x00this is no TLS\r\n" * 8
VERSIONS = {"1.0": ssl.TLSVersion.TLSv1, "1.1": ssl.TLSVersion.TLSv1_1,
            "1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class Closed(Exception):
    """The session is over."""


class Session(socketserver.BaseRequestHandler):
    """One connection."""

    def setup(self):
        self.conf = self.server.conf
        self.request.settimeout(600)
        self.start = time.time_ns()
        self.sock = self.request
        self.buffer = b""
        self.secure = ""
        self.helo = "?"
        self.sender = None
        self.rcpts = []

    def say(self, text):
        self.sock.sendall(text.encode() + b"\r\n")

    def point(self, name, good):
        """Reply as scripted at this point, else with good; is it 2xx/3xx?"""
        text = self.conf.get(name, good)
        if text == "close":
            raise Closed
        if text == "hang":
            self.hang()
        self.say(text)
        return text[:1] in "23"

    def hang(self):
        while self.sock.recv(4096):
            pass
        raise Closed

    def line(self):
        while b"\r\n" not in self.buffer:
            data = self.sock.recv(65536)
            if not data:
                raise Closed
            self.buffer += data
        text, self.buffer = self.buffer.split(b"\r\n", 1)
        return text

    def handle(self):
        try:
            if self.server.count_out():
                self.say("421 4.3.2 %s closing" % self.conf["name"])
                return
            self.point("greeting", "220 %s ESMTP script" % self.conf["name"])
            while True:
                self.command(self.line().decode("utf-8", "replace"))
        except (Closed, OSError):
            pass

    def finish(self):
        """Half a close is enough for the peer to see the end."""
        try:
            self.sock.close()
        except OSError:
            pass

    def command(self, text):
        verb, _, arg = text.partition(" ")
        action = getattr(self, "do_" + verb.lower(), None)
        if action:
            action(arg)
        else:
            self.say("500 5.5.2 Unknown command")

    def do_ehlo(self, arg):
        self.helo = arg
        offers = list(self.conf.get("extensions", EXTENSIONS))
        if self.conf.get("starttls", "yes") != "no" and not self.secure:
            offers.append("STARTTLS")
        lines = [self.conf["name"]] + offers
        good = "".join("250-%s\r\n" % x for x in lines[:-1])
        self.point("ehlo", good + "250 " + lines[-1])

    def do_helo(self, arg):
        self.helo = arg
        self.say("250 " + self.conf["name"])

    def do_starttls(self, _arg):
        how = self.conf.get("starttls", "yes")
        if how == "no" or self.secure:
            self.say("502 5.5.1 Not offered")
        elif how == "refuse":
            self.say("454 4.7.0 TLS not available")
        elif how == "garbage":
            self.say("220 2.0.0 Go ahead")
            self.sock.recv(4096)
            self.sock.sendall(GARBAGE)
            raise Closed
        elif how == "close":
            self.say("220 2.0.0 Go ahead")
            self.sock.recv(4096)
            raise Closed
        else:
            self.start_tls()

    def start_tls(self):
        if self.buffer:
            raise Closed
        self.say("220 2.0.0 Go ahead")
        self.sock = self.server.context.wrap_socket(self.sock,
                                                    server_side=True)
        self.secure = "%s with cipher %s" % (self.sock.version(),
                                             self.sock.cipher()[0])
        self.sender, self.rcpts = None, []

    def do_mail(self, arg):
        found = re.match(r"(?i)from:\s*<([^>]*)>", arg)
        if not found:
            self.say("501 5.5.4 Syntax")
        elif self.point("mail", "250 2.1.0 Ok"):
            self.sender, self.rcpts = found[1], []

    def do_rcpt(self, arg):
        found = re.match(r"(?i)to:\s*<([^>]+)>", arg)
        if self.sender is None or not found:
            self.say("503 5.5.1 MAIL first")
            return
        special = self.conf.get("rcpt_of", {}).get(found[1].split("@")[0])
        if special:
            self.say(special)
            if special[0] == "2":
                self.rcpts.append(found[1])
        elif self.point("rcpt", "250 2.1.5 Ok"):
            self.rcpts.append(found[1])

    def do_data(self, _arg):
        if not self.rcpts:
            self.say("503 5.5.1 RCPT first")
            return
        if not self.point("data", "354 End with ."):
            return
        lines = []
        while (text := self.line()) != b".":
            lines.append(text[1:] if text.startswith(b".") else text)
        good = "250 2.0.0 Ok: queued"
        taken = self.conf.get("body", good)[:1] in "2ch"
        replied = None
        if taken:
            self.store(b"\r\n".join(lines) + b"\r\n")
        try:
            if taken and self.server.loses():
                raise Closed
            if self.point("body", good):
                replied = time.time_ns()
        finally:
            if taken:
                self.note(replied)
        self.sender, self.rcpts = None, []

    def store(self, body):
        trace = "Received: from %s\r\n\t%sby %s (script) with %s;\r\n\t%s\r\n"
        tls = "(using %s)\r\n\t" % self.secure if self.secure else ""
        head = "Return-Path: <%s>\r\n" % self.sender + trace % (
            self.helo, tls, self.conf["name"],
            "ESMTPS" if self.secure else "ESMTP",
            time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime()))
        for rcpt in self.rcpts:
            folder = os.path.join(self.conf["store"],
                                  rcpt.rpartition("@")[2].lower(), "new")
            os.makedirs(folder, exist_ok=True)
            name = "%d.%d.%d" % (time.time_ns(), os.getpid(),
                                 threading.get_ident())
            partial = os.path.join(folder, "..", name)
            with open(partial, "wb") as out:
                out.write(("Delivered-To: %s\r\n" % rcpt + head).encode())
                out.write(body)
            os.rename(partial, os.path.join(folder, name))

    def note(self, replied):
        line = json.dumps({"rcpts": self.rcpts, "start": self.start,
                           "replied": replied}) + "\n"
        with open(os.path.join(self.conf["store"], "journal"), "ab",
                  buffering=0) as out:
            out.write(line.encode())

    def do_rset(self, _arg):
        self.sender, self.rcpts = None, []
        self.say("250 2.0.0 Ok")

    def do_noop(self, _arg):
        self.say("250 2.0.0 Ok")

    def do_quit(self, _arg):
        self.say("221 2.0.0 Bye")
        raise Closed


class Server(socketserver.ThreadingTCPServer):
    """One scripted MX."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, conf):
        self.conf = conf
        self.accepted = 0
        self.taken = 0
        self.lock = threading.Lock()
        self.context = None
        if conf.get("chain"):
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(conf["chain"])
            if "max_tls" in conf:
                self.context.minimum_version = ssl.TLSVersion.TLSv1
                self.context.set_ciphers("ALL:@SECLEVEL=0")
                self.context.maximum_version = VERSIONS[conf["max_tls"]]
        super().__init__(("127.0.0.1", conf["port"]), Session)

    def count_out(self):
        """Is this connection one too many?"""
        with self.lock:
            self.accepted += 1
            return self.accepted > self.conf.get("accept", 1 << 60)

    def loses(self):
        """Is the reply to this message one that is lost?"""
        every = self.conf.get("lose", 0)
        with self.lock:
            self.taken += 1
            return every > 0 and self.taken % every == 0

    def handle_error(self, request, client_address):
        print("%s: %s" % (self.conf["name"], sys.exc_info()[1]), flush=True)


def main(path):
    with open(path) as file:
        confs = json.load(file)
    for conf in confs:
        server = Server(conf)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print("listening", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    socket.setdefaulttimeout(600)
    main(sys.argv[1])
