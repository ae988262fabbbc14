"""Rules that read the text of the tree."""

import os
import re

MAX_FILE_LINES = 600

BANNED = {
    "alloca": "sizes must be bounded: use an arena or a buf",
    "asctime": "use relay/base/date.h",
    "atof": "use relay/base/codec.h",
    "atoi": "use relay/base/codec.h",
    "atol": "use relay/base/codec.h",
    "atoll": "use relay/base/codec.h",
    "ctime": "use relay/base/date.h",
    "gets": "has no bound",
    "gmtime": "use gmtime_r",
    "localtime": "use relay/base/date.h",
    "mktemp": "use mkstemp",
    "popen": "the relay starts no shell",
    "sprintf": "use snprintf or buf_printf",
    "strcat": "use a buf",
    "strcpy": "use a buf",
    "strtok": "use struct str",
    "system": "the relay starts no shell",
    "tmpnam": "use mkstemp",
    "vsprintf": "use vsnprintf",
}
ENDS = ("abort", "assert", "exit", "_exit", "quick_exit", "__builtin_trap",
        "__builtin_unreachable")
# The last one ends a child between fork and exec.
END_FILES = {"relay/base/err.c", "relay/main/waxseald.c",
             "relay/dns/unbound_child.c"}
NUMBERS = ("strtol", "strtoul", "strtoll", "strtoull", "strtoimax",
           "strtoumax", "strtod", "strtof", "sscanf")
LOCKS = re.compile(
    r"\b(uv_(mutex|rwlock|sem|cond|barrier|once)_\w+|"
    r"pthread_(mutex|cond|rwlock|spin|barrier|once)\w*|"
    r"(mtx|cnd|call_once)_\w+|sem_(init|wait|post)|"
    r"atomic_\w+|_Atomic|__atomic_\w+|__sync_\w+)\b")
# The mailbox is the one place to meet. What threads share besides is counted
# atomically: immutable messages and bodies, and the counters themselves.
LOCK_FILES = {"relay/net/mailbox.c", "relay/net/mailbox.h"}
ATOMIC_FILES = re.compile(
    r"relay/(base/(blob|metrics)|model/msg)\.[ch]$")
PATHS = re.compile(r"(?<![\w.])/(home/[a-z]|work/[a-z]|root/|Users/|tmp/"
                   "w" r"x\b)")
LATER = re.compile(r"\b(TO" r"DO|FIX" r"ME)\b")


def check_file_size(tree):
    """file-size: no file over 600 lines."""
    for file in tree.files:
        if file.path.endswith((".c", ".h", ".py", ".sh")) \
                and len(file.raw) > MAX_FILE_LINES:
            yield (file.path, len(file.raw),
                   f"{len(file.raw)} lines, the limit is {MAX_FILE_LINES}")


def calls(file, names):
    """(line number, name) of each call; members and prefixes don't count."""
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(names) + r")\s*\(")
    for number, line in enumerate(file.code, 1):
        for match in pattern.finditer(line):
            yield number, match.group(1)


def check_banned(tree):
    """banned: calls of STYLE 37."""
    for file in tree.c_files():
        for number, name in calls(file, BANNED):
            yield file.path, number, f"{name}() is banned: {BANNED[name]}"


def check_numbers(tree):
    """numbers: text becomes a number only in relay/base/codec.c."""
    for file in tree.c_files():
        if file.path == "relay/base/codec.c":
            continue
        for number, name in calls(file, NUMBERS):
            yield (file.path, number,
                   f"{name}() outside relay/base/codec.c")


def check_ends(tree):
    """ends: only BUG() and die() end the process; what a test build does
    besides stands in #ifdef WAXSEAL_TEST_BUILD."""
    for file in tree.c_files(program_only=True):
        if file.path in END_FILES or file.path.startswith("relay/cli/"):
            continue
        test_lines = lines_of_test_builds(file)
        for number, name in calls(file, ENDS):
            if number not in test_lines:
                yield (file.path, number,
                       f"{name}(): use BUG() for our own mistakes, a "
                       "returned error for all else")


def lines_of_test_builds(file):
    """Numbers of the lines that a release does not have."""
    inside = False
    found = set()
    for number, line in enumerate(file.raw, 1):
        if line.startswith("#ifdef WAXSEAL_TEST_BUILD"):
            inside = True
        elif line.startswith(("#else", "#endif")):
            inside = False
        if inside:
            found.add(number)
    return found


def check_macros(tree):
    """macros: no macro returns or jumps for its caller."""
    for file in tree.c_files():
        for number, text in file.defines():
            match = re.search(r"\b(return|goto)\b", text)
            if match:
                yield (file.path, number,
                       f"macro contains {match.group(1)}")


