"""The database: locked, damaged, newer, not ours to write, on a full disk."""

import os
import sqlite3

from cases import Client, end, edit, must, same
from waxlab.ns import wait_until

MEGA = 1 << 20

HELD = ["x%d@held.lab" % number for number in range(4)]


def run(bench):
    at_start(bench)
    at_run_time(bench)
    low_disk(bench)
    full_disk(bench)


def database(relay):
    return os.path.join(relay.state, "queue.db")


def contents(relay):
    with open(database(relay), "rb") as file:
        return file.read()


def unusable(bench, relay, *words):
    """Started on a database that it can't use: it says so, once and clearly,
    and sends clients away with 421 4.3.0."""
    relay.start(wait=0)
    event = relay.wait_for("store-unusable", run=relay.run)[0]
    for word in (database(relay),) + words:
        must(word in event["text"], "no %r in %r", word, event["text"])
    for _ in range(3):
        bench.refused(relay, ["421 4.3.0"])
    status = relay.cli("status")
    same(status.returncode, 3, "exit status of waxseal status")
    must(event["text"].split(";")[0] in status.stderr,
         "waxseal status says %r", status.stderr)
    same(len(relay.events("store-unusable", run=relay.run)), 1,
         "times it was said")


def filled(bench, name, **options):
    """A relay that was stopped with a message and some bulk in its queue."""
    relay = bench.relay(name, **options).start()
    bench.send(relay, HELD, text=b"Subject: bulk\r\n\r\nTOKEN\r\n" +
               (b"y" * 76 + b"\r\n") * 600)
    relay.wait_for("delivery", domain="held.lab", count=len(HELD))
    end(relay)
    return relay


def goes_on(bench, relay):
    relay.wait_for("store-usable", run=relay.run)
    relay.wait_for("ready", run=relay.run)
    works(bench, relay)


def works(bench, relay):
    bench.passes(relay)
    bench.queue_is(relay, HELD)


