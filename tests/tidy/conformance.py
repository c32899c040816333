#!/usr/bin/python3
"""docs/conformance.md: each statement of MQTT has a row, each row a test that names the statement.

conformance.py writes the column of tests anew; the rule `conformance` of tidy.py checks it.
A test names a statement by its id, as in [5:3.1.2-24], in its name, docstring or body.
"""
import os
import re
import sys

sys.dont_write_bytecode = True
TABLE = "docs/conformance.md"
NOT_APPLICABLE = "n/a:"

_ID = re.compile(r"\b[35]:u?\d+(?:\.\d+)*-\d+")
_ROW = re.compile(r"^\| ((?:[35]:u?[\d.]+-\d+ ?)+) \| (.*?) \| (.*) \|$", re.M)
_TEST = {".cpp": re.compile(r'^TEST_CASE\(\s*((?:"(?:\\.|[^"\\])*"\s*)+)', re.M),
         ".py": re.compile(r"^def test_(\w+)", re.M)}


def test_name(path, match):
    if path.endswith(".py"):
        return f"{os.path.basename(path)[5:-3]}.{match.group(1)}"
    name = "".join(re.findall(r'"((?:\\.|[^"\\])*)"', match.group(1)))
    name = re.sub(r"\s*\[[^\]]*\]", "", name).strip(" ;,").replace("|", "/")
    return f"{os.path.basename(os.path.dirname(path))}: {name}"


def tests_by_id(tree):
    """{id: [(path, test)]} of all tests below tests/unit and tests/blackbox."""
    found = {}
    for path in tree.files:
        pattern = _TEST.get(os.path.splitext(path)[1])
        if not pattern or not path.startswith(("tests/unit/", "tests/blackbox/test_")):
            continue
        text = tree.text(path)
        tests = list(pattern.finditer(text))
        for test, following in zip(tests, tests[1:] + [None]):
            name = test_name(path, test)
            body = text[test.start():following.start() if following else len(text)]
            for statement in dict.fromkeys(_ID.findall(body)):
                found.setdefault(statement, []).append((path, name))
    return found


def tests_of(row_ids, tests):
    """The column of tests for a row."""
    return "<br>".join(sorted({name for i in row_ids for _, name in tests.get(i, [])}))


def findings(tree):
    """(path, line, text) of what is wrong with the table."""
    if TABLE not in tree.files:
        return [(TABLE, 0, "is missing")]
    text, tests, known, found = tree.text(TABLE), tests_by_id(tree), set(), []
    for row in _ROW.finditer(text):
        line = text.count("\n", 0, row.start()) + 1
        ids = row.group(1).split()
        found += [(TABLE, line, f"{i} has a row already") for i in ids if i in known]
        known.update(ids)
        if not row.group(2).startswith(NOT_APPLICABLE):
            found += [(TABLE, line, f"no test names {i}") for i in ids if i not in tests]
        if row.group(3).strip() != tests_of(ids, tests):
            found.append((TABLE, line, "the tests are others now: run tests/tidy/conformance.py"))
    for statement in sorted(set(tests) - known):
        found.append((tests[statement][0][0], 0, f"names {statement}, which has no row in {TABLE}"))
    return found


def main():
    from source import Tree  # pylint: disable=import-outside-toplevel
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    tree = Tree(root)
    tests = tests_by_id(tree)
    text = _ROW.sub(lambda row: f"| {row.group(1)} | {row.group(2)} | "
                                f"{tests_of(row.group(1).split(), tests)} |", tree.text(TABLE))
    with open(os.path.join(root, TABLE), "w", encoding="utf-8") as file:
        file.write(text)
    for path, line, problem in findings(Tree(root)):
        print(f"{path}:{line}: {problem}")


if __name__ == "__main__":
    main()
