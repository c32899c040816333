"""Breaks each rule on purpose in a copy of the tree and sees the rule fail, and only then."""
import os
import shutil
import tempfile

import rules
from source import Tree, cpp_functions
import tidy


def long_function(lines):
    return "void f(int x) {\n" + "  (void)x;\n" * (lines - 2) + "}\n"


def long_class(lines, functions=0):
    """A class with a declaration of `lines` lines and that many functions of 50 beside it."""
    inside = "".join(f"  int x{i};\n" for i in range(lines - 2))
    return "class C {\n" + inside + "};\n" + "".join(
        f"void C::f{i}(int x) {{\n" + "  (void)x;\n" * 48 + "}\n" for i in range(functions))


# rule, file to write (relative), its text; a text beginning with + is appended to the file.
BREAKS = [
    ("include", "broker/base/bad.h", '#include "broker/core/state.h"\n'),
    ("include", "broker/core/bad.h", '#include "replicator/core/frame.h"\n'),
    ("include", "broker/core/bad.h", "#include <nlohmann/json.hpp>\n"),
    ("include", "broker/core/bad.h", "#include <chrono>\n"),
    ("include", "broker/mqtt/bad.h", "#include <event2/buffer.h>\n"),
    ("include", "replicator/core/bad.h", "#include <sys/socket.h>\n"),
    ("include", "replicator/shell/bad.cpp", "#include <sqlite3.h>\n"),
    ("include", "failover/core/bad.h", "#include <random>\n"),
    ("include", "failover/shell/bad.h", '#include "broker/shell/node.h"\n'),
    ("include", "broker/shell/sub/bad.h", '#include "failover/shell/config.h"\n'),
    ("include", "broker/shell/bad.cpp", '#include "bad.h"\n'),
    ("include", "broker/net/bad.h", '#include "broker/mqtt/packet.h"\n'),
    ("include", "broker/net/bad.h", '#include "broker/core/effects.h"\n'),
    ("include", "broker/clients/bad.h", '#include "broker/config/config.h"\n'),
    ("include", "broker/clients/bad.h", "#include <sys/socket.h>\n"),
    ("include", "broker/clients/bad.h", "#include <event2/event.h>\n"),
    ("include", "broker/support/bad.h", '#include "broker/net/transport.h"\n'),
    ("home", "broker/extra/bad.cpp", "int x;\n"),
    ("link", "broker/core/CMakeLists.txt", "tandemq_layer(tmq_core LINK tmq_base SQLite::SQLite3)\n"),
    ("link", "broker/net/CMakeLists.txt", "tandemq_layer(tmq_net LINK tmq_base tmq_mqtt)\n"),
    ("link", "broker/clients/CMakeLists.txt",
     "tandemq_layer(tmq_clients LINK tmq_core PkgConfig::EVENT)\n"),
    ("link", "failover/core/CMakeLists.txt",
     "tandemq_layer(tmq_failover_core LINK tmq_base tmq_broker_shell)\n"),
    ("link", "failover/ctl/CMakeLists.txt",
     "target_link_libraries(tandemqctl PRIVATE tmq_failover_shell\n  tmq_repl_core)\n"),
    ("pure", "broker/core/bad.cpp", "auto x = std::chrono::steady_clock::now();\n"),
    ("pure", "failover/core/bad.cpp", 'void f() { std::printf("x"); }\n'),
    ("pure", "broker/mqtt/bad.cpp", 'void f() { std::fputs("x", stderr); }\n'),
    ("const", "broker/core/bad.h", "struct Session {\n  mutable int scratch = 0;\n};\n"),
    ("const", "broker/core/bad.cpp", "void f(const int& x) { const_cast<int&>(x) = 1; }\n"),
    ("order", "broker/core/bad.cpp",
     "std::unordered_map<int, int> table_;\nvoid f() { for (auto& [k, v] : table_) g(k, v); }\n"),
    ("file-size", "broker/core/bad.cpp", "int x;\n" * 401),
    ("file-size", "tests/ha/bad.py", "x = 1\n" * 401),
    ("class-size", "broker/core/bad.h", long_class(600)),
    ("class-size", "broker/core/bad.h", long_class(400, 4)),
    ("function-size", "broker/core/bad.cpp", long_function(81)),
    ("function-size", "broker/core/bad.h", "template <class T>\nstruct S {\n" + long_function(81) + "};\n"),
    ("function-size", "tests/ha/bad.py", "def f():\n" + "    g()\n" * 81),
    ("function-size", "tests/ha/bad.sh", "set -eu\nf() {\n" + "  true\n" * 80 + "}\n"),
    ("format", "broker/core/bad.cpp", "int  x ;\n"),
    ("leftover", "broker/core/bad.cpp", "// TO" + "DO later\n"),
    ("machine-path", "docs/bad.md", "see /ho" + "me/someone/notes\n"),
    ("metric", "broker/shell/bad.cpp", 'auto& f = BuildCounter().Name("messages_total");\n'),
    ("metric", "broker/shell/bad.cpp", 'const char* name = "broker_restarts_total";\n'),
    ("metric-page", "broker/shell/bad.cpp",
     'void f(Table& table) { table.gauge("tandemq_bad", "Not on the page", 1); }\n'),
    ("setting-page", "broker/config/bad.cpp", 'in.number("bad", limits.bad, 1);\n'),
    ("setting-page", "failover/shell/bad.cpp", 'r.text("bad", c.bad);\n'),
    ("command-page", "broker/shell/bad.cpp", 'if (command == "bad") return;\n'),
    ("command-page", "failover/shell/bad.cpp", 'if (command == "bad") return;\n'),
    ("failure-page", "docs/failure-modes.md", "+| nothing | nobody | nothing | no-such-case |\n"),
    ("failure-page", "docs/failure-modes.md", "+| nothing | nobody | nothing | blackbox: no such test |\n"),
    ("failure-page", "tests/ha/cases_bad.py", '@case("bad")\ndef bad_case(bed):\n    pass\n'),
    ("command-page", "docs/control-protocol.md", "| cmd | |\n|---|---|\n| `bad` | |\n"),
    ("setting-page", "docs/configuration.md", "```toml\nbad = 1\n```\n"),
    ("metric-page", "failover/shell/bad.cpp", 'auto& f = BuildCounter().Name("tandemq_bad");\n'),
    ("conformance", "docs/conformance.md", "+| 5:9.9.9-9 | A statement without a test |  |\n"),
    ("conformance", "tests/blackbox/test_bad.py", 'def test_x(_ctx):\n    """[5:9.9.9-9]"""\n'),
    ("mutants", "docs/mutants.md", "+| a fault that is not listed |  |  |\n"),
    ("mutants", "tests/mutants/mutants.toml", '+[[mutant]]\nname = "x"\nfile = "broker/base/bytes.h"\n'
     'old = "stands nowhere"\nnew = ""\nfound_by = "test_base"\n'),
    ("prose", "docs/bad.md", "word " * 25 + "\n"),
    ("script", "tests/ha/bad.sh", "if true; then\n"),
    ("script", "tests/ha/bad.sh", "#!/bin/bash\ntrue\n"),
    ("exceptions", tidy.EXCEPTIONS, "+broker/base/bytes.h | file-size | not needed at all\n"),
    ("exceptions", tidy.EXCEPTIONS, "+broker/base/bytes.h is fine\n"),
]

