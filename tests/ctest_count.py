#!/usr/bin/python3
"""Counts the cases in ctest's LastTest.log and prints `N passed, M failed`.

doctest programs count by test case, programs that print `N passed, M failed` by that line, every other
program as one.
"""
import re
import sys

_BEGIN = re.compile(r"^\d+/\d+ Testing: (.+)$", re.M)
_DOCTEST = re.compile(r"^\[doctest\] test cases:\s*\d+ \|\s*(\d+) passed \|\s*(\d+) failed", re.M)
_COUNTED = re.compile(r"^(\d+) passed, (\d+) failed", re.M)


def count(log):
    passed = failed = 0
    starts = [m.start() for m in _BEGIN.finditer(log)] + [len(log)]
    for begin, end in zip(starts, starts[1:]):
        section = log[begin:end]
        lines = _DOCTEST.findall(section) or _COUNTED.findall(section)
        good, bad = (sum(int(line[i]) for line in lines) for i in (0, 1))
        ok = "\nTest Passed." in section
        if not lines:
            good, bad = int(ok), int(not ok)
        elif not ok and not bad:  # it crashed, or a sanitizer stopped it
            bad = 1
        passed, failed = passed + good, failed + bad
    return passed, failed


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8", errors="replace") as f:
        print("%d passed, %d failed" % count(f.read()))
