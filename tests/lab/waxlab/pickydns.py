#!/usr/bin/python3
"""A name server that answers well, but for some questions:
pickydns.py FAULTS SERVER ADDRESS...

FAULTS is a JSON file {"name type": "servfail" | "refused" | "drop"}; it is
read anew for each question. All other questions go to SERVER, by the way that
they came, and its answers back as they are.
"""

import json
import selectors
import socket
import struct
import sys

from baddns import RCODES, reply
from questions import question


class Picky:
    """One server on many addresses."""

    def __init__(self, faults, server):
        self.faults = faults
        self.server = server

    def fault_of(self, query):
        found = question(query)
        if not found:
            return None
        with open(self.faults) as file:
            return json.load(file).get("%s %s" % found)

    def answer(self, query, way):
        """What to send for a question, None for nothing. way: asks the
        server behind."""
        how = self.fault_of(query)
        return reply(query, RCODES[how]) if how else way(query)

    def by_udp(self, query):
        family = socket.AF_INET6 if ":" in self.server else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.settimeout(2)
            sock.connect((self.server, 53))
            try:
                sock.send(query)
                return sock.recv(65535)
            except OSError:
                return None

    def by_tcp(self, query):
        try:
            with socket.create_connection((self.server, 53), 2) as sock:
                sock.sendall(struct.pack("!H", len(query)) + query)
                return message(sock)
        except OSError:
            return None

    def serve_tcp(self, listener):
        conn, _ = listener.accept()
        with conn:
            conn.settimeout(2)
            try:
                query = message(conn)
                answer = self.answer(query, self.by_tcp) if query else None
                if answer:
                    conn.sendall(struct.pack("!H", len(answer)) + answer)
            except OSError:
                pass


def message(sock):
    """One message from a stream, None at its end."""
    data = b""
    while len(data) < 2 or len(data) < 2 + struct.unpack("!H", data[:2])[0]:
        more = sock.recv(65535)
        if not more:
            return None
        data += more
    return data[2:]


def main(faults, server, addresses):
    picky = Picky(faults, server)
    waiter = selectors.DefaultSelector()
    for addr in addresses:
        family = socket.AF_INET6 if ":" in addr else socket.AF_INET
        udp = socket.socket(family, socket.SOCK_DGRAM)
        udp.bind((addr, 53))
        waiter.register(udp, selectors.EVENT_READ)
        waiter.register(socket.create_server((addr, 53), family=family),
                        selectors.EVENT_READ)
    print("listening", flush=True)
    while True:
        for key, _ in waiter.select():
            if key.fileobj.type == socket.SOCK_STREAM:
                picky.serve_tcp(key.fileobj)
                continue
            query, peer = key.fileobj.recvfrom(4096)
            answer = picky.answer(query, picky.by_udp)
            if answer:
                key.fileobj.sendto(answer, peer)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
