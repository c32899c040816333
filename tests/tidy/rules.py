"""The rules. Each is a function Tree -> list of Finding; its name in RULES is what exceptions use."""
import ast
import os
import re
import statistics
import subprocess
import sys
from collections import namedtuple

import conformance
import metrics
import pages
from layers import (IMPURE, LAYERS, STANDARD, layer_of, library_of, library_of_target)
from source import blank, class_bodies, cpp_functions

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "mutants"))
import listed  # noqa: E402

Finding = namedtuple("Finding", "path line text")

FILE_LINES_MAX = 400
CLASS_LINES_MAX = 599
FUNCTION_LINES_MAX = 80
MEDIAN_TARGET = 150

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def includes(tree, path):
    """(line, is_quoted, header) of each include that is not in a comment."""
    text = blank(tree.text(path), strings=False)
    for match in _INCLUDE.finditer(text):
        yield line_of(text, match.start()), match.group(1) == '"', match.group(2)


def own_include_problem(name, layer, header):
    target = layer_of(header)
    if target is None:
        return f'"{header}" is not named by its path from the root of the repository'
    if target != name and target not in layer.may_use:
        return f"{name} may not include {target} ({header})"
    return None


def outside_include_problem(name, layer, header):
    if header in STANDARD:
        return f"{name} is a core and may not include <{header}>" if (
            layer.core and header in IMPURE) else None
    library = library_of(header)
    if library:
        return None if library in layer.libraries else f"{name} may not use {library} (<{header}>)"
    return None if layer.system else f"{name} may not include <{header}>"


def include_rule(tree):
    found = []
    for path in tree.cpp():
        name = layer_of(path)
        if name is None:
            continue
        for line, quoted, header in includes(tree, path):
            check = own_include_problem if quoted else outside_include_problem
            problem = check(name, LAYERS[name], header)
            if problem:
                found.append(Finding(path, line, problem))
    return found


def home_rule(tree):
    """Every C++ file lies in a known layer or in tests/."""
    return [Finding(p, 1, "is in no layer known to tests/tidy/layers.py") for p in tree.cpp()
            if layer_of(p) is None and not p.startswith("tests/")]


_LINK = re.compile(r"(?:tandemq_layer|target_link_libraries)\s*\(([^)]*)\)")
_SCOPE_WORDS = {"PUBLIC", "PRIVATE", "INTERFACE", "LINK"}
_LINK_ANY = {"Threads::Threads"}


def link_rule(tree):
    found = []
    for path in tree.files:
        name = layer_of(path)
        if name is None or os.path.basename(path) != "CMakeLists.txt":
            continue
        layer = LAYERS[name]
        allowed = {LAYERS[f].target for f in layer.may_use + (name,)} | _LINK_ANY
        text = re.sub(r"#[^\n]*", "", tree.text(path))
        for match in _LINK.finditer(text):
            for word in match.group(1).split()[1:]:
                library = library_of_target(word)
                fine = word in _SCOPE_WORDS or word in allowed or library in layer.libraries
                if not fine:
                    found.append(Finding(path, line_of(text, match.start()),
                                         f"{name} may not link {word}"))
    return found


_IMPURE_CALL = re.compile(
    r"\b(?:chrono::\w+_clock|clock_gettime|gettimeofday|time\s*\(\s*(?:0|NULL|nullptr)|s?rand\s*\(|"
    r"random_device|getenv|v?f?printf\s*\(|f?puts\s*\(|fwrite|fopen|spdlog|std::cerr|std::cout)")
_CHANGED_CONST = re.compile(r"\b(?:mutable|const_cast)\b")


def core_findings(tree, pattern):
    found = []
    for path in tree.cpp():
        name = layer_of(path)
        if name and LAYERS[name].core:
            code = blank(tree.text(path))
            found += [Finding(path, line_of(code, m.start()), f"a core may not use {m.group(0)}")
                      for m in pattern.finditer(code)]
    return found


def pure_rule(tree):
    """Cores ask no clock, draw no randomness, print nothing, whatever header it came by."""
    return core_findings(tree, _IMPURE_CALL)


