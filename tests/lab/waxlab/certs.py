"""Certificates of the lab, made with the openssl command.

Three authorities: webpki (given to the relay as its CA file), untrusted, and
dane-ta (named by TLSA usage 2 only). A certificate's file holds the key, the
leaf and, except for self-signed ones, the authority's certificate: the form
which Postfix (smtpd_tls_chain_files), nginx and Python all read.
"""

import base64
import hashlib
import os
import re
import subprocess
import threading

from .ns import LabError, tool

AUTHORITIES = ("webpki", "untrusted", "dane-ta")

CONFIG = """\
[req]
distinguished_name = dn
prompt = no
[dn]
[ca_ext]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[leaf_ext]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
[ca]
default_ca = past
[past]
database = %(dir)s/index.txt
new_certs_dir = %(dir)s
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
x509_extensions = leaf_ext
copy_extensions = copy
[any]
commonName = supplied
"""


class Certs:
    """Makes and remembers certificates, one file each."""

    def __init__(self, folder, servers):
        self.folder = folder
        self.openssl = tool("openssl", servers)
        os.makedirs(folder)
        self.config = os.path.join(folder, "openssl.cnf")
        with open(self.config, "w") as out:
            out.write(CONFIG % {"dir": folder})
        open(os.path.join(folder, "index.txt"), "w").close()
        self._database = threading.Lock()
        self._authorities = {name: self._authority(name)
                             for name in AUTHORITIES}

    def _run(self, *args):
        done = subprocess.run([self.openssl] + list(args), text=True,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              env=dict(os.environ, OPENSSL_CONF=self.config))
        if done.returncode != 0:
            raise LabError("openssl %s: %s" % (args[0], done.stderr.strip()))
        return done.stdout

    def _path(self, name, suffix):
        return os.path.join(self.folder, name + suffix)

    def _new_key(self):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-noenc"]

    def _authority(self, name):
        cert, key = self._path("ca-" + name, ".pem"), self._path(
            "ca-" + name, ".key")
        self._run("req", "-x509", "-config", self.config, *self._new_key(),
                  "-keyout", key, "-out", cert, "-days", "30",
                  "-subj", "/CN=Lab %s authority" % name,
                  "-extensions", "ca_ext")
        return cert, key

    def ca_file(self, name="webpki"):
        """The authority's certificate, PEM."""
        return self._authorities[name][0]

    def make(self, name, spec, host):
        """Make the certificate that spec (world.Cert) describes for host
        and return the path of its chain file."""
        chain = self._path(name, ".chain")
        cert, key = self._path(name, ".pem"), self._path(name, ".key")
        names = spec.names or (host,)
        subject = ["-subj", "/CN=" + names[0]]
        if not spec.cn_only:
            subject += ["-addext", "subjectAltName=" + ",".join(
                "DNS:" + n for n in names)]
        req = ["req", "-config", self.config, *self._new_key(),
               "-keyout", key, *subject]
        issuer = []
        if spec.issuer != "self":
            issuer = list(self._authorities[spec.issuer])
        if spec.expired:
            if not issuer:
                raise LabError("an expired certificate needs an authority")
            self._expired(req, cert, issuer)
        else:
            sign = ["-x509", "-days", "20", "-extensions", "leaf_ext"]
            if issuer:
                sign += ["-CA", issuer[0], "-CAkey", issuer[1]]
            self._run(*req, *sign, "-out", cert)
        with open(chain, "w") as out:
            for part in [key, cert] + ([] if spec.bare else issuer[:1]):
                with open(part) as file:
                    out.write(pem_only(file.read()))
        return chain

    def _expired(self, req, cert, issuer):
        request = cert + ".req"
        self._run(*req, "-out", request)
        with self._database:
            self._run("ca", "-batch", "-notext", "-config", self.config,
                      "-in", request, "-out", cert, "-cert", issuer[0],
                      "-keyfile", issuer[1], "-startdate", "20200101000000Z",
                      "-enddate", "20210101000000Z")

    def association(self, pem, selector, matching):
        """TLSA data (RFC 6698 2.1) of the first certificate in pem."""
        if selector == "1":
            text = self._run("x509", "-in", pem, "-noout", "-pubkey")
        else:
            text = self._run("x509", "-in", pem)
        der = base64.b64decode(re.sub(r"-----[^-]*-----|\s", "", text))
        if matching == "0":
            return der.hex()
        kind = {"1": hashlib.sha256, "2": hashlib.sha512}[matching]
        return kind(der).hexdigest()

    def tlsa(self, host, spec, params, what):
        """The text of one TLSA record for a host's certificate."""
        usage, selector, matching = params.split()
        if what not in ("match", "mismatch"):
            return "%s %s" % (params, what)
        pem = self._path(host, ".pem")
        if usage in ("0", "2") and spec.issuer != "self":
            pem = self.ca_file(spec.issuer)
        data = self.association(pem, selector, matching)
        if what == "mismatch":
            data = "%02x" % (int(data[:2], 16) ^ 0xff) + data[2:]
        return "%s %s" % (params, data)


def pem_only(text):
    """The PEM blocks of a file, without the text around them."""
    blocks = re.findall(r"-----BEGIN .*?-----END [A-Z ]+-----\n", text,
                        re.DOTALL)
    return "".join(blocks)
