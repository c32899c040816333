#!/usr/bin/python3
"""Checks the shape of the source: layers, sizes, formatting (rules.py). Ends with `N passed, M failed`.

tidy.py [--root DIR] [--rule NAME]... [--self-test]
"""
import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import rules  # noqa: E402
from source import Tree  # noqa: E402

EXCEPTIONS = "tests/tidy/exceptions.txt"


def read_exceptions(tree):
    """{(path, rule): reason}, and the lines that are no exception at all."""
    allowed, broken = {}, []
    if EXCEPTIONS not in tree.files:
        return allowed, broken
    for number, line in enumerate(tree.text(EXCEPTIONS).splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = [p.strip() for p in line.split("|")]
        if len(parts) != 3 or not parts[2] or parts[1] not in rules.RULES:
            broken.append(rules.Finding(EXCEPTIONS, number, "is not `path | rule | reason`"))
        else:
            allowed[parts[0], parts[1]] = parts[2]
    return allowed, broken


def check(tree, names):
    """Runs the rules; {rule: findings}. A recorded exception that is not needed is a finding."""
    allowed, broken = read_exceptions(tree)
    used, results = set(), {}
    for name in names:
        kept = []
        for finding in rules.RULES[name](tree):
            key = (finding.path, name)
            if key in allowed:
                used.add(key)
            else:
                kept.append(finding)
        results[name] = kept
    stale = [rules.Finding(path, 0, f"needs no exception from {rule} any more")
             for path, rule in allowed if rule in names and (path, rule) not in used]
    results["exceptions"] = broken + stale
    return results


def main():
    parser = argparse.ArgumentParser()
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("--root", default=os.path.dirname(os.path.dirname(here)))
    parser.add_argument("--rule", action="append", choices=list(rules.RULES))
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        import selftest  # pylint: disable=import-outside-toplevel
        return selftest.main(options.root)
    tree = Tree(options.root)
    results = check(tree, options.rule or list(rules.RULES))
    failed = 0
    for name, findings in results.items():
        print(f"tidy {name}: {'ok' if not findings else f'{len(findings)} findings'}")
        for finding in findings:
            print(f"  {finding.path}:{finding.line}: {finding.text}")
        failed += bool(findings)
    print(f"tidy median source file: {rules.median_lines(tree):.0f} lines "
          f"(target near {rules.MEDIAN_TARGET})")
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
