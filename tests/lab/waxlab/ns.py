"""Namespaces and processes.

enter() runs the calling script again inside a private network, mount and
process namespace (and a user namespace when we are not root) and returns
only there; the outer process waits, removes the lab's folder and hands the
exit status on. All processes of the lab are in its process namespace, so
the kernel ends them with it, whatever happens to us.

Inside there are two networks joined by a veth pair: the *relay* network, in
which the script itself runs, and the *internet*, in which servers run.
"""

import ctypes
import fcntl
import glob
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

CLONE_NEWNET = 0x40000000
MS_REC_PRIVATE = 0x4000 | 0x40000
MS_BIND = 0x1000
PR_SET_PDEATHSIG = 1

INSIDE = "WAXLAB_INSIDE"

# How many times as long as usual to wait for things: for programs that run
# slowly, as below valgrind.
PATIENCE = float(os.environ.get("WAXLAB_PATIENCE", "1"))

_libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """The lab cannot be built or a server of it does not start."""


def _check(rc, what):
    if rc != 0:
        err = ctypes.get_errno()
        raise LabError("%s: %s" % (what, os.strerror(err)))


def bind_mount(source, target):
    """Show the folder or file source at target too, in the lab only."""
    _check(_libc.mount(os.fsencode(source), os.fsencode(target), None,
                       MS_BIND, None), "bind mount %s" % source)


def tool(name, servers=None):
    """Path of a program: the unpacked one, else the system's."""
    if servers:
        path = os.path.join(servers, "bin", name)
        if os.access(path, os.X_OK):
            return path
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin"
    found = shutil.which(name, path=path)
    if not found:
        raise LabError("no program %s: run conf/build/unpack-servers" % name)
    return found


def _unshare_variants():
    """Ways into the namespaces, the best first."""
    base = ["-n", "-m", "-p", "--fork", "--kill-child"]
    if os.geteuid() == 0:
        yield base + ["--mount-proc"]
        yield base
    else:
        for user in (["-U", "--map-root-user", "--map-auto"],
                     ["-U", "--map-root-user"]):
            yield user + base + ["--mount-proc"]
            yield user + base


def _find_unshare():
    prog = tool("unshare")
    message = ""
    for flags in _unshare_variants():
        probe = subprocess.run([prog] + flags + ["true"], text=True,
                               stdin=subprocess.DEVNULL, capture_output=True)
        if probe.returncode == 0:
            return [prog] + flags
        message = probe.stderr.strip()
    raise LabError("no private namespaces here (%s)" % message)


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _make_folder():
    """A folder that the servers' and the relay's users can reach."""
    for base in (os.environ.get("TMPDIR"), "/tmp"):
        if base and os.path.isdir(base):
            mode = os.stat(os.path.realpath(base)).st_mode
            if mode & 0o001:
                folder = tempfile.mkdtemp(prefix="waxlab.", dir=base)
                os.chmod(folder, 0o755)
                return folder
    raise LabError("no folder for temporary files that others can enter")


def _remove(folder):
    """The mounts in it are gone with their namespace."""
    shutil.rmtree(folder, ignore_errors=True)
    if os.path.isdir(folder) and os.geteuid() != 0:
        subprocess.run([tool("unshare"), "-U", "--map-root-user",
                        "--map-auto", "rm", "-rf", "--one-file-system",
                        folder], check=False)


