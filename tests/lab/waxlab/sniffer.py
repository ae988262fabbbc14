#!/usr/bin/python3
"""Writes down what the relay's machine sends: sniffer.py FOLDER.

Listens on the internet's end of the wire and appends the payload of every
TCP segment and UDP datagram that comes from the relay to a file named after
its flow. Bytes that leave by another port, or to an address of which the
recorder knows nothing, are seen here. "listening" in its log says that it is
ready.
"""

import os
import socket
import struct
import sys

ETH_P_ALL = 0x0003
DEVICE = "wan0"
TCP, UDP = 6, 17


def network(frame):
    """(source, target, protocol, rest) of an Ethernet frame, or None."""
    kind, data = frame[12:14], frame[14:]
    if kind == b"\x08\x00":
        size = (data[0] & 15) * 4
        total = struct.unpack("!H", data[2:4])[0]
        return (socket.inet_ntop(socket.AF_INET, data[12:16]),
                socket.inet_ntop(socket.AF_INET, data[16:20]), data[9],
                data[size:total])
    if kind == b"\x86\xdd":
        size = struct.unpack("!H", data[4:6])[0]
        return (socket.inet_ntop(socket.AF_INET6, data[8:24]),
                socket.inet_ntop(socket.AF_INET6, data[24:40]), data[6],
                data[40:40 + size])
    return None


def flow(frame):
    """(name, payload) of a frame, or None if it carries nothing."""
    parts = network(frame)
    if not parts:
        return None
    source, target, protocol, data = parts
    if protocol == TCP:
        name, skip = "tcp", (data[12] >> 4) * 4
    elif protocol == UDP:
        name, skip = "udp", 8
    else:
        return None
    ports = struct.unpack("!HH", data[:4])
    payload = data[skip:]
    if not payload:
        return None
    return "%s-%s.%d-%s.%d" % (name, source, ports[0], target,
                               ports[1]), payload


def main(folder):
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                         socket.htons(ETH_P_ALL))
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    wire.bind((DEVICE, 0))
    print("listening", flush=True)
    while True:
        frame, about = wire.recvfrom(1 << 17)
        if about[2] == socket.PACKET_OUTGOING:
            continue
        try:
            found = flow(frame)
        except (IndexError, struct.error):
            continue
        if found:
            with open(os.path.join(folder, found[0]), "ab") as out:
                out.write(found[1])


if __name__ == "__main__":
    main(sys.argv[1])
