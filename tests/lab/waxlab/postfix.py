"""Real Postfix as receiving MX: one instance, one smtpd service per host.

Each MX host is a service on a loopback port of its own with its own name,
certificate and TLS level; the recorder passes connections on to it. What is
accepted goes into a Maildir per recipient domain. Postfix insists on users
of its own: they exist in copies of /etc/passwd and /etc/group which are
mounted over the system's, in the lab's mount namespace only.
"""

import os
import shutil

from .ns import LabError, Process, bind_mount, tool, wait_until

USER, GROUP, DROP = 65521, 65521, 65522
MAIL_USER = 65523

MAIN = """\
compatibility_level = 3.6
maillog_file = %(base)s/maillog
maillog_file_prefixes = %(base)s
queue_directory = %(base)s/queue
data_directory = %(base)s/data
daemon_directory = %(root)s/usr/lib/postfix/sbin
command_directory = %(root)s/usr/sbin
meta_directory = %(base)s/conf
shlib_directory = %(root)s/usr/lib/postfix
mail_owner = waxpostfix
setgid_group = waxpostdrop
default_privs = nobody
import_environment = MAIL_CONFIG LD_LIBRARY_PATH TZ LANG=C
myhostname = postfix.lab
mydomain = lab
mynetworks = 127.0.0.0/8
inet_interfaces = all
inet_protocols = ipv4
smtpd_peername_lookup = no
default_database_type = texthash
alias_maps =
alias_database =
local_recipient_maps =
mydestination =
relay_domains =
virtual_mailbox_domains = static:all
virtual_mailbox_base = %(mail)s
virtual_mailbox_maps = texthash:%(base)s/conf/mailboxes
virtual_uid_maps = static:%(uid)d
virtual_gid_maps = static:%(uid)d
virtual_mailbox_limit = 0
virtual_destination_concurrency_limit = 20
message_size_limit = 0
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions =
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_tls_received_header = yes
smtpd_tls_loglevel = 1
smtpd_tls_session_cache_database =
smtpd_timeout = 600s
notify_classes =
default_process_limit = 100
"""

SERVICES = """\
postlog unix-dgram n - n - 1 postlogd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
"""

QUEUE = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold",
         "incoming", "private", "saved", "trace")


def usable():
    """Can Postfix change to users of its own here? In a user namespace that
    maps us alone it cannot."""
    with open("/proc/self/uid_map") as file:
        spans = [[int(x) for x in line.split()] for line in file]
    return any(inside <= MAIL_USER < inside + count
               for inside, _, count in spans)


class Postfix:
    """Configuration and the master process."""

    def __init__(self, folder, mail, servers, network, domains):
        self.base = folder
        self.domains = domains
        self.mail = mail
        self.network = network
        self.servers = servers
        self.services = []
        self.process = None

    def add(self, name, port, tls, chain, options=()):
        """One receiving MX. tls: smtpd_tls_security_level."""
        options = list(options) + [
            "myhostname=" + name, "smtpd_tls_security_level=" + tls]
        if chain:
            options.append("smtpd_tls_chain_files=" + chain)
        lines = ["127.0.0.1:%d inet n - n - - smtpd" % port]
        lines += ["  -o " + option for option in options]
        self.services.append("\n".join(lines))

    def _folders(self):
        for name in ("conf", "data", "queue"):
            os.makedirs(os.path.join(self.base, name))
        os.chown(os.path.join(self.base, "data"), USER, GROUP)
        queue = os.path.join(self.base, "queue")
        for name in QUEUE:
            os.mkdir(os.path.join(queue, name), 0o700)
            os.chown(os.path.join(queue, name), USER, -1)
        for name, mode in (("public", 0o710), ("maildrop", 0o730)):
            os.mkdir(os.path.join(queue, name))
            os.chown(os.path.join(queue, name), USER, DROP)
            os.chmod(os.path.join(queue, name), mode)
        os.mkdir(os.path.join(queue, "pid"))
        os.chown(self.mail, MAIL_USER, MAIL_USER)

    def _users(self):
        for name, lines in (
                ("passwd",
                 "waxpostfix:x:%d:%d::/nonexistent:/bin/false\n"
                 % (USER, GROUP)),
                ("group", "waxpostfix:x:%d:\nwaxpostdrop:x:%d:\n"
                 % (GROUP, DROP))):
            copy = os.path.join(self.base, name)
            shutil.copyfile("/etc/" + name, copy)
            with open(copy, "a") as out:
                out.write(lines)
            os.chmod(copy, 0o644)
            bind_mount(copy, "/etc/" + name)

    def start(self):
        """Begin; wait() says when it is there."""
        if not self.servers:
            raise LabError("Postfix needs the unpacked servers")
        self._folders()
        self._users()
        conf = os.path.join(self.base, "conf")
        with open(conf + "/main.cf", "w") as out:
            out.write(MAIN % {"base": self.base, "mail": self.mail,
                              "root": os.path.join(self.servers, "root"),
                              "uid": MAIL_USER})
        with open(conf + "/master.cf", "w") as out:
            out.write(SERVICES + "\n".join(self.services) + "\n")
        with open(conf + "/mailboxes", "w") as out:
            out.writelines("@%s %s/\n" % (d, d) for d in self.domains)
        self.process = Process(
            "postfix", [tool("postfix-master", self.servers), "-c", conf,
                        "-d"],
            os.path.join(self.base, "log"), self.network)

    def wait(self):
        path = os.path.join(self.base, "maillog")

        def started():
            try:
                with open(path) as file:
                    return "daemon started" in file.read()
            except FileNotFoundError:
                return False
        wait_until(started, 30, "Postfix", self.process)
