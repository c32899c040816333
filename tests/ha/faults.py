"""Cases of run.py again and again, at random moments of their loads: how long, and whether anything was
ever lost. Writes build/faults.md and, a line for each trial, build/faults.jsonl."""
import contextlib
import json
import os
import random
import threading

from testbed import FAULTS, ROOT
from witness import Wills

REPORT = os.path.join(ROOT, "build", "faults.md")
TRIALS = os.path.join(ROOT, "build", "faults.jsonl")
# The cases break something 2.5 s after their load has begun, which has to run on for a while.
EARLIER_S, LATER_S = 1.5, 0.5
MORTAL_DIES_WITHIN_S = 6


@contextlib.contextmanager
def a_client_dies(rng):
    """At a moment of its own; its will must be published in the end."""
    wills = Wills(rng.random())
    try:
        wills.begin_round()
        death = threading.Timer(rng.uniform(0, MORTAL_DIES_WITHIN_S), wills.lose_mortal)
        death.start()
        try:
            yield
        finally:
            death.cancel()
            wills.lose_mortal()
        wills.end_round()
        wills.finish()
    finally:
        wills.end()


def quantile(values, share):
    """The smallest value that at least such a share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


def spread(values, form):
    if not values:
        return ["-"] * 3
    return [form.format(v) for v in (quantile(values, 0.5), quantile(values, 0.99), max(values))]


def table(trials, budgets, seed):
    """The report: a row for each case, in the order of the first trials."""
    head = ["case", "trials", "gap p50", "p99", "max", "budget", "acknowledged", *FAULTS.values(),
            "changes of reign, most", "paired again p50", "p99", "max", "failed"]
    lines = ["# Faults at random moments", f"Seed {seed}; the load is that of the failover tests. In each trial "
             "a client dies as well, and its will must be published (else the trial has failed).", "",
             "| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for name in dict.fromkeys(one["case"] for one in trials):
        mine = [one for one in trials if one["case"] == name]
        told = [one for one in mine if one["result"]]
        results = [one["result"] for one in told]
        budget = budgets[name]
        cells = [name, len(mine), *spread([r["gap_ms"] for r in results], "{:.0f} ms"),
                 "-" if budget is None else f"{budget} ms",
                 *(sum(r[key] for r in results) for key in ("acknowledged", *FAULTS)),
                 max((r.get("changes", 0) for r in results), default="-"),
                 *spread([one["healed_s"] for one in told if one["healed_s"] is not None], "{:.1f} s"),
                 sum(bool(one["error"]) for one in mine)]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"


def run(cases, count, seed, trial):
    """`trial(case, shift_s, around)` gives a row of run.py's report."""
    print(f"faults: {len(cases)} cases, {count} trials of each, seed {seed}", flush=True)
    trials, budgets = [], {case.name: case.budget_ms for case in cases}
    os.makedirs(os.path.dirname(REPORT), exist_ok=True)
    with open(TRIALS, "w", encoding="utf-8") as log:
        for number in range(count):
            for case in cases:
                rng = random.Random(f"{seed}/{case.name}/{number}")
                shift_s = rng.uniform(-EARLIER_S, LATER_S)
                around = contextlib.nullcontext() if case.tls else a_client_dies(rng)
                _, result, healed_s, error = trial(case, shift_s, around)
                trials.append({"case": case.name, "trial": number, "shift_s": shift_s,
                               "result": result, "healed_s": healed_s, "error": error})
                log.write(json.dumps(trials[-1]) + "\n")
                log.flush()
                gap = f"gap {result['gap_ms']:.0f} ms" if result else ""
                print(f"faults {case.name} {number}: {'FAILED ' + error if error else 'ok'} {gap}",
                      flush=True)
                with open(REPORT, "w", encoding="utf-8") as report:
                    report.write(table(trials, budgets, seed))
    failed = sum(bool(one["error"]) for one in trials)
    print(f"report: {os.path.relpath(REPORT, ROOT)}")
    print(f"{len(trials) - failed} passed, {failed} failed")
    return 1 if failed else 0
