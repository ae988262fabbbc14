"""The programs under test below valgrind's memcheck.

A run is good when every process has left a log, none of them counts an error,
and nothing was lost track of: leaks that are definite, indirect or possible
are errors. Only what tests/valgrind.supp names, with its reason, is not.
"""

import os
import re

from .ns import LabError, tool

HERE = os.path.dirname(os.path.realpath(__file__))
SUPPRESSIONS = os.path.join(os.path.dirname(os.path.dirname(HERE)),
                            "valgrind.supp")
COMMAND = re.compile(r"Command: (.*)")
PARENT = re.compile(r"Parent PID: (\d+)")
SUMMARY = re.compile(r"ERROR SUMMARY: (\d+) errors")
STATUS = 99


class Memcheck:
    """Logs of all processes, in a folder of the lab."""

    def __init__(self, folder):
        self.folder = os.path.join(folder, "memcheck")
        os.mkdir(self.folder)
        # The relay gives up root before it writes.
        os.chmod(self.folder, 0o777)
        self.suppressions = os.path.join(self.folder, "valgrind.supp")
        with open(SUPPRESSIONS) as src, open(self.suppressions, "w") as out:
            out.write(src.read())

    def wrap(self):
        """What stands before the command of a program."""
        return [tool("valgrind"), "--tool=memcheck", "--leak-check=full",
                "--show-leak-kinds=definite,indirect,possible",
                "--errors-for-leak-kinds=definite,indirect,possible",
                "--num-callers=30", "--fair-sched=yes",
                "--trace-children=yes", "--trace-children-skip=*/unbound",
                "--child-silent-after-fork=no",
                "--vgdb=no", "--error-exitcode=%d" % STATUS,
                "--suppressions=" + self.suppressions,
                "--log-file=%s/%%p.log" % self.folder]

    def _logs(self):
        for name in sorted(os.listdir(self.folder)):
            if name.endswith(".log"):
                with open(os.path.join(self.folder, name),
                          errors="replace") as file:
                    yield name, file.read()

    @staticmethod
    def _became_another(text, logs):
        """A fork of the parent, and then the resolver, which has no log."""
        parent = PARENT.search(text)
        command = COMMAND.search(text)
        return (parent and parent[1] + ".log" in logs and command
                and "--relay" not in command[1])

    def complaints(self, least):
        """Lines that say what is wrong; least: processes there were."""
        problems, count = [], 0
        logs = dict(self._logs())
        for name, text in logs.items():
            found = SUMMARY.findall(text)
            if not found and self._became_another(text, logs):
                continue
            count += 1
            if not found:
                problems.append("%s: it was killed, or still runs" % name)
            for number in found:
                if number != "0":
                    problems.append("%s: %s errors" % (name, number))
                    problems += text.splitlines()
        if count < least:
            problems.append("only %d of %d processes have a log"
                            % (count, least))
        return problems

    def summary(self):
        count = sum(1 for _ in self._logs())
        return "%d processes under valgrind" % count


def available():
    try:
        return bool(tool("valgrind"))
    except LabError:
        return False
