"""What the code reads and answers, and the pages that tell of it: keys of the configuration files in
docs/configuration.md, commands of the control sockets in docs/control-protocol.md."""
import re

SETTINGS = "docs/configuration.md"
COMMANDS = "docs/control-protocol.md"

# Of broker and agent, in the order of the examples and tables on the pages.
_READERS = ("broker/config/", "failover/shell/")
_ANSWERERS = ("broker/shell/", "failover/shell/")
_KEY = re.compile(r'\b(?:number|flag|word|text|texts|path|choice|decimal)\(\s*"(\w+)",'
                  r'|\bread_endpoint\(\w+, "(\w+)"')
_COMMAND = re.compile(r'\bcommand == "(\w+)"')
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