def const_rule(tree):
    """What is const in a core stays as it is: decide reads the state, apply changes it."""
    return core_findings(tree, _CHANGED_CONST)


_UNORDERED = re.compile(r"\bunordered_(?:multi)?(?:map|set)\s*<[^;{}()]*>\s*(\w+)\s*[;={]")
_LOOP = re.compile(r"\bfor\s*\([^;()]*:\s*(?:\*?[\w.>\-\[\]]*?(?:\.|->))?(\w+)\s*\)")


def order_rule(tree):
    """No loop of a core runs over an unordered container: its order differs between nodes."""
    cores = [p for p in tree.cpp() if layer_of(p) and LAYERS[layer_of(p)].core]
    by_layer = {}
    for path in cores:
        names = _UNORDERED.findall(blank(tree.text(path)))
        by_layer.setdefault(layer_of(path), set()).update(names)
    found = []
    for path in cores:
        code = blank(tree.text(path))
        for match in _LOOP.finditer(code):
            if match.group(1) in by_layer[layer_of(path)]:
                found.append(Finding(path, line_of(code, match.start()),
                                     f"loops over the unordered container {match.group(1)}"))
    return found


def sized_files(tree):
    return [p for p in sorted(set(tree.cpp()) | set(tree.scripts())) if not tree.corpus(p)]


def size_rule(tree):
    found = []
    for path in sized_files(tree):
        lines = tree.text(path).count("\n")
        if lines > FILE_LINES_MAX:
            found.append(Finding(path, lines, f"has {lines} lines, more than {FILE_LINES_MAX}"))
    return found


_MEMBER = re.compile(r"((?:\w+::)+)~?(?:\w+|operator[^\w(]+)\s*\(")


def class_rule(tree):
    """A class counts with all its files: its declaration and the bodies of its functions."""
    lines, home = {}, {}
    for path in tree.cpp():
        text, folder = tree.text(path), os.path.dirname(path)
        for name, first, last in class_bodies(text):
            lines[folder, name] = lines.get((folder, name), 0) + last - first + 1
            home[folder, name] = Finding(path, first, "")
        for first, last, head in cpp_functions(text):
            member = _MEMBER.search(head)
            if member:
                name = folder, member.group(1)[:-2]
                lines[name] = lines.get(name, 0) + last - first + 1
    return [Finding(home[key].path, home[key].line,
                    f"class {key[1]} has {count} lines over all its files, more than {CLASS_LINES_MAX}")
            for key, count in lines.items() if count > CLASS_LINES_MAX and key in home]


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno, node.name


_SHELL_FUNCTION = re.compile(r"^(\w[\w-]*)\s*\(\)\s*\{.*?^\}", re.M | re.S)


def shell_functions(text):
    for match in _SHELL_FUNCTION.finditer(text):
        yield line_of(text, match.start()), line_of(text, match.end()), match.group(1)


def function_rule(tree):
    found = []
    for path in sized_files(tree):
        text = tree.text(path)
        if path.endswith((".h", ".cpp")):
            functions = cpp_functions(text)
        elif path.endswith(".py") or "python" in text.split("\n", 1)[0]:
            functions = python_functions(text)
        else:
            functions = shell_functions(text)
        for first, last, name in functions:
            if last - first + 1 > FUNCTION_LINES_MAX:
                found.append(Finding(path, first, f"function of {last - first + 1} lines, more than "
                                     f"{FUNCTION_LINES_MAX}: {name}"))
    return found


def format_rule(tree):
    files = [p for p in tree.cpp() if not tree.corpus(p)]
    if not files:
        return []
    done = subprocess.run(["clang-format-14", "--dry-run", "--style=file", *files], cwd=tree.root,
                          capture_output=True, text=True, check=False)
    found, seen = [], set()
    for line in (done.stdout + done.stderr).splitlines():
        match = re.match(r"(.+?):(\d+):\d+: (?:warning|error): (.*)", line)
        if match and match.group(1) not in seen:
            seen.add(match.group(1))
            found.append(Finding(match.group(1), int(match.group(2)),
                                 "not as clang-format-14 writes it (clang-format-14 -i FILE)"))
    if done.returncode and not found:
        found.append(Finding(".clang-format", 1, (done.stderr.strip() or "clang-format-14 failed")))
    return found


