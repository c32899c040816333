#!/usr/bin/python3
"""Tests of tandemqd as a process, by topic: every function test_* of every test_*.py beside this file.

run.py [NAME...] [--list] [--prefix DIR] [--keep]
NAME selects by a part of `file.function`. Ends with `N passed, M failed`. A failed test leaves its
folder under build/blackbox/, a test that cannot run here says why and counts as skipped.
"""
import argparse
import glob
import importlib
import os
import random
import shutil
import signal
import sys
import time
import traceback

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
from support.broker import Context  # noqa: E402
from support.expect import Failed, Skipped  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(HERE))
FOLDER = os.path.join(ROOT, "build", "blackbox")
TEST_SECONDS_MAX = 120


def find_tests(names):
    tests = []
    for path in sorted(glob.glob(os.path.join(HERE, "test_*.py"))):
        module = importlib.import_module(os.path.basename(path)[:-3])
        for name, function in vars(module).items():
            full = f"{module.__name__[5:]}.{name[5:]}"
            if name.startswith("test_") and (not names or any(n in full for n in names)):
                tests.append((full, function))
    return tests


def on_alarm(_signal, _frame):
    raise Failed(f"not done after {TEST_SECONDS_MAX} s")


def run_test(name, function, prefix, keep, seed):
    """None, or why it failed."""
    folder = os.path.join(FOLDER, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    context = Context(folder, prefix, random.Random(f"{seed}/{name}"))
    error = None
    signal.signal(signal.SIGALRM, on_alarm)
    signal.alarm(TEST_SECONDS_MAX)
    try:
        function(context)
        context.expect_no_crash()
    except Skipped:
        raise
    except Failed as failure:
        error = str(failure)
    except Exception:  # pylint: disable=broad-except  # a broken test must not hide the others
        error = traceback.format_exc()
    finally:
        signal.alarm(0)
        context.close()
        if not error and not keep:
            shutil.rmtree(folder, ignore_errors=True)
    return error


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--prefix", default=os.path.join(ROOT, "build", "release", "bin"))
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    tests = find_tests(options.names)
    if options.list:
        print("\n".join(name for name, _ in tests))
        return 0
    failed = skipped = 0
    for name, function in tests:
        begun = time.monotonic()
        try:
            error = run_test(name, function, options.prefix, options.keep, options.seed)
        except Skipped as why:
            skipped += 1
            print(f"skip  {name}: {why}", flush=True)
            continue
        failed += error is not None
        print(f"{'FAIL' if error else 'ok  '}  {name} {time.monotonic() - begun:.1f} s"
              + (f"\n      {error}\n      seed {options.seed}, see {FOLDER}/{name}" if error else ""),
              flush=True)
    print(f"{len(tests) - failed - skipped} passed, {failed} failed"
          + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not tests else 0


if __name__ == "__main__":
    sys.exit(main())
