#!/usr/bin/python3
"""The pair in network namespaces with real keepalived: every row of the failure table, with its gap.

run.py [NAME...] [--list] [--prefix DIR] [--repeat N]
       --trials N [NAME...] [--seed S]: each N times at random moments (faults.py, `./run faults`)
       --soak N | --minutes M [--seed S] [--first ROUND]: random faults (soak.py, `./run soak`)
Writes build/ha-report.md; ends with `N passed, M failed`. A failed test leaves build/ha/NAME/.
"""
import argparse
import contextlib
import os
import random
import signal
import sys
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cases_clients  # noqa: E402,F401  (they register themselves)
import cases_death  # noqa: E402,F401
import cases_doctor  # noqa: E402,F401
import cases_gray  # noqa: E402,F401
import cases_network  # noqa: E402,F401
import cases_restart  # noqa: E402,F401
import cases_slow_sync  # noqa: E402,F401
import cases_status  # noqa: E402,F401
import cases_upgrade  # noqa: E402,F401
import faults  # noqa: E402
import soak  # noqa: E402
from registry import CASES  # noqa: E402
from testbed import FAULTS, ROOT, Bed, Failed, claim_lab, judge  # noqa: E402

REPORT = os.path.join(ROOT, "build", "ha-report.md")
CASE_SECONDS_MAX = 120


def on_alarm(_signal, _frame):
    raise Failed(f"not done after {CASE_SECONDS_MAX} s")


class Late(Failed):
    """All is right but the gap, which a shared machine that stood still may have made."""


def judge_case(case, result):
    judge(result)
    if case.limit_ms is not None and result["gap_ms"] > case.limit_ms:
        raise Late(f"gap of {result['gap_ms']:.0f} ms, limit {case.limit_ms} ms")


def try_case(case, prefix, shift_s=0.0, around=contextlib.nullcontext()):
    """A row of the report, (case, result or None, seconds to heal or None, error or None), and whether
    the error is only that it was late. The fault comes `shift_s` later than the case says; `around` is
    entered when the pair is up and left when it is whole again."""
    bed, result, healed, error, late = Bed(case.name, prefix, shift_s), None, None, None, False
    signal.signal(signal.SIGALRM, on_alarm)
    signal.alarm(CASE_SECONDS_MAX)
    try:
        bed.up(*(case.options() if callable(case.options) else case.options))
        before = bed.epoch()
        with around:
            result = case.run(bed)
            healed = bed.heal()
            result["changes"] = bed.epoch() - before
        bed.expect_same_history()
        bed.expect_no_crash()
        judge_case(case, result)
    except Failed as failure:
        error, late = str(failure), isinstance(failure, Late)
    except Exception:  # pylint: disable=broad-except  # a broken test must not hide the others
        error = traceback.format_exc()
    finally:
        signal.alarm(0)
        if error:
            bed.keep_evidence()
        bed.end()
    return (case, result, healed, error), late


def run_case(case, prefix):
    """As try_case, but a gap over the limit is measured once more; anything else that fails has failed."""
    row, late = try_case(case, prefix)
    if late:
        print(f"ha {case.name}: {row[-1]}; once more", flush=True)
        row, _ = try_case(case, prefix)
    return row


def milliseconds(value):
    return "-" if value is None else f"{value:.0f} ms"


def write_report(rows):
    lines = ["# Failover, measured",
             "Load: tandemq-bench failover, 50 publishers and 50 persistent subscribers, QoS 1 and 2, "
             "5,000 messages/s. The gap is the longest time without an acknowledgement.", "",
             "| test | what fails | gap | budget | acknowledged | " + " | ".join(FAULTS.values())
             + " | paired again | verdict |", "|---" * (7 + len(FAULTS)) + "|"]
    for case, result, healed, error in rows:
        figures = [result[k] if result else "-" for k in ("acknowledged", *FAULTS)]
        lines.append("| " + " | ".join(map(str, (
            case.name, case.what, milliseconds(result and result["gap_ms"]),
            milliseconds(case.budget_ms), *figures, "-" if healed is None else f"{healed:.1f} s",
            "ok" if not error else "**" + error.strip().splitlines()[-1][:160] + "**"))) + " |")
    os.makedirs(os.path.dirname(REPORT), exist_ok=True)
    with open(REPORT, "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")


def chosen(names, parser):
    unknown = set(names) - {c.name for c in CASES}
    if unknown:
        parser.error(f"no test {', '.join(sorted(unknown))} (--list)")
    return [c for c in CASES if c.name in names or not names and not c.apart]


def run_all(cases, options):
    rows, failed = [], 0
    for case in cases * options.repeat:
        begun = time.monotonic()
        row = run_case(case, options.prefix)
        rows.append(row)
        _, result, healed, error = row
        failed += bool(error)
        words = f"gap {result['gap_ms']:.0f} ms of {milliseconds(case.budget_ms)}" if result else ""
        print(f"ha {case.name}: {'FAILED' if error else 'ok'} {words} "
              f"{'' if healed is None else f'paired again after {healed:.1f} s '}"
              f"({time.monotonic() - begun:.0f} s)", flush=True)
        if error:
            print("  " + error.strip().replace("\n", "\n  "), flush=True)
        write_report(rows)
    print(f"report: {os.path.relpath(REPORT, ROOT)}")
    print(f"{len(rows) - failed} passed, {failed} failed")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--prefix")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--trials", type=int, metavar="N", help="each N times at random moments")
    parser.add_argument("--soak", type=int, metavar="N", help="N random faults at random moments")
    parser.add_argument("--minutes", type=float, metavar="M", help="as --soak, for so long")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--first", type=int, default=0, help="round of the soak to begin with")
    options = parser.parse_args()
    if options.list:
        for case in CASES:
            print(f"{case.name:28} {case.what}")
        return 0
    if os.getuid() != 0:
        parser.error("network namespaces need root")
    try:
        claim = claim_lab()  # noqa: F841  (held until the end)
    except Failed as failure:
        parser.error(str(failure))
    seed = options.seed if options.seed is not None else random.randrange(1 << 32)
    if options.soak or options.minutes:
        return soak.run(options.soak, seed, options.prefix, options.first, options.minutes)
    if options.trials:
        def trial(case, shift_s, around):
            return try_case(case, options.prefix, shift_s, around)[0]
        return faults.run(chosen(options.names, parser), options.trials, seed, trial)
    return run_all(chosen(options.names, parser), options)


if __name__ == "__main__":
    sys.exit(main())
