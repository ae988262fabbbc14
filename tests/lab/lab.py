#!/usr/bin/python3
"""The lab: a small internet in private namespaces.

    tests/lab/lab up [--build DIR] -- COMMAND...

runs COMMAND in the relay's network while the lab is up, with the lab's own
unbound on 127.0.0.1:53, and in the environment

    WAXLAB_DIR           the lab's folder (mail/, rec/, certs/, dns/, ...)
    WAXLAB_CA            the authority the relay is to trust, PEM
    WAXLAB_ROOT_HINTS    root hints of this internet
    WAXLAB_TRUST_ANCHOR  DS record of its root
    WAXLAB_SERVERS       the unpacked servers
    WAXLAB_UNBOUND       the unbound in there

As a module, in a script of its own:

    import lab
    folder = lab.enter()                    # runs the script again inside
    with lab.Lab(folder) as net:            # or Lab(folder, world=...)
        relay = net.start_relay(workers=1, conf_extra="...")
        net.send(relay, "bob@dane-ee.lab", token="T1")
        relay.wait_for("delivery", to="bob@dane-ee.lab", status="sent")
        net.delivered("T1"); net.recordings(); relay.kill(); relay.start()

Everything ends with the script, however it ends. WAXLAB_KEEP=1 keeps the
folder. doc/LAB.md has more.
"""

import json
import os
import re
import smtplib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, HERE)

# pylint: disable=wrong-import-position
from waxlab import postfix, recording, rows, world  # noqa: E402
from waxlab.certs import Certs  # noqa: E402
from waxlab.dns import Dns  # noqa: E402
from waxlab.ns import (PATIENCE, LabError, Network, Process,  # noqa: E402
                       bind_mount, enter, tool, wait_until)
from waxlab.questions import Questions  # noqa: E402
from waxlab.relay import Relay  # noqa: E402
from waxlab.web import Web  # noqa: E402

TOP = os.path.dirname(os.path.dirname(HERE))
CATCHERS = ("127.0.0.1", "::1", world.RELAY_V4, world.RELAY_V6)
TLS_HEADER = re.compile(r"\(using (\S+) with cipher")
BY_HEADER = re.compile(r"\sby (\S+) \((?:Postfix|script)")


@dataclass
class Delivery:
    """A message as it lies at the receiver. host: the MX that took it, by
    its own Received header; tls: the version, "" if it came in clear."""
    rcpt: str
    host: str
    tls: str
    text: str
    path: str