def _lock(folder):
    """Hold the folder; None if another lab does."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return fd
    except OSError:
        os.close(fd)
        return None


def _sweep(base):
    """Remove what labs left that were killed themselves."""
    for folder in glob.glob(os.path.join(base, "waxlab.*")):
        try:
            # One that is just being made has no lock yet.
            young = time.time() - os.stat(folder).st_ctime < 10
            kept = os.path.exists(os.path.join(folder, "keep"))
            fd = None if young or kept else _lock(folder)
        except OSError:
            continue
        if fd is not None:
            _remove(folder)
            os.close(fd)


def _outer():
    command = _find_unshare()
    folder = _make_folder()
    _lock(folder)
    _sweep(os.path.dirname(folder))
    env = dict(os.environ, **{INSIDE: folder})
    child = subprocess.Popen(command + sys.orig_argv, env=env,
                             preexec_fn=_die_with_parent)

    def stop(_signo, _frame):
        child.kill()

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, stop)
    status = child.wait()
    keep = os.environ.get("WAXLAB_KEEP")
    if keep:
        open(os.path.join(folder, "keep"), "w").close()
        print("lab: kept %s" % folder, file=sys.stderr)
    else:
        _remove(folder)
    sys.exit(status if status >= 0 else 128 - status)


def enter():
    """Return the lab's folder, inside the namespaces."""
    folder = os.environ.pop(INSIDE, None)
    if folder is None:
        try:
            _outer()
        except LabError as err:
            sys.exit("lab: %s" % err)

    def stop(signo, _frame):
        sys.exit(128 + signo)

    # The first process of a namespace has no default action for signals.
    for signo in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(signo, stop)
    return folder


class Network:
    """The two networks. Made once, by the process that entered."""

    def __init__(self, servers):
        self.ip = tool("ip", servers)
        self.relay_fd = os.open("/proc/self/ns/net", os.O_RDONLY)
        _check(_libc.unshare(CLONE_NEWNET), "second network namespace")
        self.inet_fd = os.open("/proc/self/ns/net", os.O_RDONLY)
        try:
            self._batch(["link set lo up",
                         "link add wan0 type veth peer name wan0 netns "
                         "/proc/self/fd/%d" % self.relay_fd,
                         "link set wan0 up"])
        finally:
            _check(_libc.setns(self.relay_fd, CLONE_NEWNET), "setns")
        self._batch(["link set lo up", "link set wan0 up"])

    def _batch(self, lines):
        done = subprocess.run([self.ip, "-batch", "-"], text=True,
                              input="\n".join(lines) + "\n",
                              pass_fds=[self.relay_fd],
                              capture_output=True)
        if done.returncode != 0:
            raise LabError("ip: %s" % done.stderr.strip())

    def join_internet(self):
        """For a child process between fork and exec."""
        _libc.setns(self.inet_fd, CLONE_NEWNET)

    def add(self, addresses, relay=False):
        """Give addresses ("11.0.0.1/16") to the internet or the relay."""
        lines = ["addr add %s dev wan0%s"
                 % (a, " nodad" if ":" in a else "") for a in addresses]
        if relay:
            self._batch(lines)
            return
        _check(_libc.setns(self.inet_fd, CLONE_NEWNET), "setns")
        try:
            self._batch(lines)
        finally:
            _check(_libc.setns(self.relay_fd, CLONE_NEWNET), "setns")


class Process:
    """A program of the lab; its output goes to a file."""

    def __init__(self, name, argv, log, network=None, env=None, **more):
        self.name = name
        self.log = log
        setup = network.join_internet if network else None
        with open(log, "ab") as out:
            self.popen = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True, preexec_fn=setup, env=env, **more)

    @property
    def pid(self):
        return self.popen.pid

    def running(self):
        return self.popen.poll() is None

    def tail(self, lines=5):
        try:
            with open(self.log, errors="replace") as file:
                return "".join(file.readlines()[-lines:]).strip()
        except OSError:
            return ""

    def signal(self, signo):
        if self.running():
            self.popen.send_signal(signo)

    def stop(self, seconds=10):
        """SIGTERM, then SIGKILL; returns the exit status."""
        self.signal(signal.SIGTERM)
        try:
            return self.popen.wait(seconds * PATIENCE)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            return self.popen.wait()

    def kill(self):
        self.signal(signal.SIGKILL)
        return self.popen.wait()


def wait_until(ready, seconds, what, process=None):
    """Poll ready() till it is true; the value is returned."""
    end = time.monotonic() + seconds * PATIENCE
    while True:
        value = ready()
        if value:
            return value
        if process and not process.running():
            raise LabError("%s ended (%s): %s" % (
                process.name, process.popen.returncode, process.tail()))
        if time.monotonic() > end:
            tail = ": " + process.tail() if process else ""
            raise LabError("timed out waiting for %s%s" % (what, tail))
        time.sleep(0.02)
