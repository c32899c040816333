"""What the code reads and answers, and the pages that tell of it: keys of the configuration files in
docs/configuration.md, commands of the control sockets in docs/control-protocol.md; what fails, in
docs/failure-modes.md, and the tests that try it."""
import re

SETTINGS = "docs/configuration.md"
COMMANDS = "docs/control-protocol.md"
FAILURES = "docs/failure-modes.md"

# Of broker and agent, in the order of the examples and tables on the pages.
_READERS = ("broker/config/", "failover/shell/")
_ANSWERERS = ("broker/shell/", "failover/shell/")
_KEY = re.compile(r'\b(?:number|flag|word|text|texts|path|choice|decimal)\(\s*"(\w+)",'
                  r'|\bread_endpoint\(\w+, "(\w+)"')
_COMMAND = re.compile(r'\bcommand == "(\w+)"')
_CASE = re.compile(r"^@case\((?:.|\n)*?^def (\w+)\(bed", re.M)
# What a row of the failure table may name beside cases of tests/ha and tests of tests/blackbox and tests/e2e.
_OTHER_TESTS = re.compile(r"(replica|agent|failover|shell|journal|checkpoint) tests( |$)|sim$|soak$|by hand$"
                          r"|the unit by hand$|blackbox$|not in namespaces$")
_FORMER_KEYS = {"priority"}  # still understood, but nobody should set them


def _line(text, at):
    return text.count("\n", 0, at) + 1


def _uses(tree, folder, pattern):
    """(path, line, word) of each place in the folder where the pattern has a word."""
    for path in tree.cpp():
        if path.startswith(folder):
            text = tree.text(path)
            for match in pattern.finditer(text):
                yield path, _line(text, match.start()), next(filter(None, match.groups()))


def _compare(tree, page, folder, pattern, told, at):
    """Findings for what the folder has and the page's part at line `at` does not, and the reverse."""
    had = set()
    for path, line, word in _uses(tree, folder, pattern):
        had.add(word)
        if word not in told | _FORMER_KEYS:
            yield path, line, f"{word} is not in {page}"
    for word in sorted(told - had):
        yield page, at, f"{word} is not in {folder}"


def settings(tree):
    """Each key stands in the page's example, and none that is not read."""
    text = tree.text(SETTINGS)
    for folder, example in zip(_READERS, re.finditer(r"^```toml\n(.*?)^```", text, re.M | re.S)):
        told = set(re.findall(r"^#?(\w+) = ", example.group(1), re.M))
        for path, line, what in _compare(tree, SETTINGS, folder, _KEY, told,
                                         _line(text, example.start())):
            yield path, line, "the key " + what


def commands(tree):
    """Each command has a row in its daemon's table, which begins with `| cmd |`."""
    text = tree.text(COMMANDS)
    for folder, table in zip(_ANSWERERS, re.finditer(r"^\| cmd \|.*\n((?:\|.*\n)+)", text, re.M)):
        told = set(re.findall(r"^\| `(\w+)` \|", table.group(1), re.M))
        for path, line, what in _compare(tree, COMMANDS, folder, _COMMAND, told,
                                         _line(text, table.start())):
            yield path, line, "the command " + what


def _failure_rows(text):
    """(line, last cell) of each row of the page's tables."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("| ") and not line.endswith("| tried by |"):
            yield number, re.split(r"(?<!\\)\|", line)[-2].strip()


def _names_a_test(tree, words):
    """`blackbox: WORDS`, `blackbox WORDS` or `e2e: WORDS`: a topic, or words of a test's name; or a story of
    the simulator, `sim: NAME`."""
    if f"tests/scenarios/{words.removeprefix('sim: ')}.txt" in tree.files:
        return True
    match = re.fullmatch(r"(blackbox|e2e):? (.+)", words)
    if not match:
        return False
    folder, name = f"tests/{match.group(1)}/", match.group(2).replace(" ", "_")
    return any(path == f"{folder}test_{name}.py"
               or re.search(rf"^def \w*{re.escape(name)}", tree.text(path), re.M)
               for path in tree.files if path.startswith(folder) and path.endswith(".py"))


def failures(tree):
    """Each row of the failure table names tests that exist, and each case of tests/ha has a row."""
    cases, named = {}, set()
    for path in tree.files:
        if re.fullmatch(r"tests/ha/cases_\w+\.py", path):
            for match in _CASE.finditer(tree.text(path)):
                cases[match.group(1).replace("_", "-")] = (path, _line(tree.text(path), match.end()))
    for line, cell in _failure_rows(tree.text(FAILURES)):
        for words in (part.strip(" `") for part in re.split("[,;]", cell)):
            named.add(words)
            if words not in cases and not _OTHER_TESTS.match(words) and \
                    not _names_a_test(tree, words):
                yield FAILURES, line, f"\"{words}\" is no test"
    for name in sorted(set(cases) - named):
        yield (*cases[name], f"the case {name} is not in {FAILURES}")
