#!/usr/bin/env python3
"""HTTPS servers for test_http: one listener a certificate, the path says how
to behave. Usage: https_server.py FOLDER; prints "NAME PORT" lines, then
"ready"; ends when its standard input does."""

import itertools
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
import warnings

HOST = "mta-sts.a.example"
CONFIG = """\
[req]
distinguished_name = dn
prompt = no
[dn]
[ca_ext]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
[ca]
default_ca = main
[main]
database = %(dir)s/index.txt
new_certs_dir = %(dir)s
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
"""

# name: (authority, common name, names, first and last day)
CERTS = {
    "good": ("ca", "policy host", HOST, None),
    "cn-only": ("ca", HOST, None, None),
    "wrong": ("ca", "policy host", "other.example", None),
    "wild": ("ca", "policy host", "*.a.example", None),
    "partial": ("ca", "policy host", "mta*.a.example", None),
    "expired": ("ca", "policy host", HOST,
                ("20200101000000Z", "20210101000000Z")),
    "future": ("ca", "policy host", HOST,
               ("20900101000000Z", "20910101000000Z")),
    "untrusted": ("ca2", "policy host", HOST, None),
    "two-levels": ("ca", "policy host", "*.example", None),
    "star-alone": ("ca", "policy host", "*", None),
    "inner-star": ("ca", "policy host", "mta-sts.*.example", None),
    "parent": ("ca", "policy host", "a.example", None),
    "cn-and-ip": ("ca", HOST, "IP:127.0.0.1", None),
    "cn-and-other": ("ca", HOST, "other.example", None),
}


