"""Starting: configuration, ports, the lock, folders, permissions."""

import os
import shutil
import socket
import subprocess

from cases import (Skip, edit, end, mount_tmpfs, must, one_line, same, tried,
                   waxseald)
from waxlab.relay import RELAY_USER, RESOLVER_USER

# name, text to replace, bad text (the line with "#!" is to be named), key
BROKEN = (
    ("syntax", "lifetime = 5d", "lifetime = = 5d #!", "syntax"),
    ("an unknown key", "lifetime = 5d", "lifetmie = 5d #!",
     "queue.lifetmie"),
    ("an unknown key at the top", 'hostname = "', 'colour = red #!\n'
     'hostname = "', "colour"),
    ("an unknown section", "queue {", "spool { #!\n}\nqueue {", "spool"),
    ("a wrong value", "lifetime = 5d", "lifetime = soon #!",
     "queue.lifetime"),
    ("a wrong word", "role = smarthost", "role = bothhost #!",
     "listen.role"),
    ("an address that is none", "listen \"127.0.0.1:", "listen "
     "\"relay.lab:25\" { #!\n}\nlisten \"127.0.0.1:", "listen"),
    ("an open relay", 'networks = {"127.0.0.0/8", "::1"}',
     'networks = {"0.0.0.0/0"} #!', "listen.networks"),
    ("a key twice", "lifetime = 5d", "lifetime = 5d\n\tlifetime = 4d #!",
     "queue.lifetime"),
)
MISSING = "/nonexistent/ca.pem"

SHIM = """\
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/vfs.h>
int statfs(const char *path, struct statfs *out)
{
	int (*real)(const char *, struct statfs *) =
	    (int (*)(const char *, struct statfs *))dlsym(RTLD_NEXT, "statfs");
	int rc = real(path, out);
	out->f_type = 0x6969;
	return rc;
}
"""


def run(bench):
    configuration(bench)
    certificates(bench)
    with bench.running("first") as relay:
        ports(bench, relay)
        locks(bench, relay)
    killed(bench)
    folders(bench)
    permissions(bench)


def marked_line(path):
    with open(path) as file:
        for number, line in enumerate(file, 1):
            if "#!" in line:
                return number
    return 0


def configuration(bench):
    good = bench.relay("good-conf")
    with bench.case("conf: -t says that a good file is fine, and starts "
                    "nothing"):
        one_line(waxseald(bench, "-t", "-c", good.conf), 0, good.conf)
        same(os.listdir(good.state), [], "state_dir")
    for name, old, new, key in BROKEN:
        relay = bench.relay("conf-" + name.replace(" ", "-"))
        with bench.case("conf: %s" % name):
            edit(relay, old, new)
            where = "%s:%d: %s" % (relay.conf, marked_line(relay.conf), key)
            one_line(waxseald(bench, "-t", "-c", relay.conf), 2, where)
            one_line(tried(relay), 2, where)
            same(os.listdir(relay.state), [], "state_dir")
    with bench.case("conf: a section that is never closed"):
        relay = bench.relay("conf-open", changes=[
            ("socket = ", "}\nlog { #!\n#socket = ")])
        edit(relay, "\n}\n\n", "\n\n")
        where = "%s:%d: " % (relay.conf, marked_line(relay.conf))
        one_line(tried(relay), 2, where)
    with bench.case("conf: a file of other bytes"):
        relay = bench.relay("conf-bytes")
        with open(relay.conf, "wb") as out:
            out.write(bytes(range(256)) * 40)
        status, lines = tried(relay)
        same(status, 2, "exit status")
        must(relay.conf in lines[0], "no file in %r", lines[0])
    with bench.case("conf: a file that is not there; wrong arguments"):
        one_line(waxseald(bench, "-c", MISSING), 2, MISSING)
        same(waxseald(bench, "-x")[0], 2, "exit status of -x")
        same(waxseald(bench, "more")[0], 2, "exit status of an argument")
    users(bench)


