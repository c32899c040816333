#!/usr/bin/python3
"""docs/metrics.md: every metric that the daemons' tables in the code name, with its help and labels.

metrics.py writes the page anew; the rule `metric-page` of tidy.py compares it.
"""
import os
import re
import sys

sys.dont_write_bytecode = True
PAGE = "docs/metrics.md"
DAEMONS = (("broker/", "tandemqd", 9883), ("failover/", "tandemq-agent", 9884))
HEAD = """# Metrics
Both daemons serve them for Prometheus under `/metrics` at the address `metrics.listen` of their configuration.
This page is made from the code by `tests/tidy/metrics.py`.
"""

_TEXT = r'"([^"]*)"'
# gauge("name", "help" …; also counter, histogram and family, and the builder's .Name("…").Help("…").
_CALL = re.compile(r"(?:(?P<var>\w+)\s*=\s*)?\b(?P<call>gauge|counter|histogram|family)\(\s*"
                   r'"(?P<name>tandemq_\w+)",\s*(?P<help>(?:"[^"]*"\s*)+)')
_BUILT = re.compile(r"(?P<var>\w+)\s*=\s*Build(?P<call>\w+)\(\)\s*\.Name\(\"(?P<name>tandemq_\w+)\"\)"
                    r'\s*\.Help\((?P<help>(?:"[^"]*"\s*)+)\)')
_FAMILY_TYPE = re.compile(r"\s*,\s*MetricType::(\w+)")
_LABEL = re.compile(r"table\.value\(\s*" + _TEXT + r"|states\(table,\s*" + _TEXT)
_NAME = re.compile(r'"(tandemq_[a-z0-9_]+)"')


def labels_of(text, match, end):
    """Of the metric whose definition is `match`; `end`: where the next one begins."""
    found = []
    if match.groupdict()["var"]:
        for use in re.finditer(rf"\b{match['var']}\s*\.\s*Add\((\{{\{{.*?\}}\}})", text, re.S):
            found += re.findall(r'\{"(\w+)",', use.group(1))
    else:
        found = [a or b for a, b in _LABEL.findall(text, match.end(), end)]
    return list(dict.fromkeys(found))


def metrics_in(text):
    """(name, type, labels, help) of each metric that the text of a source file defines."""
    matches = sorted([*_CALL.finditer(text), *_BUILT.finditer(text)], key=lambda m: m.start())
    found = []
    for match, following in zip(matches, matches[1:] + [None]):
        kind = match["call"].lower()
        if kind == "family":
            kind = _FAMILY_TYPE.match(text, match.end()).group(1).lower()
        said = "".join(re.findall(_TEXT, match["help"]))
        labels = labels_of(text, match, following.start() if following else len(text))
        found.append((match["name"], kind, labels, said))
    return found


def page(tree):
    text = HEAD
    for folder, daemon, port in DAEMONS:
        text += f"\n## {daemon}, port {port}\n"
        text += "| metric | type | labels | what it says |\n|---|---|---|---|\n"
        for path in tree.cpp():
            if path.startswith(folder):
                text += "".join(f"| `{name}` | {kind} | {', '.join(labels)} | {said} |\n"
                                for name, kind, labels, said in metrics_in(tree.text(path)))
    return text


def findings(tree):
    """(path, line, text) of what is wrong with the page."""
    wanted = page(tree)
    found = []
    if PAGE not in tree.files or tree.text(PAGE) != wanted:
        found.append((PAGE, 0, "is not what the code says: run tests/tidy/metrics.py"))
    for path in tree.cpp():
        if not path.startswith(tuple(folder for folder, _, _ in DAEMONS)):
            continue
        for match in _NAME.finditer(tree.text(path)):
            if f"`{match.group(1)}`" not in wanted:
                line = tree.text(path).count("\n", 0, match.start()) + 1
                found.append((path, line, f"{match.group(1)} is defined in a way that "
                              "tests/tidy/metrics.py does not read"))
    return found


def main():
    from source import Tree  # pylint: disable=import-outside-toplevel
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    with open(os.path.join(root, PAGE), "w", encoding="utf-8") as file:
        file.write(page(Tree(root)))
    for path, line, problem in findings(Tree(root)):
        print(f"{path}:{line}: {problem}")


if __name__ == "__main__":
    main()
