"""The layer rules: who may include whom, by layers.txt."""

import os
from fnmatch import fnmatchcase

from source import LIBC

RANK = {"pure": 0, "adapt": 1, "actor": 2, "prog": 3}


class Rule:
    def __init__(self, kind, pattern, allowed, foreign):
        self.kind = kind
        self.pattern = pattern
        self.allowed = allowed
        self.foreign = foreign

    def allows(self, path):
        return any(path == p or path.startswith(p + "/")
                   for p in self.allowed)

    def allows_foreign(self, name):
        return any(name == p or (p.endswith("/") and name.startswith(p))
                   for p in self.foreign)


def load(path):
    """The rules in order, or ValueError with file and line."""
    rules = []
    with open(path, encoding="utf-8") as handle:
        for number, line in enumerate(handle, 1):
            line = line.split("#", 1)[0].strip()
            if not line:
                continue
            fields = [field.strip() for field in line.split("|")]
            head = fields[0].split()
            if len(fields) != 3 or len(head) != 2 or head[0] not in RANK:
                raise ValueError(f"{path}:{number}: not a rule: {line}")
            rules.append(Rule(head[0], head[1], fields[1].split(),
                              fields[2].split()))
    return rules


def rule_for(rules, path):
    for rule in rules:
        if fnmatchcase(path, rule.pattern):
            return rule
    return None


def check_layers(tree):
    """layers: an include that layers.txt does not allow."""
    rules = load(tree.path("tests/lint/layers.txt"))
    for file in tree.c_files(program_only=True):
        rule = rule_for(rules, file.path)
        if rule is None:
            yield file.path, 1, "no rule in tests/lint/layers.txt"
            continue
        for number, mark, name in file.includes():
            if mark == "<":
                problem = foreign_problem(file, rule, name)
            else:
                problem = own_problem(tree, rules, file, rule, name)
            if problem:
                yield file.path, number, problem


def foreign_problem(file, rule, name):
    if LIBC.match(name):
        return None
    if file.path.endswith(".h"):
        return f"<{name}> is foreign: only a .c file may include it"
    if not rule.allows_foreign(name):
        return f"<{name}> does not belong in {rule.pattern}"
    return None


def own_problem(tree, rules, file, rule, name):
    if name == "config.h":
        return None
    if not os.path.isfile(tree.path(name)):
        return f'"{name}" is not a path from the root'
    if not rule.allows(name):
        return f'{rule.pattern} may not include "{name}"'
    other = rule_for(rules, name)
    if other and RANK[other.kind] > RANK[rule.kind]:
        return (f"{rule.kind} file includes {other.kind} header "
                f'"{name}": includes go down only')
    return None


def is_own(file, name, last):
    """A test has what it tests, or its harness, where others have their own
    header."""
    if file.path.startswith("tests/"):
        return last <= 1
    return file.path.endswith(".c") and name == file.path[:-2] + ".h"


def check_order(tree):
    """include-order: config.h, own header, libc and foreign, then ours."""
    names = {2: "<libc>", 3: '"ours"'}
    for file in tree.c_files():
        last, first = -1, True
        for number, mark, name in file.includes():
            if name == "config.h":
                rank = 0
            elif mark == "<":
                rank = 2
            else:
                rank = 1 if is_own(file, name, last) else 3
            if first and file.path.endswith(".c") and file.in_program:
                if rank != 0:
                    yield file.path, number, 'the first include is "config.h"'
                first = False
            if rank == 0 and file.path.endswith(".h"):
                yield file.path, number, 'no "config.h" in a header'
            if rank < last:
                yield (file.path, number, f'"{name}" after '
                       f"{names.get(last, 'own header')}: the order is "
                       "config.h, own header, <libc>, ours")
            last = max(last, rank)
