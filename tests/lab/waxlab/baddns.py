#!/usr/bin/python3
"""A name server that gives no answer: baddns.py HOW=ADDRESS...

HOW is servfail, refused or drop: what comes back from that address.
"""

import selectors
import socket
import struct
import sys

RCODES = {"servfail": 2, "refused": 5, "drop": None}


def question_end(query):
    """Offset behind the question section's only entry."""
    pos = 12
    while query[pos]:
        pos += 1 + query[pos]
    return pos + 5


def reply(query, rcode):
    """The bytes to send, or None to be silent."""
    if rcode is None or len(query) <= 12:
        return None
    try:
        end = question_end(query)
    except IndexError:
        return None
    flags = 0x8000 | (query[2] & 0x01) << 8 | rcode
    head = query[:2] + struct.pack("!HHHHH", flags, 1, 0, 0, 0)
    return head + query[12:end]


def serve_tcp(listener, rcode):
    conn, _ = listener.accept()
    with conn:
        conn.settimeout(2)
        try:
            answer = reply(conn.recv(4096)[2:], rcode)
            if answer:
                conn.sendall(struct.pack("!H", len(answer)) + answer)
        except OSError:
            pass


def main(args):
    waiter = selectors.DefaultSelector()
    for how, _, addr in (arg.partition("=") for arg in args):
        family = socket.AF_INET6 if ":" in addr else socket.AF_INET
        udp = socket.socket(family, socket.SOCK_DGRAM)
        udp.bind((addr, 53))
        waiter.register(udp, selectors.EVENT_READ, RCODES[how])
        tcp = socket.create_server((addr, 53), family=family)
        waiter.register(tcp, selectors.EVENT_READ, RCODES[how])
    while True:
        for key, _ in waiter.select():
            if key.fileobj.type == socket.SOCK_STREAM:
                serve_tcp(key.fileobj, key.data)
                continue
            query, peer = key.fileobj.recvfrom(4096)
            answer = reply(query, key.data)
            if answer:
                key.fileobj.sendto(answer, peer)


if __name__ == "__main__":
    main(sys.argv[1:])