_LEFTOVER = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")) + r")\b")
_HOME = re.compile(r"(?<![\w.])/(?:home|root|Users|work)/[\w.]+")


def text_findings(tree, pattern, says):
    found = []
    for path in tree.files:
        if tree.corpus(path) or path == "LICENSE":
            continue
        text = tree.text(path)
        found += [Finding(path, line_of(text, m.start()), f"{says}: {m.group(0)}")
                  for m in pattern.finditer(text)]
    return found


def leftover_rule(tree):
    return text_findings(tree, _LEFTOVER, "unfinished work belongs in an issue")


def home_path_rule(tree):
    return text_findings(tree, _HOME, "path of one machine")


_METRIC = re.compile(r'(?:\.Name\(\s*"([^"]*)"|"(\w+_(?:total|seconds))")')
_METRIC_NAME = re.compile(r"tandemq_[a-z0-9_]+$")


def metric_rule(tree):
    found = []
    for path in tree.cpp():
        if not layer_of(path):
            continue
        text = blank(tree.text(path), strings=False)
        for match in _METRIC.finditer(text):
            name = match.group(1) if match.group(1) is not None else match.group(2)
            if not _METRIC_NAME.match(name):
                found.append(Finding(path, line_of(text, match.start()),
                                     f'metric "{name}" does not begin with tandemq_'))
    return found


def script_rule(tree):
    """Shell and Python files parse, and shell scripts stop at errors."""
    found = []
    for path in tree.scripts():
        text = tree.text(path)
        if path.endswith(".py") or "python" in text.split("\n", 1)[0]:
            try:
                ast.parse(text)
            except SyntaxError as error:
                found.append(Finding(path, error.lineno or 1, f"does not parse: {error.msg}"))
            continue
        done = subprocess.run(["bash", "-n", os.path.join(tree.root, path)], capture_output=True,
                              text=True, check=False)
        if done.returncode:
            found.append(Finding(path, 1, "does not parse: " + done.stderr.strip().split("\n")[0]))
        if text.startswith("#!") and not re.search(r"^set -\w*e\w*u", text, re.M):
            found.append(Finding(path, 1, "has no `set -eu`"))
    return found


PROSE_MAX = 120


def prose_lines(text):
    """(number, line) of what is prose in Markdown: no table, no block of code, no long link."""
    fenced = False
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced and not line.startswith(("|", "    ")) and " " in line.strip():
            yield number, line


def prose_rule(tree):
    return [Finding(path, number, f"line of {len(line)} characters, more than {PROSE_MAX}")
            for path in tree.files if path.endswith(".md")
            for number, line in prose_lines(tree.text(path)) if len(line) > PROSE_MAX]


def conformance_rule(tree):
    return [Finding(*finding) for finding in conformance.findings(tree)]


def mutants_rule(tree):
    return [Finding(*finding) for finding in listed.findings(tree)]


def metric_page_rule(tree):
    return [Finding(*finding) for finding in metrics.findings(tree)]


def setting_page_rule(tree):
    return [Finding(*finding) for finding in pages.settings(tree)]


def command_page_rule(tree):
    return [Finding(*finding) for finding in pages.commands(tree)]


def failure_page_rule(tree):
    return [Finding(*finding) for finding in pages.failures(tree)]


RULES = {
    "include": include_rule, "home": home_rule, "link": link_rule, "pure": pure_rule,
    "const": const_rule, "order": order_rule, "file-size": size_rule,
    "class-size": class_rule, "function-size": function_rule,
    "format": format_rule, "leftover": leftover_rule, "machine-path": home_path_rule,
    "metric": metric_rule, "script": script_rule, "conformance": conformance_rule,
    "metric-page": metric_page_rule, "setting-page": setting_page_rule,
    "command-page": command_page_rule, "failure-page": failure_page_rule, "mutants": mutants_rule, "prose": prose_rule,
}


def median_lines(tree):
    """Median length of the programs' own source files (not the tests)."""
    sizes = [tree.text(p).count("\n") for p in tree.cpp() if layer_of(p)]
    return statistics.median(sizes) if sizes else 0