def check_locks(tree):
    """locks: threads meet in relay/net/mailbox.c only."""
    for file in tree.c_files(program_only=True):
        if file.path in LOCK_FILES:
            continue
        for number, line in enumerate(file.code, 1):
            match = LOCKS.search(line)
            if not match:
                continue
            if ATOMIC_FILES.match(file.path) and "tomic" in match.group(1):
                continue
            yield (file.path, number,
                   f"{match.group(1)} outside relay/net/mailbox.c")


def check_state_setter(tree):
    """state-setter: only x_set_state() writes a state."""
    assignment = re.compile(r"[\w\])](->|\.)state\s*=(?!=)")
    for file in tree.c_files(program_only=True):
        if not file.path.endswith(".c"):
            continue
        lines = list(file.functions())
        has_setter = any(name and name.endswith("_set_state")
                         for _, name, _ in lines)
        if not has_setter and not file.path.endswith("_fsm.c"):
            continue
        for number, name, line in lines:
            if assignment.search(line) and not (
                    name and name.endswith("_set_state")):
                yield (file.path, number,
                       "state is written outside the one _set_state()")


def check_paths(tree):
    """paths: no path of somebody's machine."""
    for file in tree.files:
        for number, line in enumerate(file.raw, 1):
            # What follows a shell variable is not at the root.
            match = PATHS.search(re.sub(r'"?\$\{?\w+\}?"?', "V", line))
            if match:
                yield file.path, number, f"machine path {match.group(0)}"


def check_later(tree):
    """later: work that is left goes to doc/, not into a comment."""
    for file in tree.files:
        if file.path.startswith("tests/lint/"):
            continue
        for number, line in enumerate(file.raw, 1):
            match = LATER.search(line)
            if match:
                yield file.path, number, f"{match.group(0)} in the tree"


def check_listed(tree):
    """listed: each source is built, each test runs, each pure module has
    a test."""
    makefile = tree.by_path["Makefile.am"].text
    words = set(re.sub(r"(?m)#.*$", "", makefile).replace("\\\n", " ").split())
    for file in tree.c_files():
        if file.in_program and file.path not in words:
            yield file.path, 1, "not in Makefile.am"
        match = re.match(r"tests/(unit|adapt|replay)/(test_\w+)\.c$",
                         file.path)
        if match and file.path[:-2] not in words:
            yield file.path, 1, "not among the tests of Makefile.am"
    for name, value in re.findall(r"(?m)^(PURE_\w+) =((?:.*\\\n)*.*)$",
                                  makefile):
        if name == "PURE_LIBS":
            continue
        for path in value.replace("\\\n", " ").split():
            if path.endswith(".c") and not has_test(tree, path):
                yield path, 1, "pure module without tests/unit/test_*.c"


def has_test(tree, path):
    """One named after it, or one that uses its header: a module may be
    several files."""
    stem = os.path.basename(path)[:-2]
    want = re.compile(r"tests/unit/test_" + re.escape(stem) + r"(_\w+)?\.c$")
    header = path[:-2] + ".h"
    return any(want.match(file.path)
               or file.path.startswith("tests/unit/")
               and header in (name for _, _, name in file.includes())
               for file in tree.c_files())


def check_manual(tree):
    """manual: each key of conf/waxseal.conf is in doc/waxseal.conf.5."""
    conf = tree.by_path.get("conf/waxseal.conf")
    page = tree.by_path.get("doc/waxseal.conf.5")
    if not conf or not page:
        return
    known = set(re.findall(r"[a-z][a-z0-9_]+",
                           page.text.replace("\\-", "-")))
    for number, line in enumerate(conf.raw, 1):
        line = re.sub(r'"[^"]*"', '""', line)
        # A key that is commented out is still a key: "#key = value".
        line = re.sub(r"^\s*#(?=[a-z])", "", line).split("#", 1)[0]
        for key in re.findall(
                r'([a-z][a-z0-9_]*)\s*(?==|\{|""\s*\{)', line):
            if key not in known:
                yield (conf.path, number,
                       f"{key} is not in doc/waxseal.conf.5")


EVENT = re.compile(r'\blog_(?:begin|text)\s*\((?:[^;"]|\n)*"([a-z_-]+)"')
RULE_ID = re.compile(
    r'"([A-Z]{3,4}-[0-9]{2}|(?:ADDR|SITE|STEP)-[A-Z]+|POISON|GATE)"')


def check_told(tree):
    """told: each event of the log is in doc/OPERATING.md, each rule id in
    doc/RULES.md."""
    for page, pattern in (("doc/OPERATING.md", EVENT),
                          ("doc/RULES.md", RULE_ID)):
        if page not in tree.by_path:
            continue
        known = set(re.findall(r"[A-Za-z][A-Za-z0-9-]+",
                               tree.by_path[page].text))
        for file in tree.c_files(program_only=True):
            if not file.path.endswith(".c"):
                continue
            for match in pattern.finditer(file.text):
                if match.group(1) not in known:
                    yield (file.path, file.text.count("\n", 0, match.end())
                           + 1, f"{match.group(1)} is not in {page}")
