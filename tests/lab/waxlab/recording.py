"""Reads what recorder wrote: the receiving side's view of each connection."""

import json
import os
import re
import struct
from dataclasses import dataclass

VERSIONS = {0x0301: "TLSv1", 0x0302: "TLSv1.1", 0x0303: "TLSv1.2",
            0x0304: "TLSv1.3"}
HANDSHAKE, CLIENT_HELLO, SERVER_HELLO = 22, 1, 2
EXT_SNI, EXT_VERSIONS = 0, 43


@dataclass
class Recording:
    """One connection. clear: what the client sent outside TLS, raw: all
    that it sent. address: the one that was dialled. offered: STARTTLS stood
    in the server's greeting."""
    number: int
    mx: str
    address: str
    start: float
    raw: bytes
    clear: bytes
    offered: bool
    starttls: bool
    tls: str
    sni: str
    closed: bool

    @property
    def encrypted(self):
        """Did a TLS handshake get as far as the server's answer?"""
        return bool(self.tls)


def _hello(data, kind):
    """The body of a ClientHello or ServerHello at the start of data."""
    if len(data) < 9 or data[0] != HANDSHAKE or data[5] != kind:
        return None
    size = int.from_bytes(data[6:9], "big")
    body, pos = b"", 0
    while len(body) < size + 4 and pos + 5 <= len(data) \
            and data[pos] == HANDSHAKE:
        length = struct.unpack("!H", data[pos + 3:pos + 5])[0]
        body += data[pos + 5:pos + 5 + length]
        pos += 5 + length
    return body[4:4 + size]


def _extensions(body, client):
    """{type: data} of a hello message."""
    pos = 34
    pos += 1 + body[pos]
    if client:
        pos += 2 + struct.unpack("!H", body[pos:pos + 2])[0]
        pos += 1 + body[pos]
    else:
        pos += 3
    found = {}
    end = pos + 2 + struct.unpack("!H", body[pos:pos + 2])[0]
    pos += 2
    while pos + 4 <= end:
        kind, size = struct.unpack("!HH", body[pos:pos + 4])
        found[kind] = body[pos + 4:pos + 4 + size]
        pos += 4 + size
    return found


def client_sni(data):
    """The server name a ClientHello asks for, or ""."""
    try:
        body = _hello(data, CLIENT_HELLO)
        name = _extensions(body, True).get(EXT_SNI, b"") if body else b""
        return name[5:].decode("ascii", "replace")
    except (IndexError, struct.error):
        return ""


def server_version(data):
    """The TLS version a ServerHello chose, or ""."""
    try:
        body = _hello(data, SERVER_HELLO)
        if not body:
            return ""
        chosen = body[:2]
        if len(body) > 38:
            chosen = _extensions(body, False).get(EXT_VERSIONS, chosen)
        number = struct.unpack("!H", chosen)[0]
        return VERSIONS.get(number, hex(number))
    except (IndexError, struct.error):
        return ""


def split_starttls(client, server):
    """Divide both directions at STARTTLS: (clear, tls bytes, server's tls
    bytes, asked). Clear text after a refused or broken STARTTLS is clear."""
    asked = re.search(rb"(?im)^starttls\r\n", client)
    if not asked:
        return client, b"", b"", False
    rest = client[asked.end():]
    answer = re.search(rb"(?ms)(^220[ -][^\n]*\n)(?=[\x14-\x17]\x03)", server)
    if rest[:1] not in (b"\x16", b"\x15", b"\x80"):
        return client, b"", b"", True
    return (client[:asked.end()], rest,
            server[answer.end():] if answer else b"", True)


def read_one(folder, number):
    """The recording of one connection."""
    def content(suffix):
        try:
            with open(os.path.join(folder, number + suffix), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return b""

    about = json.loads(content(".json"))
    raw, server = content(".c2s"), content(".s2c")
    clear, tls, answer, asked = split_starttls(raw, server)
    return Recording(
        about["number"], about["mx"], about["local"][0], about["start"],
        raw, clear,
        bool(re.search(rb"(?im)^250[ -]starttls\b", server)), asked,
        server_version(answer), client_sni(tls),
        os.path.exists(os.path.join(folder, number + ".end")))


def read_all(folder):
    """Every recording so far, in the order of connecting."""
    found = []
    for entry in sorted(os.listdir(folder)):
        number, suffix = os.path.splitext(entry)
        if suffix == ".json":
            try:
                found.append(read_one(folder, number))
            except ValueError:
                continue
    return found
