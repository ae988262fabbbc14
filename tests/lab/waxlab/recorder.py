#!/usr/bin/python3
"""A pipe between the relay and an MX that writes down every byte.

    recorder.py MAP FOLDER

MAP is a JSON file {"mx": [[address, port, name], ...], "to": {name: port}}:
it listens on each address and passes each connection on to 127.0.0.1 at the
name's port, which is looked up anew for every connection, so that a test can
replace the server behind an address. A connection to a name without a port is
closed at once.

For connection N the folder gets N.json (who, where, when), N.c2s and N.s2c
(the raw bytes of each direction), and N.end when both sides are closed. The
bytes are on disk before they are passed on. "listening" in its log says that
it is ready.
"""

import asyncio
import itertools
import json
import os
import socket
import sys
import time

BLOCK = 65536


class Recorder:
    """Listens, passes on, writes down."""

    def __init__(self, mapfile, folder):
        self.mapfile = mapfile
        self.folder = folder
        self.numbers = itertools.count(1)

    def port_of(self, name):
        with open(self.mapfile) as file:
            return json.load(file)["to"].get(name)

    def _open(self, number, suffix):
        path = os.path.join(self.folder, "%06d.%s" % (number, suffix))
        return open(path, "ab", buffering=0)

    async def _pipe(self, reader, writer, out):
        try:
            while data := await reader.read(BLOCK):
                out.write(data)
                writer.write(data)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()
        except OSError:
            writer.transport.abort()

    async def session(self, name, reader, writer):
        number = next(self.numbers)
        about = {"number": number, "mx": name, "start": time.time(),
                 "local": writer.get_extra_info("sockname")[:2],
                 "peer": writer.get_extra_info("peername")[:2]}
        with self._open(number, "json") as out:
            out.write(json.dumps(about).encode())
        port = self.port_of(name)
        with self._open(number, "c2s") as c2s, \
                self._open(number, "s2c") as s2c:
            try:
                if port:
                    far = await asyncio.open_connection("127.0.0.1", port)
                    await asyncio.gather(
                        self._pipe(reader, far[1], c2s),
                        self._pipe(far[0], writer, s2c))
                    far[1].close()
            except OSError as err:
                print("%s: %s" % (name, err), flush=True)
            writer.close()
        self._open(number, "end").close()

    async def run(self):
        with open(self.mapfile) as file:
            listeners = json.load(file)["mx"]
        for addr, port, name in listeners:
            family = socket.AF_INET6 if ":" in addr else socket.AF_INET

            async def accept(reader, writer, name=name):
                await self.session(name, reader, writer)

            await asyncio.start_server(accept, addr, port, family=family,
                                       backlog=512)
        print("listening", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(Recorder(sys.argv[1], sys.argv[2]).run())