def users(bench):
    for key, old in (("user", 'user = "%d"' % RELAY_USER),
                     ("resolver.user", '\tuser = "%d"' % RESOLVER_USER)):
        with bench.case("conf: unknown %s" % key):
            if not bench.net.may_change_user:
                raise Skip("not root: nobody's user is changed")
            relay = bench.relay("no-" + key, changes=[
                (old, old[:old.index("u")] + 'user = "nosuchuser"')])
            one_line(tried(relay), 2, relay.conf,
                     "user", "nosuchuser")


def certificates(bench):
    for section in ("sts", "tls"):
        with bench.case("conf: %s.ca_file is missing" % section):
            relay = bench.relay("no-ca-" + section)
            edit(relay, '%s {\n\tca_file = "%s"' % (
                section, bench.net.certs.ca_file()),
                '%s {\n\tca_file = "%s" #!' % (section, MISSING))
            one_line(tried(relay), 2, "%s:%d: %s" % (
                relay.conf, marked_line(relay.conf), section + ".ca_file"),
                MISSING)
    with bench.case("conf: tls.ca_file holds no certificate"):
        relay = bench.relay("bad-ca")
        path = os.path.join(relay.base, "ca.pem")
        with open(path, "w") as out:
            out.write("no certificate\n")
        edit(relay, 'tls {\n\tca_file = "%s"' % bench.net.certs.ca_file(),
             'tls {\n\tca_file = "%s" #!' % path)
        ends_once(relay, path)
    with bench.case("conf: the relay's user may not read tls.ca_file"):
        if not bench.net.may_change_user:
            raise Skip("not root: nobody's user is changed")
        relay = bench.relay("secret-ca")
        path = os.path.join(relay.base, "ca.pem")
        shutil.copy(bench.net.certs.ca_file(), path)
        os.chmod(path, 0o600)
        edit(relay, 'tls {\n\tca_file = "%s"' % bench.net.certs.ca_file(),
             'tls {\n\tca_file = "%s" #!' % path)
        ends_once(relay, path)


def ends_once(relay, path):
    """It ends by itself, and says why once and clearly."""
    status, lines = tried(relay)
    same(status, 2, "exit status, with %r" % lines)
    named = [line for line in lines if path in line]
    same(len(named), 1, "lines that name the file, of %r" % lines)


def ports(bench, relay):
    with bench.case("port in use by another program"):
        other = bench.relay("port-taken")
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", other.port))
            sock.listen()
            one_line(tried(other), 3,
                     "127.0.0.1:%d" % other.port, "in use")
    with bench.case("port in use by a second waxseald"):
        other = bench.relay("second")
        edit(other, ":%d" % other.port, ":%d" % relay.port)
        one_line(tried(other), 3,
                 "127.0.0.1:%d" % relay.port, "in use")
        bench.passes(relay)
    with bench.case("control socket in use"):
        other = bench.relay("control-taken")
        edit(other, other.control, relay.control)
        one_line(tried(other), 3, relay.control,
                 "in use")
        same(relay.cli("status").returncode, 0, "status of the first")
    with bench.case("a listener's address that is not ours"):
        other = bench.relay("not-ours")
        edit(other, "127.0.0.1:%d" % other.port, "11.9.9.9:25")
        one_line(tried(other), 3, "11.9.9.9:25")


def locks(bench, relay):
    with bench.case("second instance on the same state_dir"):
        other = bench.relay("same-state")
        edit(other, other.state, relay.state)
        one_line(tried(other), 3, relay.state,
                 str(relay.pid))
        bench.passes(relay)