class Lab:
    """The running internet. Use with "with", after enter()."""

    def __init__(self, folder, the_world=None, build=None, servers=None,
                 real_mx=True, sniff=False):
        self.folder = folder
        self.world = the_world or rows.demo_world()
        self.source_build = build or os.environ.get(
            "WAXSEAL_BUILD", os.path.join(TOP, "build"))
        self.source_servers = servers or os.environ.get(
            "WAXSEAL_SERVERS", os.path.join(TOP, ".servers"))
        self.notes = []
        self.processes = []
        self.real_mx = real_mx
        self.sniff = sniff
        self.may_change_user = os.geteuid() == 0 and postfix.usable()
        self.mail = os.path.join(folder, "mail")
        self.rec = os.path.join(folder, "rec")
        self._map = os.path.join(folder, "map.json")

    # Start and end.

    def __enter__(self):
        self._mount()
        self.network = Network(self.servers)
        self.network.add([world.RELAY_V4 + world.V4_BITS,
                          world.RELAY_V6 + world.V6_BITS], relay=True)
        self.network.add(self.world.addresses())
        for path in (self.mail, self.rec):
            os.makedirs(path)
        self.certs = Certs(os.path.join(self.folder, "certs"), self.servers)
        self._make_certs()
        self.dns = Dns(self.world, self.certs,
                       os.path.join(self.folder, "dns"), self.network,
                       self.servers, os.path.join(HERE, "waxlab"))
        self.web = Web(self.world, self.certs,
                       os.path.join(self.folder, "web"), self.servers,
                       self.network)
        self.postfix = None
        self.dns.start()
        self.web.start()
        self._start_mx()
        self._start_recorders()
        self.dns.wait()
        self.web.wait()
        if self.postfix:
            self.postfix.wait()
        return self

    def __exit__(self, *_exc):
        """The namespace ends what still runs; the relay may say goodbye."""

    def _mount(self):
        """Foreign users must reach the programs, wherever they lie."""
        self.servers = os.path.join(self.folder, "servers")
        self.build = os.path.join(self.folder, "build")
        if not os.path.isdir(self.source_servers):
            raise LabError("no %s: run conf/build/unpack-servers"
                           % self.source_servers)
        os.mkdir(self.servers)
        bind_mount(self.source_servers, self.servers)
        os.mkdir(self.build)
        if os.path.isdir(self.source_build):
            bind_mount(self.source_build, self.build)

    def program(self, name):
        """Path of a program under test, as the lab's users see it."""
        path = os.path.join(self.build, name)
        if not os.access(path, os.X_OK):
            raise LabError("no program %s in %s" % (name, self.source_build))
        return path

    def _make_certs(self):
        hosts = [h for h in self.world.mx_hosts.values()
                 if h.server != "none"]

        def make(host):
            return host.name, self.certs.make(host.name, host.cert,
                                              host.name)
        with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
            self.chains = dict(pool.map(make, hosts))

    def _script(self, host):
        conf = {"name": host.name, "port": host.port, "store": self.mail,
                "chain": self.chains.get(host.name)}
        if host.tls == "none":
            conf["starttls"] = "no"
        conf.update(host.script)
        return conf

    def _start_mx(self):
        real = self.real_mx and postfix.usable()
        if not real:
            self.notes.append("no users to run Postfix with: the scripted MX "
                              "stands in for it")
        scripts = []
        if real:
            self.postfix = postfix.Postfix(
                os.path.join(self.folder, "postfix"), self.mail,
                self.servers, self.network, self.world.domains)
        else:
            os.chmod(self.mail, 0o777)
        for host in self.world.mx_hosts.values():
            if host.server == "postfix" and real:
                self.postfix.add(host.name, host.port, host.tls,
                                 self.chains[host.name])
            elif host.server != "none":
                scripts.append(self._script(host))
        if real:
            self.postfix.start()
        self.scripts = self.run_script_mx(scripts, "scriptmx")

    def run_script_mx(self, confs, name):
        """Start scripted MX servers (scriptmx.py) in the internet."""
        path = os.path.join(self.folder, name + ".json")
        with open(path, "w") as out:
            json.dump(confs, out)
        return self._program("scriptmx", self.network, path, name=name)

    def _start_recorders(self):
        listeners, ports = [], {}
        for host in self.world.mx_hosts.values():
            if host.server != "none":
                ports[host.name] = host.port
                listeners += [(a, 25, host.name)
                              for a in (host.v4, host.v6) if a]
        self.ports = ports
        self._write_map(listeners)
        self._recorder("recorder", self._map, self.rec, self.network)
        own = os.path.join(self.folder, "own.json")
        with open(own, "w") as out:
            json.dump({"mx": [(a, 25, "relay itself") for a in CATCHERS],
                       "to": {}}, out)
        self.own_rec = os.path.join(self.folder, "own")
        os.mkdir(self.own_rec)
        self._recorder("own-recorder", own, self.own_rec, None)
        self.flows = os.path.join(self.folder, "flows")
        os.mkdir(self.flows)
        if self.sniff:
            self._program("sniffer", self.network, self.flows)
            self.asked = self._questions("asked", "lo", None,
                                         ("127.0.0.1", 9))
            self.outside = self._questions("outside", "wan0", self.network,
                                           (world.LEAF_NS[0], 53), "53")

    def _write_map(self, listeners=None):
        if listeners is not None:
            self._listeners = listeners
        with open(self._map + ".new", "w") as out:
            json.dump({"mx": self._listeners, "to": self.ports}, out)
        os.rename(self._map + ".new", self._map)

    def _recorder(self, name, mapfile, folder, network):
        self._program("recorder", network, mapfile, folder, name=name)

    def _questions(self, name, device, network, target, *port):
        """DNS questions on a wire: the relay's (asked), and its resolver's
        to the internet (outside)."""
        path = os.path.join(self.folder, name + ".questions")
        self._program("questions", network, device, path, *port, name=name)
        return Questions(path, target)

    def _program(self, program, network, *args, name=None):
        """Start a program of waxlab that says "listening" when it is."""
        name = name or program
        path = os.path.join(HERE, "waxlab", program + ".py")
        process = Process(name, [sys.executable, path, *args],
                          os.path.join(self.folder, name + ".log"), network)
        wait_until(lambda: "listening" in process.tail(50), 20, name,
                   process)
        self.processes.append(process)
        return process

    # While it runs.

    def redirect(self, host, port):
        """New connections to an MX host's addresses go to that port of the
        internet's loopback; None: they are closed at once."""
        self.ports[host] = port
        self._write_map()

    def stop_dying_web(self):
        """The web server of policies with web="dying" goes down."""
        self.web.processes["dying"].kill()

    def start_unbound(self):
        """The lab's own resolver on 127.0.0.1:53 of the relay's network."""
        process = self.dns.start_unbound()
        self.processes.append(process)
        return process

    def start_relay(self, **options):
        """Configure (see Relay) and start waxseald; waits for ready."""
        return Relay(self, **options).start()

    def message(self, token, subject="lab", rcpts=()):
        """A message in which the token stands in header and body."""
        return ("From: Alice <alice@%s>\r\nTo: %s\r\nSubject: %s %s\r\n"
                "Message-ID: <%s@%s>\r\n"
                "Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n\r\n"
                "The token is %s.\r\n.a line that begins with a dot\r\n"
                % (world.SENDER, ", ".join(rcpts), subject, token, token,
                   world.SENDER, token))

    def send(self, relay, rcpts, token, sender="alice@" + world.SENDER,
             text=None):
        """Submit one message by SMTP; SMTPException if it is refused."""
        if isinstance(rcpts, str):
            rcpts = [rcpts]
        with smtplib.SMTP("127.0.0.1", relay.port, timeout=60 * PATIENCE,
                          local_hostname="client." + world.SENDER) as smtp:
            return smtp.sendmail(sender, rcpts,
                                 text or self.message(token, rcpts=rcpts))

    def delivered(self, token=None):
        """Deliveries (with the token in them) at any MX."""
        found = []
        for base, _dirs, files in os.walk(self.mail):
            if os.path.basename(base) != "new":
                continue
            for name in files:
                path = os.path.join(base, name)
                with open(path, errors="replace") as file:
                    text = file.read()
                if token is None or token in text:
                    found.append(parse_delivery(text, path))
        return found

    def journal(self):
        """Messages taken by scripted MXs, in order: see scriptmx.py."""
        try:
            with open(os.path.join(self.mail, "journal")) as file:
                return [json.loads(line) for line in file]
        except FileNotFoundError:
            return []

    def recordings(self):
        """All connections to any MX, and to the relay's own port 25."""
        return recording.read_all(self.rec) + recording.read_all(
            self.own_rec)

    def sniffed(self, token):
        """Names of the network flows in which the token went in clear."""
        found = []
        for name in sorted(os.listdir(self.flows)):
            with open(os.path.join(self.flows, name), "rb") as file:
                if token.encode() in file.read():
                    found.append(name)
        return found

    def environment(self):
        """What `lab up` gives to its command."""
        return dict(os.environ, WAXLAB_DIR=self.folder,
                    WAXLAB_CA=self.certs.ca_file(),
                    WAXLAB_ROOT_HINTS=self.dns.root_hints,
                    WAXLAB_TRUST_ANCHOR=self.dns.trust_anchor,
                    WAXLAB_SERVERS=self.servers,
                    WAXLAB_UNBOUND=os.path.join(self.servers, "bin",
                                                "unbound"),
                    PATH="%s/bin:%s:%s:/usr/sbin:/sbin" % (
                        self.servers, self.build, os.environ["PATH"]))

    def use_resolver(self):
        """Let the C library's resolver ask the lab's unbound."""
        path = os.path.join(self.folder, "resolv.conf")
        with open(path, "w") as out:
            out.write("nameserver 127.0.0.1\n")
        if os.path.exists("/etc/resolv.conf"):
            bind_mount(path, os.path.realpath("/etc/resolv.conf"))


