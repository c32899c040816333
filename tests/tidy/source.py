"""Reading the source tree: which files there are, and enough C++ to know comments from code."""
import os
import re
import subprocess

CPP = (".h", ".cpp")
SCRIPTS = (".py", ".sh")


class Tree:
    """The tracked files below a root; outside git (the self-test's copy) all files but build/."""

    def __init__(self, root):
        self.root = root
        self.files = sorted(self._list())
        self._texts = {}

    def _list(self):
        if os.path.isdir(os.path.join(self.root, ".git")) or os.path.isfile(
                os.path.join(self.root, ".git")):
            out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=self.root,
                                 check=True, capture_output=True, text=True).stdout
            return [f for f in out.splitlines() if os.path.isfile(os.path.join(self.root, f))]
        found = []
        for folder, subfolders, names in os.walk(self.root):
            subfolders[:] = [d for d in subfolders if d not in ("build", ".git", "__pycache__")]
            found += [os.path.relpath(os.path.join(folder, n), self.root) for n in names]
        return found

    def text(self, path):
        if path not in self._texts:
            with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as f:
                self._texts[path] = f.read()
        return self._texts[path]

    def cpp(self):
        return [f for f in self.files if f.endswith(CPP)]

    def scripts(self):
        """Shell and Python files, by ending or by their first line."""
        def is_script(path):
            if path.endswith(SCRIPTS):
                return True
            first = self.text(path).split("\n", 1)[0]
            return ("." not in os.path.basename(path) and first.startswith("#!")
                    and "make" not in first)
        return [f for f in self.files if is_script(f)]

    def corpus(self, path):
        """Fuzzing inputs, other test data and pictures are not source."""
        return "/corpus/" in path or "/data/" in path or path.endswith(".png")


_TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^\s()\\]{0,16})\(.*?\)(?P=tag)"'
    r'|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def blank(text, strings=True):
    """The text with comments (and string contents) replaced by blanks; lines stay where they are."""
    def cover(match):
        piece = match.group(0)
        if piece[0] != "/" and not strings:
            return piece
        # An apostrophe between digits separates thousands; it opens no character literal.
        if piece[0] == "'" and text[match.start() - 1:match.start()].isalnum():
            return piece
        return re.sub(r"[^\n]", " ", piece)
    return _TOKEN.sub(cover, re.sub(r"(?<=[0-9a-fA-F])'(?=[0-9a-fA-F])", "_", text))


_CONTAINER = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b")
_CONTROL = re.compile(r"\b(if|for|while|switch|do|else|try|catch|return)\b")


_CLASS = re.compile(r"\b(?:class|struct)\s+([\w:]+)\s*(?:final\s*)?(?::[^;{}()]*)?\{")


def class_bodies(text):
    """Yields (name, first line, last line) of every class that is defined in the text."""
    code = blank(text)
    for match in _CLASS.finditer(code):
        depth = 1
        for brace in re.compile("[{}]").finditer(code, match.end()):
            depth += 1 if brace.group(0) == "{" else -1
            if depth == 0:
                yield (match.group(1), code.count("\n", 0, match.start()) + 1,
                       code.count("\n", 0, brace.start()) + 1)
                break


def cpp_functions(text):
    """Yields (first line, last line, head) of every function body outside another function."""
    code = re.sub(r"^[ \t]*#.*(?:\\\n.*)*", lambda m: re.sub(r"[^\n]", " ", m.group(0)), blank(text),
                  flags=re.M)
    stack, begin = [], 0
    for match in re.finditer(r"[{};]", code):
        at, char = match.start(), match.group(0)
        if char == "{":
            head = code[begin:at]
            inside = any(kind == "function" for kind, _, _ in stack)
            kind = "other"
            if not inside and ")" in head and not _CONTROL.search(head):
                template_free = re.sub(r"template\s*<[^{}]*?>\s*(?=\w)", "", head)
                if not _CONTAINER.match(template_free.strip()):
                    kind = "function"
            stack.append((kind, at, " ".join(head.split())[-80:]))
        elif char == "}" and stack:
            kind, opened, head = stack.pop()
            if kind == "function":
                yield code.count("\n", 0, opened) + 1, code.count("\n", 0, at) + 1, head
        begin = at + 1
