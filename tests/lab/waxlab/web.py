"""nginx with the MTA-STS policies (RFC 8461 3.2), a server per domain.

Two processes: policies with web="dying" are on an address of their own whose
server a test can stop. web="down" is an address on which nobody listens.
"""

import os
from typing import NamedTuple

from . import world as w
from .ns import Process, tool, wait_until

WELL_KNOWN = "/.well-known/mta-sts.txt"

HEAD = """\
daemon off;
master_process off;
user root root;
pid %(base)s/pid;
error_log stderr notice;
events { worker_connections 512; }
http {
  log_format lab "$host $ssl_server_name $status $request_uri";
  access_log %(base)s/access.log lab;
  types { }
  default_type text/plain;
  server_tokens off;
  client_body_temp_path %(base)s/body;
  proxy_temp_path %(base)s/proxy;
  fastcgi_temp_path %(base)s/fastcgi;
  uwsgi_temp_path %(base)s/uwsgi;
  scgi_temp_path %(base)s/scgi;
  server_names_hash_bucket_size 128;
"""

SERVER = """\
  server {
%(listen)s
    server_name %(host)s;
    ssl_certificate %(chain)s;
    ssl_certificate_key %(chain)s;
    location = /.well-known/mta-sts.txt { %(location)s }
    location / { return 404; }
  }
"""


class Request(NamedTuple):
    """One request. sni: the name that was asked for in TLS."""
    status: int
    path: str
    sni: str


class Web:
    """Both web servers."""

    def __init__(self, lab_world, certs, folder, servers, network):
        self.world = lab_world
        self.certs = certs
        self.folder = folder
        self.servers = servers
        self.network = network
        self.processes = {}
        os.makedirs(folder)

    def start(self):
        for web, addresses in (("up", w.WEB), ("dying", w.WEB_DYING)):
            policies = [p for p in self.world.policies.values()
                        if p.web == web]
            if policies:
                self._start(web, addresses, policies)

    def _start(self, web, addresses, policies):
        base = os.path.join(self.folder, web)
        os.makedirs(base)
        text = HEAD % {"base": base}
        listen = "\n".join("    listen %s:443 ssl;"
                           % ("[%s]" % a if ":" in a else a)
                           for a in addresses)
        for policy in policies:
            host = "mta-sts." + policy.domain
            self.write(policy.domain, policy.body)
            text += SERVER % {
                "listen": listen, "host": host,
                "location": (policy.location or "alias %(body)s;") % {
                    "body": self._body_path(policy)},
                "chain": self.certs.make(host, policy.cert, host)}
        conf = os.path.join(base, "nginx.conf")
        with open(conf, "w") as out:
            out.write(text + "}\n")
        self.processes[web] = Process(
            "nginx-" + web,
            [tool("nginx", self.servers), "-p", base, "-c", conf, "-e",
             "stderr"],
            os.path.join(base, "log"), self.network)

    def wait(self):
        for process in self.processes.values():
            wait_until(lambda p=process: "using the" in p.tail(50), 20,
                       process.name, process)

    def _body_path(self, policy):
        return os.path.join(self.folder, policy.web, policy.domain + ".txt")

    def write(self, domain, body):
        """Another text for a policy; its TXT record stays as it is."""
        path = self._body_path(self.world.policies[domain])
        with open(path + ".new", "w", newline="") as out:
            out.write(body)
        os.rename(path + ".new", path)

    def requests(self, domain):
        """Each Request to the policy host, in order; they are written when
        they end."""
        path = os.path.join(self.folder, self.world.policies[domain].web,
                            "access.log")
        try:
            with open(path) as file:
                lines = [line.split(None, 3) for line in file]
        except FileNotFoundError:
            return []
        return [Request(int(x[2]), x[3].strip(), x[1]) for x in lines
                if len(x) == 4 and x[0] == "mta-sts." + domain]

    def fetches(self, domain):
        """How many times a policy was asked for with success."""
        return sum((r.status, r.path) == (200, WELL_KNOWN)
                   for r in self.requests(domain))