def openssl(*args):
    subprocess.run(("openssl",) + args, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make_key(path):
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-out", path)


def make_certs(folder):
    config = os.path.join(folder, "openssl.cnf")
    with open(config, "w") as out:
        out.write(CONFIG % {"dir": folder})
    open(os.path.join(folder, "index.txt"), "w").close()
    for name in ("ca", "ca2"):
        base = os.path.join(folder, name)
        make_key(base + ".key")
        openssl("req", "-x509", "-new", "-config", config, "-extensions",
                "ca_ext", "-key", base + ".key", "-subj", "/CN=" + name,
                "-days", "30", "-out", base + ".pem")
    for name, (authority, common, names, days) in CERTS.items():
        base = os.path.join(folder, name)
        ca = os.path.join(folder, authority)
        make_key(base + ".key")
        args = ["req", "-new", "-config", config, "-key", base + ".key",
                "-subj", "/CN=" + common, "-out", base + ".csr"]
        if names:
            kind = "" if ":" in names else "DNS:"
            args += ["-addext", f"subjectAltName={kind}{names}"]
        openssl(*args)
        args = ["ca", "-batch", "-notext", "-config", config, "-cert",
                ca + ".pem", "-keyfile", ca + ".key", "-in", base + ".csr",
                "-out", base + ".pem"]
        args += (["-startdate", days[0], "-enddate", days[1]] if days
                 else ["-days", "30"])
        openssl(*args)


def plain(body, status="200 OK", more=""):
    return (f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\n{more}"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


CHUNKED = (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
           b"Transfer-Encoding: chunked\r\n\r\n")
ANSWERS = {
    "/ok": plain(b"hello"),
    "/empty": plain(b""),
    "/full": plain(b"x" * 65536),
    "/big": plain(b"x" * 65537),
    "/204": b"HTTP/1.1 204 No Content\r\n\r\n",
    "/404": plain(b"hello", "404 Not Found"),
    "/redirect": plain(b"", "302 Found",
                       f"Location: https://{HOST}/ok\r\n"),
    "/type": b"HTTP/1.1 200 OK\r\nContent-Type: Text/PLAIN ; charset=x\r\n"
             b"Content-Length: 2\r\n\r\nhi",
    "/no-type": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    "/chunked": CHUNKED + chunk(b"hel") + chunk(b"lo") + b"0\r\n\r\n",
    "/big-chunks": CHUNKED + chunk(b"x" * 8192) * 9 + b"0\r\n\r\n",
    "/cut-chunks": CHUNKED + chunk(b"hel"),
    "/short": b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
              b"Content-Length: 100\r\n\r\nhello",
    "/gzip": plain(b"not gzip", "200 OK", "Content-Encoding: gzip\r\n"),
    "/cookie": plain(b"hello", "200 OK", "Set-Cookie: a=b\r\n"),
    "/headers": b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"y" * 1000 + b"\r\n"
                + b"".join(b"X-%d: %s\r\n" % (i, b"z" * 1000)
                           for i in range(100)),
    # HTTP-01: two lengths that agree, that do not, and none that counts.
    "/same-lengths": plain(b"hello", more="Content-Length: 5\r\n"),
    "/two-lengths": plain(b"hello, world", more="Content-Length: 5\r\n"),
    "/length-list": b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                    b"Content-Length: 5, 12\r\n\r\nhello, world",
    "/length-sign": b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                    b"Content-Length: +5\r\n\r\nhello",
    "/length-minus": b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                     b"Content-Length: -1\r\n\r\nhello",
    "/length-and-chunks": b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                          b"Content-Length: 2\r\n"
                          b"Transfer-Encoding: chunked\r\n\r\n"
                          + chunk(b"hello") + b"0\r\n\r\n",
    "/until-close": b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"
                    b"hello",
    # HTTP-03: 1xx is no answer.
    "/early": b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
              + plain(b"hello"),
    "/early-only": b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n",
    "/early-flood": b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" * 4000
                    + plain(b"hello"),
    "/301": plain(b"hello", "301 Moved Permanently",
                  f"Location: https://{HOST}/ok\r\n"),
    "/307": plain(b"hello", "307 Temporary Redirect", "Location: /ok\r\n"),
    "/refresh": plain(b"hello", more="Refresh: 0; url=/404\r\n"),
    "/401": plain(b"hello", "401 Unauthorized",
                  'WWW-Authenticate: Basic realm="x"\r\n'),
    "/500": plain(b"hello", "500 Internal Server Error"),
    "/nonsense": b"220 smtp.example ESMTP\r\n",
}


COUNT = itertools.count(1)


def answer(conn):
    head = b""
    while b"\r\n\r\n" not in head:
        data = conn.recv(4096)
        if not data:
            return
        head += data
    path = head.split()[1].decode()
    if path == "/request":
        conn.sendall(plain(head))
    elif path == "/count":  # which answer of this kind it is, to be kept long
        conn.sendall(plain(b"%d" % next(COUNT), more="ETag: x\r\n"
                           "Cache-Control: max-age=99999\r\n"))
    elif path == "/sni":
        conn.sendall(plain(conn.asked.encode()))
    elif path == "/hang":
        conn.recv(1)
    elif path == "/drip":
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                     b"Content-Length: 100\r\n\r\n")
        for _ in range(100):
            conn.sendall(b"x")
            time.sleep(0.05)
    else:
        conn.sendall(ANSWERS[path])


def serve_one(raw, context):
    try:
        with context.wrap_socket(raw, server_side=True) as conn:
            answer(conn)
    except OSError:
        pass
    finally:
        raw.close()


def serve(listener, context):
    while True:
        raw, _ = listener.accept()
        threading.Thread(target=serve_one, args=(raw, context),
                         daemon=True).start()


class AskedSocket(ssl.SSLSocket):
    asked = "none"  # name that the client asked for


def note_name(conn, name, _context):
    conn.asked = name or "none"


def listen(name, folder, cert, most=None):
    warnings.simplefilter("ignore")  # of the old versions
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if most:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = most
    base = os.path.join(folder, cert)
    context.sslsocket_class = AskedSocket
    context.sni_callback = note_name
    context.load_cert_chain(base + ".pem", base + ".key")
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    threading.Thread(target=serve, args=(listener, context),
                     daemon=True).start()
    print(name, listener.getsockname()[1], flush=True)


def main():
    folder = sys.argv[1]
    make_certs(folder)
    for name in CERTS:
        listen(name, folder, name)
    listen("old-tls", folder, "good", ssl.TLSVersion.TLSv1_1)
    listen("tls-1.2", folder, "good", ssl.TLSVersion.TLSv1_2)
    # Listens and never answers, and a port that nobody listens on.
    silent = socket.create_server(("127.0.0.1", 0), backlog=64)
    print("silent", silent.getsockname()[1], flush=True)
    with socket.create_server(("127.0.0.1", 0)) as gone:
        print("closed", gone.getsockname()[1], flush=True)
    print("ready", 0, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