def at_start(bench):
    relay = filled(bench, "store")
    good = contents(relay)

    def restore():
        with open(database(relay), "r+b") as file:
            file.write(good)
            file.truncate()

    def spoil(at, data):
        with open(database(relay), "r+b") as file:
            file.seek(at)
            file.write(data)

    with bench.case("store: locked by another program at start; goes on when "
                    "the lock is gone", relay):
        other = sqlite3.connect(database(relay), isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        unusable(bench, relay, "locked")
        other.execute("ROLLBACK")
        other.close()
        goes_on(bench, relay)
        end(relay)
        good = contents(relay)
    for name, at, data in (
            ("its first page is garbage", 0, os.urandom(4096)),
            ("its tables are garbage", 8192, os.urandom(8 * 4096)),
            ("it is a text file", 0, b"this is no database\n" * 300)):
        with bench.case("store: damaged at start: %s" % name, relay):
            spoil(at, data)
            bad = contents(relay)
            unusable(bench, relay, "damaged")
            end(relay)
            must(contents(relay) == bad, "the damaged file was changed")
            restore()
            relay.start()
            works(bench, relay)
            end(relay)
            good = contents(relay)
    with bench.case("store: the file is cut short", relay):
        with open(database(relay), "r+b") as file:
            file.truncate(len(good) // 2)
        unusable(bench, relay, "damaged")
        end(relay)
        same(len(contents(relay)), len(good) // 2, "size of the file")
        restore()
    with bench.case("store: a newer schema is refused, and left alone", relay):
        version = pragma(relay, "user_version", 9999)
        bad = contents(relay)
        unusable(bench, relay, "newer")
        end(relay)
        must(contents(relay) == bad, "the file was changed")
        pragma(relay, "user_version", version)
        relay.start()
        works(bench, relay)
        end(relay)
    with bench.case("store: a database of another program is left alone", relay):
        pragma(relay, "application_id", 4711)
        bad = contents(relay)
        unusable(bench, relay)
        end(relay)
        must(contents(relay) == bad, "the file was changed")
        pragma(relay, "application_id", 0x5758534c)
    with bench.case("store: no permission for the file", relay):
        owner = os.stat(database(relay))
        os.chmod(database(relay), 0)
        if bench.net.may_change_user:
            os.chown(database(relay), 0, 0)
        unusable(bench, relay)
        os.chmod(database(relay), 0o600)
        if bench.net.may_change_user:
            os.chown(database(relay), owner.st_uid, owner.st_gid)
        goes_on(bench, relay)
        end(relay)
    with bench.case("store: SIGTERM while it waits for the database", relay):
        version = pragma(relay, "user_version", 9999)
        relay.start(wait=0)
        relay.wait_for("store-unusable", run=relay.run)
        end(relay)


def pragma(relay, name, value):
    """Sets it, gives what it was."""
    other = sqlite3.connect(database(relay), isolation_level=None)
    was = other.execute("PRAGMA %s" % name).fetchone()[0]
    other.execute("PRAGMA %s = %d" % (name, value))
    other.close()
    return was


def at_run_time(bench):
    relay = bench.relay("store-run").start()
    with bench.case("store: locked at run time: 4.3.x, and it recovers"):
        bench.passes(relay)
        other = sqlite3.connect(database(relay), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        for _ in range(2):
            bench.refused(relay, ["451 4.3."])
        status = relay.cli("status")
        same(status.returncode, 1, "exit status of waxseal status")
        must("locked" in status.stdout, "status says %r", status.stdout)
        other.execute("ROLLBACK")
        other.close()
        bench.passes(relay)
        same(relay.cli("status").returncode, 0, "exit status afterwards")
    with bench.case("store: locked while a delivery ends: it is sent once"):
        other = sqlite3.connect(database(relay), isolation_level=None)
        bench.net.redirect("mx.good.lab", None)
        mark = bench.send(relay, "once@good.lab")
        relay.wait_for("delivery", to="once@good.lab", status="deferred")
        other.execute("BEGIN IMMEDIATE")
        open_again(bench, "mx.good.lab")
        bench.arrived(mark)
        other.execute("ROLLBACK")
        other.close()
        relay.wait_for("delivery", to="once@good.lab", status="sent")
        bench.passes(relay)
        same(len(bench.net.delivered(mark)), 1, "copies")
        end(relay)
    with bench.case("store: damaged at run time: what gets a 250 arrives, "
                    "the rest gets 4.3.x"):
        relay = filled(bench, "store-hurt")
        relay.start()
        with open(database(relay), "r+b") as file:
            for at in range(4096, len(contents(relay)), 4096):
                file.seek(at)
                file.write(os.urandom(4096))
        child = relay.child("waxseal-relay")
        for number in range(5):
            rcpt = "hurt%d@good.lab" % number
            with Client(("127.0.0.1", relay.port)) as client:
                client.start()
                client.envelope("alice@sender.lab", [rcpt])
                mark = bench.token()
                got = client.ask(b"Subject: x\r\n\r\n%s\r\n." % mark.encode())
            if got.startswith("250"):
                bench.arrived(mark)
            else:
                must(got.startswith("451 4.3."), "reply %r", got)
        same(relay.child("waxseal-relay"), child, "the relay's process")
        relay.stop()
        same(relay.complaints(), [], "complaints")


def open_again(bench, host):
    bench.net.redirect(host, bench.net.world.mx_hosts[host].port)


def free(relay):
    stat = os.statvfs(relay.state)
    return stat.f_bavail * stat.f_frsize


def ballast(relay):
    return os.path.join(relay.state, "ballast")


def fill(relay, leave):
    """Fill the disk but for so many bytes."""
    with open(ballast(relay), "ab", buffering=0) as file:
        while free(relay) > leave:
            try:
                file.write(b"\0" * max(1, min(65536, free(relay) - leave)))
            except OSError:
                break


def empty(relay):
    os.unlink(ballast(relay))


def low_disk(bench):
    relay = bench.relay("disk-low", tmpfs=24 * MEGA, changes=[
        ("lifetime = 5d", "lifetime = 5d\n\tmin_free = 4M")])
    relay.start()
    with bench.case("disk: below min_free: 452 4.3.1, accepted mail goes "
                    "out, and it recovers"):
        bench.passes(relay)
        bench.net.redirect("mx.good.lab", None)
        mark = bench.send(relay, "low@good.lab")
        relay.wait_for("delivery", to="low@good.lab", status="deferred")
        fill(relay, 2 * MEGA)
        for _ in range(2):
            bench.refused(relay, ["452 4.3.1"])
        same(relay.cli("status").returncode, 1, "exit status of status")
        open_again(bench, "mx.good.lab")
        bench.arrived(mark)
        relay.wait_for("delivery", to="low@good.lab", status="sent")
        empty(relay)
        bench.passes(relay)
        same(relay.cli("status").returncode, 0, "exit status afterwards")
    with bench.case("disk: a message larger than the room that is left"):
        edit(relay, "min_free = 4M", "min_free = 64k")
        end(relay)
        relay.start()
        fill(relay, MEGA)
        text = b"Subject: big\r\n\r\n" + (b"x" * 998 + b"\r\n") * 3000
        with Client(("127.0.0.1", relay.port)) as client:
            client.start()
            client.envelope("alice@sender.lab", ["big@good.lab"])
            got = client.ask(text + b".")
            must(got.startswith(("452 4.3.1", "451 4.3.")), "reply %r", got)
            client.want(b"NOOP", "250")
        same(spooled(relay), [], "files in spool/")
        bench.passes(relay)
        empty(relay)
        bench.passes(relay)
        end(relay)


def spooled(relay):
    folder = os.path.join(relay.state, "spool")
    return os.listdir(folder) if os.path.isdir(folder) else []


def full_disk(bench):
    relay = bench.relay("disk-full", tmpfs=12 * MEGA, changes=[
        ("lifetime = 5d", "lifetime = 5d\n\tmin_free = 0")])
    relay.start()
    accepted = []
    with bench.case("disk: full to the last byte: 4.3.x, nothing is lost, "
                    "and it recovers"):
        bench.passes(relay)
        bench.net.redirect("mx.good.lab", None)
        accepted.append(bench.send(relay, "f@good.lab"))
        relay.wait_for("delivery", status="deferred")
        fill(relay, 0)
        fill_queue(bench, relay, accepted)
        same(relay.cli("status").returncode, 1, "exit status of status")
        open_again(bench, "mx.good.lab")
        empty(relay)
        all_arrive(bench, relay, accepted)
    with bench.case("disk: killed and started on the full disk"):
        bench.net.redirect("mx.good.lab", None)
        accepted.append(bench.send(relay, "f@good.lab"))
        relay.wait_for("delivery", status="deferred")
        relay.kill()
        fill(relay, 0)
        relay.start(wait=0)
        wait_until(lambda: relay.events("ready", run=relay.run) or
                   relay.events("store-unusable", run=relay.run), 60,
                   "a word of waxseald", relay.process)
        bench.refused(relay, ["421 4.3.", "451 4.3.", "452 4.3."])
        open_again(bench, "mx.good.lab")
        empty(relay)
        all_arrive(bench, relay, accepted)
        end(relay)


def all_arrive(bench, relay, accepted):
    wait_until(lambda: relay.events("ready", run=relay.run), 60, "ready",
               relay.process)
    for mark in accepted:
        bench.arrived(mark, seconds=60)
    bench.queue_is(relay, [])
    bench.passes(relay)
    same(relay.cli("status").returncode, 0, "exit status of status")
    accepted.clear()


def fill_queue(bench, relay, accepted):
    """The log may have some room in it; so send until it is refused."""
    text = b"Subject: TOKEN\r\n\r\n" + (b"z" * 76 + b"\r\n") * 400
    for number in range(1000):
        rcpt = "g%d@good.lab" % number
        with Client(("127.0.0.1", relay.port)) as client:
            client.start()
            client.envelope("alice@sender.lab", [rcpt])
            mark = bench.token()
            got = client.ask(text.replace(b"TOKEN", mark.encode()) + b".")
        if not got.startswith("250"):
            must(got.startswith(("452 4.3.1", "451 4.3.")), "reply %r", got)
            return
        accepted.append(mark)
    must(False, "never refused")
