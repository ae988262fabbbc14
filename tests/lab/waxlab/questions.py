#!/usr/bin/python3
"""Writes down each DNS question on a wire: questions.py DEVICE FILE [PORT].

Run in the network of DEVICE. FILE gets a line of JSON for each question that
comes in there, to PORT or to any: {"name", "type", "to", "by", "time"}, where
by is udp or tcp. "listening" in its log says that it is ready.

As a module, Questions reads such a file. What was sent before a marker is in
the file when the marker is, so that "nobody asked" can be told from "not
written yet".
"""

import json
import os
import secrets
import socket
import struct
import sys
import time
from dataclasses import dataclass

ETH_P_ALL = 0x0003
TCP, UDP = 6, 17
TYPES = {1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 15: "MX", 16: "TXT",
         28: "AAAA", 43: "DS", 48: "DNSKEY", 52: "TLSA", 65: "HTTPS"}
MARK = "marker.invalid"


def question(data):
    """(name, type) if the bytes are a question and nothing else, or None."""
    if len(data) < 17 or data[2] & 0xf8 or data[4:8] != b"\0\1\0\0":
        return None
    labels, pos = [], 12
    while data[pos]:
        size = data[pos]
        if size > 63:
            return None
        labels.append(data[pos + 1:pos + 1 + size].decode("latin-1"))
        pos += 1 + size
    kind, family = struct.unpack("!HH", data[pos + 1:pos + 5])
    if family != 1:
        return None
    return ".".join(labels).lower() or ".", TYPES.get(kind, str(kind))


def segment(frame):
    """(flow, protocol, address, port, payload) of a frame, or None."""
    kind, data = frame[12:14], frame[14:]
    if kind == b"\x08\x00":
        size, protocol = (data[0] & 15) * 4, data[9]
        ends, rest = data[12:20], data[size:struct.unpack(
            "!H", data[2:4])[0]]
    elif kind == b"\x86\xdd":
        protocol, ends = data[6], data[8:40]
        rest = data[40:40 + struct.unpack("!H", data[4:6])[0]]
    else:
        return None
    if protocol not in (TCP, UDP):
        return None
    target = ends[len(ends) // 2:]
    skip = 8 if protocol == UDP else (rest[12] >> 4) * 4
    address = socket.inet_ntop(
        socket.AF_INET if len(target) == 4 else socket.AF_INET6, target)
    return (ends + rest[:4], protocol, address,
            struct.unpack("!H", rest[2:4])[0], rest[skip:])


class Streams:
    """Questions within TCP, where each follows its length."""

    def __init__(self):
        self.waiting = {}

    def feed(self, flow, payload):
        data = self.waiting.pop(flow, b"") + payload
        while len(data) >= 2:
            size = struct.unpack("!H", data[:2])[0]
            if len(data) < size + 2:
                break
            found = question(data[2:size + 2])
            if not found:
                return
            yield found
            data = data[size + 2:]
        if 0 < len(data) < 4096:
            self.waiting[flow] = data


def watch(device, path, port):
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                         socket.htons(ETH_P_ALL))
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    wire.bind((device, 0))
    streams = Streams()
    print("listening", flush=True)
    with open(path, "a", buffering=1) as out:
        while True:
            frame, about = wire.recvfrom(1 << 17)
            if about[2] == socket.PACKET_OUTGOING:
                continue
            try:
                found = segment(frame)
                if not found or not found[4] or port not in (0, found[3]):
                    continue
                flow, protocol, address, _, payload = found
                asked = [question(payload)] if protocol == UDP else list(
                    streams.feed(flow, payload))
            except (IndexError, struct.error):
                continue
            for one in asked:
                if one:
                    out.write(json.dumps({
                        "name": one[0], "type": one[1], "to": address,
                        "by": "udp" if protocol == UDP else "tcp",
                        "time": time.time()}) + "\n")


@dataclass(frozen=True)
class Question:
    """One question, as it was seen on the wire."""
    name: str
    type: str
    to: str
    by: str
    time: float


class Questions:
    """What such a program wrote. target: where to send markers to."""

    def __init__(self, path, target):
        self.path = path
        self.target = target

    def all(self):
        """Every question so far, without markers."""
        try:
            with open(self.path) as file:
                lines = file.read().split("\n")[:-1]
        except FileNotFoundError:
            return []
        found = [Question(**json.loads(line)) for line in lines]
        return [q for q in found if not q.name.endswith(MARK)]

    def mark(self):
        """Returns when all that was sent before is in the file; the number
        of questions so far."""
        name = "%s.%s" % (secrets.token_hex(8), MARK)
        query = struct.pack("!HHHHHH", 1, 0, 1, 0, 0, 0) + b"".join(
            bytes([len(x)]) + x.encode() for x in name.split("."))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            end = time.monotonic() + 30
            while not self._has(name):
                if time.monotonic() > end:
                    raise TimeoutError("no marker in %s" % self.path)
                sock.sendto(query + b"\0\0\1\0\1", self.target)
                time.sleep(0.05)
        return len(self.all())

    def _has(self, name):
        try:
            with open(self.path) as file:
                return name in file.read()
        except FileNotFoundError:
            return False


if __name__ == "__main__":
    watch(sys.argv[1], os.path.abspath(sys.argv[2]),
          int(sys.argv[3]) if len(sys.argv) > 3 else 0)