def parse_delivery(text, path):
    """Read the headers which the receiving MX put on top."""
    head = re.split(r"\r?\n\r?\n", text, maxsplit=1)[0]
    rcpt = re.search(r"(?im)^Delivered-To: *(\S+)", head)
    trace = re.search(r"(?im)^Received:.*\n(?:[ \t].*\n)*", head + "\n")
    first = trace[0] if trace else ""
    by, tls = BY_HEADER.search(first), TLS_HEADER.search(first)
    return Delivery(rcpt[1] if rcpt else "", by[1] if by else "",
                    tls[1] if tls else "", text, path)


def main(argv):
    if len(argv) < 4 or argv[1] != "up" or "--" not in argv:
        sys.exit("usage: lab up [--build DIR] -- COMMAND...")
    split = argv.index("--")
    options, command = argv[2:split], argv[split + 1:]
    build = None
    if options:
        if len(options) != 2 or options[0] != "--build":
            sys.exit("usage: lab up [--build DIR] -- COMMAND...")
        build = os.path.abspath(options[1])
    folder = enter()
    try:
        with Lab(folder, build=build) as net:
            net.start_unbound()
            net.use_resolver()
            for note in net.notes:
                print("lab: " + note, file=sys.stderr)
            return subprocess.call(command, env=net.environment())
    except LabError as err:
        print("lab: %s" % err, file=sys.stderr)
        return 1


__all__ = ["Lab", "LabError", "Relay", "enter", "world", "tool", "TOP"]

if __name__ == "__main__":
    sys.exit(main(sys.argv))
