"""The lab's DNS: a private signed root, the top-level domain and leaf zones.

Three nsd processes, so that a resolver walks real referrals: root, TLD,
leaves. Signing is ldns-signzone, ECDSA P-256. baddns answers for the names
handed to it (World.no_tlsa_answer). Files for the relay's resolver:
root.hints and root.ds (trust anchor).
"""

import json
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from . import world as w
from .ns import LabError, Process, tool, wait_until

SOA = "SOA ns.%s. admin.%s. %d 3600 600 86400 60"


class Zone:
    """One zone on disk: text, key, signed file."""

    def __init__(self, name, signed, bogus=None):
        self.name = name
        self.signed = signed
        self.bogus = bogus
        self.records = []
        self.server = ""
        self.serial = 1
        self.key = None
        self.ds = ""

    @property
    def origin(self):
        return self.name + "."

    def file_name(self):
        return self.name or "root"

    def text(self):
        lines = ["$ORIGIN " + self.origin, "$TTL 60",
                 "@ " + SOA % (w.TLD, w.TLD, self.serial)]
        return "\n".join(lines + self.records) + "\n"


class Dns:
    """Makes the zones, runs the servers."""

    def __init__(self, lab_world, certs, folder, network, servers, source):
        self.world = lab_world
        self.certs = certs
        self.folder = folder
        self.network = network
        self.servers = servers
        self.source = source
        self.processes = {}
        os.makedirs(os.path.join(folder, "keys"))
        self.root_hints = os.path.join(folder, "root.hints")
        self.trust_anchor = os.path.join(folder, "root.ds")
        self._build()

    def _run(self, name, *args, cwd=None):
        done = subprocess.run([tool(name, self.servers)] + list(args),
                              text=True, cwd=cwd, capture_output=True,
                              stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise LabError("%s: %s%s" % (name, done.stdout, done.stderr))
        return done.stdout.strip()

    def _build(self):
        self.leaves = {}
        for dom in self.world.domains.values():
            zone = Zone(dom.name, dom.signed, dom.bogus)
            zone.server = "picky-ns" if dom.picky else "leafns"
            zone.records = ["@ NS %s.%s." % (zone.server, w.TLD)]
            zone.records += [absolute(r, dom) for r in dom.records]
            self.leaves[dom.name] = zone
        for tlsa in self.world.tlsa:
            host = self.world.mx_hosts[tlsa.mx]
            data = self.certs.tlsa(host.name, host.cert, tlsa.params,
                                   tlsa.what)
            owner = tlsa.owner or tlsa.mx
            zone = self.leaves[self.world.zone_of(owner).name]
            zone.records.append("_25._tcp.%s. TLSA %s" % (owner, data))
        self.tld = Zone(w.TLD, True)
        self.root = Zone("", True)
        with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
            list(pool.map(self._sign, self.leaves.values()))
        self.tld.records = self._tld_records()
        self._sign(self.tld)
        self.root.records = [
            "@ NS a.root.", *address("a.root.", w.ROOT_NS),
            "%s. NS ns.%s." % (w.TLD, w.TLD), self.tld.ds,
            *address("ns.%s." % w.TLD, w.TLD_NS)]
        self._sign(self.root)
        with open(self.root_hints, "w") as out:
            out.write(". 3600000 NS a.root.\n")
            for addr in w.ROOT_NS:
                out.write("a.root. 3600000 %s %s\n"
                          % ("AAAA" if ":" in addr else "A", addr))
        with open(self.trust_anchor, "w") as out:
            out.write(self.root.ds + "\n")

    def _tld_records(self):
        records = ["@ NS ns.%s." % w.TLD, *address("ns", w.TLD_NS),
                   *address("leafns", w.LEAF_NS)]
        for how, pair in w.BAD_NS.items():
            records += address(how + "-ns", pair)
        records += address("picky-ns", w.PICKY_NS)
        for zone in self.leaves.values():
            records.append("%s NS %s" % (zone.origin, zone.server))
            if zone.bogus == "ds":
                records.append(spoil_digest(zone.ds))
            elif zone.signed:
                records.append(zone.ds)
        return records

    def zone_path(self, zone):
        return os.path.join(self.folder, zone.file_name() + ".zone")

    def _sign(self, zone):
        plain = self.zone_path(zone)
        if not zone.signed:
            with open(plain, "w") as out:
                out.write(zone.text())
            return
        keys = os.path.join(self.folder, "keys")
        if not zone.key:
            zone.key = self._run("ldns-keygen", "-a", "ECDSAP256SHA256",
                                 "-k", "-r", "/dev/urandom", zone.origin,
                                 cwd=keys)
            zone.ds = self._run("ldns-key2ds", "-n", "-2", zone.key + ".key",
                                cwd=keys)
            zone.ds = re.sub(r"\s+", " ", zone.ds)
        source = plain + ".in"
        with open(source, "w") as out:
            out.write(zone.text())
        now = time.time()
        begin, end = now - 86400, now + 20 * 86400
        if zone.bogus == "expired":
            begin, end = now - 20 * 86400, now - 86400
        self._run("ldns-signzone", "-o", zone.origin, "-i", stamp(begin),
                  "-e", stamp(end), "-f", plain, source,
                  os.path.join(keys, zone.key))

    def replace_record(self, domain, old, new):
        """Change a leaf zone's record and have nsd read it again."""
        zone = self.leaves[domain]
        changed = [r.replace(old, new) for r in zone.records]
        if changed == zone.records:
            raise LabError("no record with %r in %s" % (old, domain))
        zone.records = [r for r in changed if r]
        zone.serial += 1
        self._sign(zone)
        self.processes["leaf"].signal(1)

    def start(self):
        for name, addresses, zones in (
                ("root", w.ROOT_NS, [self.root]),
                ("tld", w.TLD_NS, [self.tld]),
                ("leaf", w.LEAF_NS, self.leaves.values())):
            self._start_nsd(name, addresses, zones)
        self.processes["bad"] = Process(
            "baddns", [sys.executable, os.path.join(self.source, "baddns.py"),
                       *("%s=%s" % (how, addr)
                         for how, pair in w.BAD_NS.items()
                         for addr in pair)],
            os.path.join(self.folder, "baddns.log"), self.network)
        if self.world.faults:
            self.set_faults(self.world.faults)
            self.processes["picky"] = Process(
                "pickydns", [sys.executable,
                             os.path.join(self.source, "pickydns.py"),
                             self._faults_path(), w.LEAF_NS[0], *w.PICKY_NS],
                os.path.join(self.folder, "pickydns.log"), self.network)

    def _faults_path(self):
        return os.path.join(self.folder, "faults.json")

    def set_faults(self, faults):
        """{"name type": how}: what the picky server answers badly now."""
        path = self._faults_path()
        with open(path + ".new", "w") as out:
            json.dump(faults, out)
        os.rename(path + ".new", path)

    def _start_nsd(self, name, addresses, zones):
        base = os.path.join(self.folder, "nsd-" + name)
        os.makedirs(base)
        lines = ["server:"]
        lines += ["  ip-address: " + a for a in addresses]
        lines += ["  %s: \"%s\"" % pair for pair in (
            ("username", ""), ("zonesdir", ""), ("chroot", ""),
            ("pidfile", base + "/pid"), ("xfrdfile", base + "/xfrd"),
            ("xfrdir", base), ("zonelistfile", base + "/list"))]
        if self._nsd_has_database():
            lines.append("  database: \"\"")
        lines += ["  server-count: 1", "  port: 53",
                  "remote-control:", "  control-enable: no"]
        for zone in zones:
            lines += ["zone:", "  name: \"%s\"" % zone.origin,
                      "  zonefile: \"%s\"" % self.zone_path(zone)]
        conf = base + "/nsd.conf"
        with open(conf, "w") as out:
            out.write("\n".join(lines) + "\n")
        self.processes[name] = Process(
            "nsd-" + name, [tool("nsd", self.servers), "-d", "-c", conf],
            base + "/log", self.network)

    def _nsd_has_database(self):
        out = subprocess.run([tool("nsd", self.servers), "-v"], text=True,
                             capture_output=True)
        found = re.search(r"version (\d+)\.(\d+)", out.stdout + out.stderr)
        return bool(found) and (int(found[1]), int(found[2])) < (4, 8)

    def wait(self):
        """Until every server has written that it started."""
        for name in ("root", "tld", "leaf"):
            process = self.processes[name]
            wait_until(lambda p=process: "started" in p.tail(50), 20,
                       process.name, process)
        if "picky" in self.processes:
            process = self.processes["picky"]
            wait_until(lambda: "listening" in process.tail(50), 20,
                       process.name, process)

    def start_unbound(self, address="127.0.0.1", port=53):
        """A validating resolver in the relay's network."""
        base = os.path.join(self.folder, "unbound")
        os.makedirs(base, exist_ok=True)
        conf = os.path.join(base, "unbound.conf")
        with open(conf, "w") as out:
            out.write(UNBOUND % {
                "address": address, "port": port, "dir": base,
                "hints": self.root_hints, "anchor": self.trust_anchor})
        process = Process("unbound",
                          [tool("unbound", self.servers), "-d", "-c", conf],
                          base + "/log")
        wait_until(lambda: "start of service" in process.tail(50), 20,
                   "unbound", process)
        return process


UNBOUND = """\
server:
  interface: %(address)s
  port: %(port)d
  do-daemonize: no
  username: ""
  chroot: ""
  pidfile: ""
  directory: "%(dir)s"
  use-syslog: no
  logfile: ""
  verbosity: 1
  log-servfail: yes
  val-log-level: 2
  num-queries-per-thread: 2048
  so-rcvbuf: 1m
  root-hints: "%(hints)s"
  trust-anchor-file: "%(anchor)s"
  module-config: "validator iterator"
remote-control:
  control-enable: no
"""


def stamp(seconds):
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(seconds))


def address(name, pair):
    """A and AAAA record of a name server."""
    return ["%s %s %s" % (name, "AAAA" if ":" in a else "A", a)
            for a in pair]


def absolute(record, domain):
    """Records of World are relative to their domain, or absolute."""
    return record if record.split()[0].endswith(".") else \
        "%s.%s. %s" % (record.split()[0], domain.name,
                       record.split(None, 1)[1])


def spoil_digest(ds_record):
    """The same DS record with another digest."""
    last = ds_record.rstrip()[-1]
    return ds_record.rstrip()[:-1] + ("0" if last != "0" else "1")
