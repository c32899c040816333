"""What the cases measured: build/e2e.md, written anew after each case."""
import datetime
import glob
import math
import os
import textwrap
import threading
import time

from hosts import PACKAGES, ROOT

FILE = os.path.join(ROOT, "build", "e2e.md")
TEXT = """\
Written by `./run e2e` on {day}, of version {version}: {passed} of {cases} cases passed{rest}. What a case does is its
function in `tests/e2e/cases*.py`. Under load: 20 publishers and 20 persistent subscribers, QoS 1 and 2, every message
numbered. Gap: the longest in which nothing was acknowledged; a lease of 5 s, not 1.1, makes it as long where the standby
goes without a word, as the machine that runs tests stalls. Whole again: seconds from the fault, or from the begin of what
was planned, until both nodes said for good that all is well (0: they never said anything else)."""
TABLE = """\
| case | acknowledged under load | lost | twice (QoS 2) | gap (ms) | whole again (s) | case (s) |
|---|--:|--:|--:|--:|--:|--:|
"""


class Watch:
    """Asks both nodes twice a second whether all is well."""

    def __init__(self, pair):
        self.pair, self.begun, self.unwell, self.over = pair, time.monotonic(), 0.0, threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.over.wait(0.5):
            if not self.pair.is_whole():
                self.unwell = time.monotonic() - self.begun

    def whole_after(self):
        """In seconds; no more is asked."""
        self.over.set()
        self.thread.join()
        return math.ceil(self.unwell)


class Report:
    def __init__(self, cases):
        self.cases, self.rows, self.passed = cases, [], 0

    def add(self, name, passed, seconds, load):
        """`load` is the case's last one, or None."""
        self.passed += passed
        measured = ["–"] * 5
        if load and load.watch:
            measured[4] = load.watch.whole_after()
        if load and load.result:
            measured[:4] = (f"{load.result['acknowledged']:,}", load.result["lost"], load.result["qos2_duplicates"],
                            f"{load.result['longest_gap_ms']:.0f}")
        self.rows.append([name if passed else f"**FAILED** {name}", *measured, f"{seconds:.0f}"])
        self.write()

    def write(self):
        rest = "" if len(self.rows) == self.cases else f", {self.cases - len(self.rows)} not run yet"
        version = os.path.basename(glob.glob(os.path.join(PACKAGES, "tandemq-broker_*.deb"))[0]).split("_")[1]
        text = TEXT.format(day=datetime.date.today(), version=version, passed=self.passed, cases=self.cases, rest=rest)
        with open(FILE, "w", encoding="utf-8") as file:
            file.write("# The packages on two booted hosts, measured\n" + textwrap.fill(text, 118) + "\n\n" + TABLE)
            for row in self.rows:
                file.write("| " + " | ".join(str(cell) for cell in row) + " |\n")
