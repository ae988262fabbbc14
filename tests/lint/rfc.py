"""The rule that keeps doc/RFC.md true: which file obeys each line of
doc/CONFORMANCE.md and which tests carry its id.

A file obeys a rule when it cites the id, in a comment or as a rule= of the
log. A test carries it when a failure would name it:

- C and Python: a string begins with the id, or with several ids ("DANE-41
  DANE-42 names"); what only passes an id through is not meant (VIEWS);
- scenario: the comment on top begins with ids and a colon, or an expectation
  says rule=ID;
- shell: a word in quotes begins with it.
"""

import ast
import os
import re

import source

PAGE = "doc/RFC.md"
RULES = "doc/CONFORMANCE.md"
# Every line of these must have a file and a test. To add a family, put its
# name here and its two markers into doc/RFC.md.
FAMILIES = ("DANE", "STS")
ID = r"(?:" + "|".join(FAMILIES) + r")-[0-9]{2}"
ANY = r"[A-Z]{3,4}-[0-9]{2}"
SHOWN = 3   # tests of a kind that are named, the rest is a number

# Tests of what shows outcomes to somebody: the rule in them is any rule.
VIEWS = re.compile(r"tests/(unit/test_(bounce|ctl_\w+|dsn|log|outcome|plan)"
                   r"|adapt/(test_)?store\w*)\.[ch]$")
KINDS = (
    ("unit", re.compile(r"tests/unit/test_(\w+)\.c$")),
    ("adapt", re.compile(r"tests/adapt/(?:test_)?(\w+)\.[ch]$")),
    ("replay", re.compile(r"tests/replay/scn/([\w-]+)\.scn$")),
    ("e2e", re.compile(r"tests/e2e/([\w-]+)(?:\.py)?$")),
    ("lab", re.compile(r"tests/lab/(?:waxlab/)?([\w-]+)(?:\.py)?$")),
)
STRING = re.compile(r"(\.rule\s*=\s*)?"
                    r"(\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*')")
FIRST_IDS = re.compile(r"((?:" + ANY + r"(?:\s*,\s*|\s+and\s+|\s+|\b))+)")
HEADER = re.compile(r"#\s*((?:" + ANY + r"(?:,\s*|\s+and\s+|\s*))+):")


class Rule:
    """One line of doc/CONFORMANCE.md, and what was found for it."""

    def __init__(self, line, cells):
        self.line = line
        self.id, self.level, self.text, self.section = cells[:4]
        self.corrected = False
        self.files = []
        self.tests = {}     # kind -> {name: weight}

    def row(self):
        mark = "\\*" if self.corrected else ""
        return "| {}{} | {} | {} | {} | {} | {} |".format(
            self.id, mark, self.level, self.text, self.section,
            " ".join(f"`{path}`" for path in self.files),
            self.tests_text())

    def tests_text(self):
        parts = []
        for kind, _ in KINDS:
            names = self.tests.get(kind)
            if not names:
                continue
            order = sorted(names, key=lambda name: (names[name], name))
            text = f"{kind}: " + ", ".join(order[:SHOWN])
            if len(order) > SHOWN:
                text += f" +{len(order) - SHOWN}"
            parts.append(text)
        return "; ".join(parts)


