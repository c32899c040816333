"""The list of one-line faults, mutants.toml, and the page that it makes. run.py plants them."""
import tomllib

LIST = "tests/mutants/mutants.toml"
PAGE = "docs/mutants.md"
HEAD = """# What finds a broken line
Each row is a fault of one line and the test that must fail with it: `./run mutants` plants them one after the other in
a copy of the tree. The list is `tests/mutants/mutants.toml`; this page is what `tests/mutants/run.py --list` prints.

| fault | place | found by |
|---|---|---|
"""


def read(text):
    return tomllib.loads(text)["mutant"]


def page(mutants):
    return HEAD + "".join(f"| {m['name']} | `{m['file']}` | `{m['found_by']}` |\n" for m in mutants)


def stands_once(mutant, text):
    """Whether there is exactly one place to plant it."""
    return text.count(mutant["old"]) == 1


def findings(tree):
    """(path, line, text) of each fault that cannot be planted, and of a page that is old."""
    if LIST not in tree.files:
        return []
    mutants, found = read(tree.text(LIST)), []
    for mutant in mutants:
        if mutant["file"] not in tree.files or not stands_once(mutant, tree.text(mutant["file"])):
            found.append((LIST, 0, f"\"{mutant['name']}\": the line to break does not stand once in "
                                   f"{mutant['file']}: {mutant['old']}"))
    if PAGE not in tree.files or tree.text(PAGE) != page(mutants):
        found.append((PAGE, 0, "is not what tests/mutants/run.py --list prints"))
    return found
