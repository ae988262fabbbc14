"""waxseald under test: its configuration, its process, its log."""

import json
import os
import re
import shlex
import signal
import subprocess

from . import world as w
from .ns import PATIENCE, LabError, Process, tool, wait_until

RELAY_USER, RESOLVER_USER = 65533, 65532

CONFIG = """\
hostname = "%(name)s"
state_dir = "%(state)s"
workers = %(workers)d
%(user)s
listen "127.0.0.1:%(port)d" {
	role = smarthost
	networks = {"127.0.0.0/8", "::1"}
}
resolver {
	%(resolver)s
}
sts {
	ca_file = "%(ca)s"
}
tls {
	ca_file = "%(ca)s"
}
queue {
	retry = {%(retry)s}
	lifetime = %(lifetime)s
}
control {
	socket = "%(control)s"
}
%(extra)s
"""

MANAGED = """mode = managed
	unbound = "%(unbound)s"
	root_hints = "%(hints)s"
	trust_anchor = "%(anchor)s"
	query_localhost = no
	%(user)s"""

EXTERNAL = """mode = external
	address = {"127.0.0.1:53"}"""

FIELD = re.compile(r'([A-Za-z_][A-Za-z0-9_.-]*)=("(?:[^"\\]|\\.)*"|\S*)')
COMPLAINT = re.compile(r"(ERROR|WARNING): \w+Sanitizer|runtime error:|"
                       r"BUG[:(]|BUG at |Assertion .* failed")


def parse_line(line):
    """{key: value} of a log line, {} if it is none. A logger may put a time
    stamp or a level before event=."""
    if "event=" not in line:
        return {}
    fields = {}
    for key, value in FIELD.findall(line):
        if value.startswith('"') and value.endswith('"') and len(value) > 1:
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        fields[key] = value
    return fields


class Relay:
    """One waxseald. start() may be called again after stop() or kill():
    the state stays."""

    def __init__(self, lab, name="relay", port=2525, workers=1,
                 resolver="managed", retry=("1s", "2s", "5s"), lifetime="5d",
                 conf_extra="", wrap=(), wrap_cli=()):
        self.lab = lab
        self.name = name
        self.port = port
        self.wrap = list(wrap)
        self.wrap_cli = list(wrap_cli)
        self.base = os.path.join(lab.folder, name)
        self.state = os.path.join(self.base, "state")
        self.conf = os.path.join(self.base, "waxseal.conf")
        self.control = os.path.join(self.base, "control")
        self.process = None
        self.run = 0
        self._known = {}
        os.makedirs(self.state)
        if lab.may_change_user:
            os.chown(self.base, RELAY_USER, RELAY_USER)
            os.chown(self.state, RELAY_USER, RELAY_USER)
        with open(self.conf, "w") as out:
            out.write(CONFIG % {
                "name": w.RELAY_NAME, "state": self.state,
                "workers": workers, "port": port,
                "user": self._user(RELAY_USER),
                "resolver": self._resolver(resolver),
                "ca": lab.certs.ca_file(),
                "retry": ", ".join('"%s"' % r for r in retry),
                "lifetime": lifetime, "control": self.control,
                "extra": conf_extra})
        os.chmod(self.conf, 0o644)

    def _user(self, number):
        return 'user = "%d"' % number if self.lab.may_change_user else ""

    def _resolver(self, mode):
        if mode == "external":
            return EXTERNAL
        return MANAGED % {
            "unbound": os.path.join(self.lab.servers, "bin", "unbound"),
            "hints": self.lab.dns.root_hints,
            "anchor": self.lab.dns.trust_anchor,
            "user": self._user(RESOLVER_USER)}

    @property
    def log(self):
        """Path of the log of the current run."""
        return os.path.join(self.base, "log.%d" % self.run)

    @property
    def pid(self):
        return self.process.pid

    def start(self, wait=60):
        """Start; returns when it logged event=ready (wait=0: at once)."""
        command = self.wrap + [self.lab.program("waxseald"), "-c",
                               self.conf]
        if not self.lab.may_change_user:
            # Root of a user namespace without other users: it must not run
            # as root and cannot change, so it gets a namespace in which it
            # is somebody else.
            command = [tool("unshare"), "-U",
                       "--map-user=%d" % RELAY_USER,
                       "--map-group=%d" % RELAY_USER, "--"] + command
        self.run += 1
        self.process = Process(self.name, command, self.log)
        if wait:
            wait_until(lambda: self.events("ready", run=self.run), wait,
                       "event=ready of waxseald", self.process)
        return self

    def lines(self, run=None):
        """Log lines of one run, or of all."""
        return [line for line, _ in self._read(run)]

    def events(self, name=None, run=None, **fields):
        """The log's events with that name and those field values."""
        return [event for _, event in self._read(run)
                if event and (name is None or event.get("event") == name)
                and all(event.get(k) == v for k, v in fields.items())]

    def _read(self, run):
        """(line, fields) of whole lines; each is read and parsed once."""
        found = []
        for number in [run] if run else range(1, self.run + 1):
            path = os.path.join(self.base, "log.%d" % number)
            known = self._known.setdefault(number, [0, []])
            try:
                with open(path, "rb") as file:
                    file.seek(known[0])
                    data = file.read()
            except FileNotFoundError:
                continue
            whole = data[:data.rfind(b"\n") + 1]
            known[0] += len(whole)
            for line in whole.decode("utf-8", "replace").split("\n")[:-1]:
                known[1].append((line, parse_line(line)))
            found += known[1]
        return found

    def deliveries(self, rcpt):
        """The delivery events of one recipient, oldest first."""
        return [e for e in self.events("delivery")
                if e.get("to", "").strip("<>").lower() == rcpt.lower()]

    def wait_for(self, name, seconds=30, count=1, **fields):
        """Wait till such an event was logged count times; returns them."""
        def ready():
            found = self.events(name, **fields)
            return found if len(found) >= count else None
        return wait_until(ready, seconds, "event %s %s" % (name, fields),
                          self.process)

    def complaints(self):
        """What sanitizers and BUG() wrote, in all runs."""
        return [line for line in self.lines()
                if COMPLAINT.search(line)]

    def children(self):
        """Process ids of the parent's children (relay, resolver)."""
        with open("/proc/%d/task/%d/children" % (self.pid, self.pid)) as f:
            return [int(x) for x in f.read().split()]

    def child(self, comm):
        """Process id of the child whose command is comm, or None."""
        for pid in self.children():
            try:
                with open("/proc/%d/comm" % pid) as file:
                    if file.read().strip() == comm:
                        return pid
            except FileNotFoundError:
                pass
        return None

    def stop(self, seconds=30):
        """SIGTERM; returns the exit status."""
        return self.process.stop(seconds)

    def kill(self):
        """SIGKILL to the parent."""
        return self.process.kill()

    def reload(self):
        self.process.signal(signal.SIGHUP)

    def cli(self, *args):
        """Run waxseal -c FILE ARGS; the finished process."""
        return subprocess.run(
            self.wrap_cli + [self.lab.program("waxseal"), "-c",
                             self.conf] + list(args), text=True, capture_output=True,
            stdin=subprocess.DEVNULL, timeout=60 * PATIENCE)

    def cli_json(self, *args):
        """The JSON value of a waxseal command."""
        done = self.cli(*args, "--json")
        try:
            return json.loads(done.stdout)
        except ValueError:
            raise LabError("waxseal %s: %s%s" % (
                shlex.join(args), done.stdout, done.stderr)) from None
