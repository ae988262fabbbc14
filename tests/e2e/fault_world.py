"""The destinations that the fault tests send to; all scripted MX."""

import lab

NO_8BIT = ["PIPELINING", "SIZE 52428800", "ENHANCEDSTATUSCODES"]


def make():
    """good.lab and m1..m3.lab have DANE; plain.lab has nothing, and no TLS;
    held.lab never gets any mail; v4.lab and v6.lab have one family each."""
    here = lab.world.World()
    for name in ("good.lab", "m1.lab", "m2.lab", "m3.lab"):
        dane(here, name)
    for name in ("v4.lab", "v6.lab"):
        here.domain(name)
        here.mx_for(name, tlsa="match", server="script", v4=name == "v4.lab",
                    v6=name == "v6.lab")
    here.domain("plain.lab", signed=False)
    here.mx_for("plain.lab", server="script", tls="none")
    here.domain("held.lab")
    here.mx_for("held.lab", tlsa="mismatch", server="script")
    dane(here, "seven.lab", extensions=NO_8BIT)
    dane(here, "refuse.lab", rcpt="550 5.1.1 <x> no such user")
    dane(here, "later.lab", rcpt="451 4.2.1 try again later")
    dane(here, "some.lab", rcpt_of={"no": "550 5.1.1 unknown",
                                    "later": "450 4.2.1 later"})
    dane(here, "full.lab", body="554 5.2.2 mailbox full")
    dane(here, "hang.lab", greeting="hang")
    dane(here, "final.lab", body="hang")
    for name, point in (("slow.lab", "greeting"), ("slowend.lab", "body")):
        here.domain(name, signed=False)
        here.mx_for(name, server="script", tls="none",
                    script={point: "hang"})
    return here


def dane(here, name, **script):
    here.domain(name)
    here.mx_for(name, tlsa="match", server="script", script=script)
