#!/usr/bin/python3
"""Tests of tandemqd as a process, by topic: every function test_* of every test_*.py beside this file.

run.py [NAME...] [--list] [--prefix DIR] [--keep] [--jobs N]
NAME selects by a part of `file.function`. N tests run side by side (default: one for each core and
one more, as most of them wait most of the time), at last those that are @alone. Ends with `N passed, M failed`.
A failed test leaves its folder under build/blackbox/, a test that cannot run here says why and counts as skipped.
"""
import argparse
import glob
import importlib
import multiprocessing
import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections import namedtuple
from concurrent.futures import ProcessPoolExecutor, as_completed

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
from support.broker import Context  # noqa: E402
from support.expect import Failed, Skipped, is_alone, share_ports  # noqa: E402

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


# Of one test: why it failed or could not run, or None.
Outcome = namedtuple("Outcome", "name error skipped seconds")


def run_test(name, function, options):
    folder = os.path.join(FOLDER, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    context = Context(folder, options.prefix, random.Random(f"{options.seed}/{name}"))
    error = skipped = None
    begun = time.monotonic()
    signal.signal(signal.SIGALRM, on_alarm)
    signal.alarm(TEST_SECONDS_MAX)
    try:
        function(context)
        context.expect_no_crash()
    except Skipped as why:
        skipped = str(why)
    except Failed as failure:
        error = str(failure)
    except Exception:  # pylint: disable=broad-except  # a broken test must not hide the others
        error = traceback.format_exc()
    finally:
        signal.alarm(0)
        context.close()
        if not error and not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    return Outcome(name, error, skipped, time.monotonic() - begun)


def begin_worker(begun, jobs):
    """`begun` counts the workers; each has ports of its own."""
    with begun.get_lock():
        share_ports(begun.value, jobs)
        begun.value += 1


def run_side_by_side(tests, options):
    """The outcomes, as they come."""
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(options.jobs, fork, begin_worker, (fork.Value("i", 0), options.jobs)) as pool:
        try:
            for done in as_completed([pool.submit(run_test, *test, options) for test in tests]):
                yield done.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def run_tests(tests, options):
    if options.jobs > 1:
        yield from run_side_by_side([t for t in tests if not is_alone(t[1])], options)
        tests = [t for t in tests if is_alone(t[1])]
    for test in tests:
        yield run_test(*test, options)


def tell(outcome, seed):
    if outcome.skipped:
        print(f"skip  {outcome.name}: {outcome.skipped}", flush=True)
        return
    print(f"{'FAIL' if outcome.error else 'ok  '}  {outcome.name} {outcome.seconds:.1f} s"
          + (f"\n      {outcome.error}\n      seed {seed}, see {FOLDER}/{outcome.name}"
             if outcome.error else ""), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--prefix", default=os.path.join(ROOT, "build", "release", "bin"))
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() + 1)
    options = parser.parse_args()
    tests = find_tests(options.names)
    if options.list:
        print("\n".join(name for name, _ in tests))
        return 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)   # ends its workers, as an interrupt does
    failed = skipped = 0
    for outcome in run_tests(tests, options):
        tell(outcome, options.seed)
        failed += outcome.error is not None
        skipped += outcome.skipped is not None
    print(f"{len(tests) - failed - skipped} passed, {failed} failed"
          + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not tests else 0


if __name__ == "__main__":
    sys.exit(main())