def killed(bench):
    with bench.case("kill -9 of the parent: the next one waits for its "
                    "relay and takes over"):
        relay = bench.relay("heir", conf_extra="timeouts {\n"
                            "\tfinal = 60s\n}\n").start()
        held = bench.send(relay, "x@held.lab")
        relay.wait_for("delivery", to="x@held.lab")
        # The old relay has this one in work, and so a reason to stay.
        last = bench.send(relay, "x@final.lab")
        bench.arrived(last)
        relay.kill()
        relay.start()
        bench.passes(relay)
        bench.queue_is(relay, ["x@final.lab", "x@held.lab"])
        bench.nowhere(held)
        end(relay)


def folders(bench):
    with bench.case("state_dir's parent is missing"):
        relay = bench.relay("no-parent")
        edit(relay, relay.state, "/nonexistent/state")
        one_line(tried(relay), 3, "/nonexistent/state",
                 "directory above it")
    with bench.case("state_dir is a file"):
        relay = bench.relay("file-state")
        os.rmdir(relay.state)
        with open(relay.state, "w"):
            pass
        one_line(tried(relay), 3, relay.state)
    with bench.case("state_dir is mounted read-only"):
        relay = bench.relay("ro-state")
        mount_tmpfs(relay.state, "ro")
        one_line(tried(relay), 3, relay.state,
                 "read-only")
    with bench.case("the control socket's folder is missing"):
        relay = bench.relay("no-control")
        edit(relay, relay.control, "/nonexistent/control")
        one_line(tried(relay), 3,
                 "/nonexistent/control")
    with bench.case("state_dir on a file system where WAL is unsafe"):
        if not bench.net.may_change_user:
            raise Skip("not root: test_state_dir looks at the numbers")
        relay = bench.relay("nfs-state")
        env = unsafe_files(relay)
        one_line(waxseald(bench, "-c", relay.conf, env=env), 3, relay.state,
                 "nfs", "not safe")
        same(os.listdir(relay.state), [], "state_dir")


def unsafe_files(relay):
    """No network file system can be mounted here, so statfs(2) says that it
    is one."""
    source = os.path.join(relay.base, "shim.c")
    shim = os.path.join(relay.base, "shim.so")
    with open(source, "w") as out:
        out.write(SHIM)
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        raise Skip("no compiler; test_state_dir looks at the numbers")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", shim, source, "-ldl"],
                   check=True)
    return dict(os.environ, LD_PRELOAD=shim, ASAN_OPTIONS=":".join(
        [os.environ.get("ASAN_OPTIONS", ""), "verify_asan_link_order=0",
         "detect_leaks=0"]))


def permissions(bench):
    with bench.case("state_dir belongs to somebody else"):
        if not bench.net.may_change_user:
            raise Skip("not root: cannot give a folder away")
        relay = bench.relay("foreign-state")
        os.chown(relay.state, 1234, 1234)
        one_line(tried(relay), 3, relay.state, "1234")
    with bench.case("others may write to state_dir"):
        relay = bench.relay("open-state")
        os.chmod(relay.state, 0o777)
        one_line(tried(relay), 3, relay.state, "chmod")
    with bench.case("no permission for state_dir"):
        if not bench.net.may_change_user:
            raise Skip("not root: cannot become another user")
        relay = bench.relay("locked-state")
        os.chmod(relay.state, 0o700)
        one_line(waxseald(bench, "-c", relay.conf, user=1234, group=1234,
                          extra_groups=[]), 3, relay.state, "owner")
    with bench.case("no permission for a port below 1024"):
        if not bench.net.may_change_user:
            raise Skip("not root: cannot become another user")
        relay = bench.relay("low-port")
        edit(relay, "127.0.0.1:%d" % relay.port, "127.0.0.1:587")
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start") as file:
            if int(file.read()) <= 587:
                raise Skip("here everybody may have this port")
        for path in (relay.base, relay.state):
            os.chmod(path, 0o700)
            os.chown(path, 1234, 1234)
        one_line(waxseald(bench, "-c", relay.conf, user=1234, group=1234,
                          extra_groups=[]), 3, "127.0.0.1:587")