# Things that look like a breach and are none.
FINE = [
    ("include", "broker/core/good.h", '// #include <event2/event.h>\n#include <vector>\n'),
    ("include", "failover/shell/good.h", '#include "broker/base/result.h"\n'),
    ("include", "broker/clients/good.h", '#include "broker/net/transport.h"\n'),
    ("class-size", "broker/core/good.h", long_class(590)),
    ("function-size", "broker/core/good.cpp", long_function(80)),
    ("leftover", "docs/pictures/good.png", "TO" + "DO\n"),
    ("function-size", "broker/core/good.cpp",
     "namespace a {\n" + "void f(char c = '{') {\n}\n" * 90 + "}  // namespace a\n"),
    ("prose", "docs/good.md", "word " * 23 + "\n| " + "word " * 25 + "|\n```\n" + "word " * 25 + "\n```\n"),
    ("pure", "broker/core/good.cpp", "void f(char* b) { std::snprintf(b, 9, operand(3)); }\n"),
    ("pure", "broker/core/good.cpp", "// not steady_clock::now(), std::printf\nint x = 1'000;\n"),
    ("order", "broker/core/good.cpp",
     "std::unordered_map<int, int> table_;\nstd::map<int, int> ordered_;\n"
     "void f() { for (auto& [k, v] : ordered_) g(k, v); }\n"),
]


def findings_with(root, rule, path, text):
    """Findings of the rule that the written file adds to those the tree has anyway."""
    target = os.path.join(root, path)
    before = None
    if os.path.exists(target):
        with open(target, encoding="utf-8") as f:
            before = f.read()
    names = [rule] if rule in rules.RULES else list(set(rules.RULES) - {"format"})
    known = set(tidy.check(Tree(root), names)[rule])
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "w", encoding="utf-8") as f:
        f.write((before or "") + text[1:] if text.startswith("+") else text)
    found = [f for f in tidy.check(Tree(root), names)[rule] if f not in known]
    if before is None:
        os.remove(target)
    else:
        with open(target, "w", encoding="utf-8") as f:
            f.write(before)
    return found


def copy_tree(tree, to):
    for path in tree.files:
        target = os.path.join(to, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(os.path.join(tree.root, path), target)


def main(root):
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="tandemq-tidy-") as copy:
        copy_tree(Tree(root), copy)
        for want, cases in ((True, BREAKS), (False, FINE)):
            for rule, path, text in cases:
                found = findings_with(copy, rule, path, text)
                good = bool(found) == want
                passed, failed = passed + good, failed + (not good)
                if not good:
                    print(f"tidy self-test: {rule} {'missed' if want else 'wrongly refused'} "
                          f"{text[:60]!r} in {path}: {found}")
        untested = set(rules.RULES) - {rule for rule, _, _ in BREAKS}
        if untested:
            failed += 1
            print(f"tidy self-test: rules never broken: {sorted(untested)}")
    spans = list(cpp_functions("class A : B<int> {\n  int f() const {\n    return 1;\n  }\n};\n"))
    if [s[:2] for s in spans] != [(2, 4)]:
        failed += 1
        print(f"tidy self-test: wrong spans {spans}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0
