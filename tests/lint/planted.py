"""The rule that reads the planted bugs."""

import re

HUNK = re.compile(r"^@@[^\n]*\n((?:[ +-][^\n]*\n|\n)+)", re.M)
TARGET = re.compile(r"^\+\+\+ b/(\S+)", re.M)


def before(hunk):
    """The lines that a hunk wants to find."""
    return "".join(line[1:] if line[:1] in " -" else "\n"
                   for line in hunk.splitlines(True)
                   if not line.startswith("+"))


def check_planted(tree):
    """planted: each patch of tests/mutants finds the lines that it changes."""
    for path, file in sorted(tree.by_path.items()):
        if not re.match(r"tests/mutants/[^/]+\.patch$", path):
            continue
        for part in re.split(r"(?m)^--- ", file.text)[1:]:
            target = TARGET.search(part)
            there = tree.by_path.get(target.group(1)) if target else None
            if not there:
                yield path, 1, "it changes a file that is not there"
                continue
            for hunk in HUNK.finditer(part):
                if before(hunk.group(1)) not in there.text:
                    yield (path, file.text.count("\n", 0, file.text.index(
                        hunk.group(0))) + 1,
                           f"{target.group(1)} has no such lines any more: "
                           "make the patch anew")