def cells_of(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def load_rules(tree):
    rules = {}
    for number, line in enumerate(tree.by_path[RULES].raw, 1):
        if re.match(r"\|\s*" + ID + r"\s*\|", line):
            rule = Rule(number, cells_of(line))
            rules[rule.id] = rule
    return rules


def corrections(page):
    """(line number, id, level, section) of the table of corrections."""
    for number, line in enumerate(page.raw, 1):
        if re.match(r"\|\s*" + ID + r"\s*\|", line) and \
                "made by" not in line and number > start_of(page):
            cells = cells_of(line)
            yield number, cells[0], cells[1], cells[2]


def start_of(page):
    """The line of the heading above the corrections."""
    for number, line in enumerate(page.raw, 1):
        if line.startswith("## Corrections"):
            return number
    return len(page.raw)


# ---- what the files say ----

def ids_in(text):
    return re.findall(r"\b" + ID + r"\b", text)


def first_ids(text):
    match = FIRST_IDS.match(text)
    return ids_in(match.group(1)) if match else []


def c_ids(file):
    """(id, weight) of the strings that begin with ids."""
    bare = source.strip_c(file.text, strings=False)
    for match in STRING.finditer(bare):
        if not match.group(1):
            for name in first_ids(match.group(2)[1:-1]):
                yield name, 0


def python_ids(file):
    """As c_ids; a docstring is a comment."""
    try:
        tree = ast.parse(file.text)
    except SyntaxError:
        return
    comments = {id(node.value) for node in ast.walk(tree)
                if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) \
                and id(node) not in comments:
            for name in first_ids(node.value):
                yield name, 0


def shell_ids(file):
    for line in file.raw:
        if not line.lstrip().startswith("#"):
            for match in re.finditer(r"[\"']([^\"']*)", line):
                for name in first_ids(match.group(1)):
                    yield name, 0


def scenario_ids(file):
    """Weight 0: what it is about; 1: what also happens in it."""
    top = re.match(r"(?:#.*\n)*", file.text).group(0)
    match = HEADER.match(re.sub(r"\n#\s*", " ", top))
    if match:
        for name in ids_in(match.group(1)):
            yield name, 0
    for line in file.raw:
        if re.match(r"\s*(expect|finally)\s", line):
            for name in re.findall(r"\brule=(" + ID + r")\b", line):
                yield name, 1


def test_ids(file, kind):
    if file.is_c:
        return c_ids(file)
    if kind == "replay":
        return scenario_ids(file)
    if file.path.endswith(".py") or "python" in (file.raw or [""])[0]:
        return python_ids(file)
    return shell_ids(file)


def kind_of(path):
    """(kind, name) of a test, or None."""
    if VIEWS.match(path):
        return None
    for kind, pattern in KINDS:
        match = pattern.match(path)
        if match:
            return kind, match.group(1)
    return None


def drop_headers(paths):
    """Without x.h where there is x.c."""
    return [path for path in paths
            if not (path.endswith(".h") and path[:-2] + ".c" in paths)]


def collect(tree):
    """(rules by id, [(path, line, message)])."""
    rules = load_rules(tree)
    problems = []

    def find(name, file):
        if name not in rules:
            problems.append((file.path, 1, f"{name} is not in {RULES}"))
        return rules.get(name)

    for file in tree.c_files(program_only=True):
        for name in sorted(set(ids_in(file.text))):
            rule = find(name, file)
            if rule:
                rule.files.append(file.path)
    for file in tree.files:
        kind = kind_of(file.path)
        if not kind:
            continue
        for name, weight in test_ids(file, kind[0]):
            rule = find(name, file)
            if rule:
                names = rule.tests.setdefault(kind[0], {})
                names[kind[1]] = min(weight, names.get(kind[1], weight))
    for rule in rules.values():
        rule.files = drop_headers(rule.files)
    return rules, sorted(set(problems))


# ---- the page ----

def begin(family):
    return f"<!-- {family}: made by tests/lint/rfc -->"


END = "<!-- end -->"


def render(page, rules):
    """The text of the page with its tables made anew."""
    text = page.text
    for family in FAMILIES:
        table = ["| id | level | rule | section | obeyed by | tests |",
                 "|---|---|---|---|---|---|"]
        table += [rule.row() for rule in rules.values()
                  if rule.id.startswith(family + "-")]
        text = re.sub(re.escape(begin(family)) + r".*?" + re.escape(END),
                      lambda _, t=table, f=family:
                      "\n".join([begin(f)] + t + [END]), text, flags=re.S)
    return text


def correct(page, rules):
    """Levels and sections as corrected; problems of the table."""
    for number, name, level, section in corrections(page):
        rule = rules.get(name)
        if not rule:
            yield page.path, number, f"{name} is not in {RULES}"
            continue
        rule.level, rule.section = level, section
        rule.corrected = True


def page_of(tree):
    """(rules, text that the page should have, problems)."""
    rules, problems = collect(tree)
    page = tree.by_path.get(PAGE)
    if not page:
        return rules, None, problems + [(PAGE, 1, "is missing")]
    problems += list(correct(page, rules))
    return rules, render(page, rules), problems


def first_difference(old, new):
    for number, (a, b) in enumerate(zip(old, new), 1):
        if a != b:
            return number
    return min(len(old), len(new)) + 1


def check_rfc(tree):
    """rfc: each line of the DANE and MTA-STS rules has a file that obeys it
    and a test that carries its id, and doc/RFC.md says which."""
    if RULES not in tree.by_path:
        return
    rules, text, problems = page_of(tree)
    yield from problems
    for rule in rules.values():
        if not rule.files:
            yield RULES, rule.line, f"no file of the program cites {rule.id}"
        if not rule.tests:
            yield RULES, rule.line, f"no test carries {rule.id}"
    if text is not None and text != tree.by_path[PAGE].text:
        line = first_difference(tree.by_path[PAGE].raw, text.splitlines())
        yield PAGE, line, "is not up to date: tests/lint/rfc --write"


def write(tree):
    """Brings the page up to date; what was wrong besides."""
    _, text, problems = page_of(tree)
    if text is not None:
        with open(os.path.join(tree.root, PAGE), "w",
                  encoding="utf-8") as handle:
            handle.write(text)
    return problems
