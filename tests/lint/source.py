"""What the lint rules share: the tree of files and a view of C without
comments and strings."""

import os
import re

CODE_DIRS = ("relay", "dane", "sts")
SKIP_DIRS = {".git", ".servers", "var", "autom4te.cache", "__pycache__",
             ".deps"}
MADE = {"configure", "configure~", "aclocal.m4", "config.h.in",
        "config.h.in~", "Makefile.in",
        ".git"}   # a file in a linked working tree
MADE_HELPERS = {"ar-lib", "compile", "config.guess", "config.sub", "depcomp",
                "install-sh", "missing", "test-driver"}

# Headers of the C library and the kernel's plain interface. Every other
# <header> is foreign and belongs to the folder that layers.txt names.
LIBC = re.compile(
    r"^(assert|complex|ctype|dirent|dlfcn|endian|errno|fcntl|fenv|float|"
    r"getopt|glob|grp|iconv|ifaddrs|inttypes|iso646|langinfo|libgen|limits|"
    r"locale|malloc|math|mntent|netdb|poll|pthread|pwd|regex|sched|"
    r"semaphore|setjmp|shadow|signal|spawn|stdalign|stdarg|stdatomic|stdbool|"
    r"stddef|stdint|stdio|stdlib|stdnoreturn|string|strings|sysexits|syslog|"
    r"termios|threads|time|ucontext|unistd|utime|wchar|wctype|"
    r"(arpa|net|netinet|sys)/\w+)\.h$")


def strip_c(text, strings=True):
    """Blanks comments, and strings and characters too when asked; lines stay
    where they are."""
    out = []
    i, n = 0, len(text)
    while i < n:
        two = text[i:i + 2]
        if two == "/*":
            end = text.find("*/", i + 2)
            end = n if end < 0 else end + 2
            out.append(re.sub(r"[^\n]", " ", text[i:end]))
            i = end
        elif two == "//":
            end = text.find("\n", i)
            end = n if end < 0 else end
            out.append(" " * (end - i))
            i = end
        elif text[i] in "\"'":
            end = literal_end(text, i)
            body = text[i:end]
            if strings and len(body) > 1:
                body = body[0] + re.sub(r"[^\n]", " ", body[1:-1]) + body[-1]
            out.append(body)
            i = end
        else:
            out.append(text[i])
            i += 1
    return "".join(out)


def literal_end(text, start):
    """The index after the string or character that starts there."""
    i = start + 1
    while i < len(text) and text[i] not in (text[start], "\n"):
        i += 2 if text[i] == "\\" else 1
    return min(i + 1, len(text))


class File:
    """One file of the tree; the views are made once."""

    def __init__(self, root, path):
        self.path = path
        with open(os.path.join(root, path), encoding="utf-8",
                  errors="replace") as handle:
            self.text = handle.read()
        self.raw = self.text.splitlines()
        self._code = None

    @property
    def is_c(self):
        return self.path.endswith((".c", ".h"))

    @property
    def in_program(self):
        return self.path.startswith(tuple(d + "/" for d in CODE_DIRS))

    @property
    def code(self):
        """Lines without comments and the insides of strings."""
        if self._code is None:
            self._code = strip_c(self.text).splitlines()
        return self._code

    def includes(self):
        """(line number, kind '<' or '"', name) of each include."""
        bare = strip_c(self.text, strings=False).splitlines()
        for number, line in enumerate(bare, 1):
            match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if match:
                yield number, match.group(1), match.group(2)

    def defines(self):
        """(line number, whole text) of each #define, continued lines
        joined."""
        number = 0
        while number < len(self.code):
            start = number
            line = self.code[number]
            if re.match(r"\s*#\s*define\b", line):
                while (line.endswith("\\")
                       and number + 1 < len(self.code)):
                    number += 1
                    line = line[:-1] + " " + self.code[number]
                yield start + 1, line
            number += 1

    def functions(self):
        """(line number, name of the function that it is in or None, line).
        Definitions have their name in the first column, STYLE 46."""
        name, inside = None, None
        for number, line in enumerate(self.code, 1):
            match = re.match(r"(\w+)\(", line)
            if match and not inside:
                name = match.group(1)
            if line.startswith("{") and name:
                inside = name
            yield number, inside, line
            if line.startswith("}"):
                name, inside = None, None


class Tree:
    """All files of the project under root, without what a build makes."""

    def __init__(self, root, build=None):
        self.root = root
        self.build = build
        self.files = [File(root, path) for path in sorted(self._walk())]
        self.by_path = {f.path: f for f in self.files}

    def _walk(self):
        for folder, subs, names in os.walk(self.root):
            subs[:] = [s for s in subs if s not in SKIP_DIRS
                       and not (folder == self.root
                                and s.startswith("build"))]
            rel = os.path.relpath(folder, self.root)
            for name in names:
                path = os.path.normpath(os.path.join(rel, name))
                if self._is_ours(rel, name, os.path.join(folder, name)):
                    yield path

    @staticmethod
    def _is_ours(rel, name, full):
        if rel == "." and name in MADE:
            return False
        if rel == "conf/build" and name in MADE_HELPERS:
            return False
        if name.endswith((".o", ".a", ".pyc", "~", ".swp")):
            return False
        if os.path.islink(full) or not os.path.isfile(full):
            return False
        with open(full, "rb") as handle:
            return b"\0" not in handle.read(4096)

    def c_files(self, program_only=False):
        for file in self.files:
            if file.is_c and (file.in_program or not program_only):
                yield file

    def path(self, name):
        return os.path.join(self.root, name)
