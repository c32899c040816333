"""Random faults at random moments against one pair that is healed in between. Every few rounds a new pair
with other settings. Seed and round decide all: `--soak 1 --first ROUND --seed S` repeats one."""
import glob
import os
import random
import time

import pair
from soak_faults import FAULTS, draw
from testbed import LAB, Bed, Failed, expect, judge, peer_of
from witness import Witness

ROUNDS_PER_PAIR = 6
SMALL_DISK = ("--disk", "400m", "--set", "broker:journal.segment_bytes=4194304")
# A standby that is away for a second needs a snapshot.
SMALL_JOURNAL = ("--set", "broker:journal.segment_bytes=262144",
                 "--set", "broker:journal.bytes_max=1048576", "--set", "broker:checkpoint.interval_s=1")


class Soak:
    """One pair and its witnesses, for a few rounds."""

    def __init__(self, prefix, seed):
        self.rng = rng = random.Random(seed)
        self.authority = rng.choices(("timeout", "manual"), (2, 1))[0]
        commit = rng.choices(("replicated", "replicated+synced"), (2, 1))[0]
        self.has_disk = rng.random() < 0.5
        self.options = ["--authority", self.authority, "--commit", commit,
                        "--set", f"agent:failover.damping_ms={rng.choice((100, 1000, 5000))}",
                        "--set", f"broker:checkpoint.interval_s={rng.choice((2, 10, 60))}"]
        self.restarts = rng.random() < 0.6
        if self.restarts:
            self.options.append("--restart")
        if self.has_disk:
            self.options += SMALL_DISK
        if rng.random() < 0.4:
            self.options += SMALL_JOURNAL
        self.rate = rng.choice((500, 1500, 4000))
        self.bed, self.witness = Bed("soak", prefix), None

    def up(self):
        print(f"soak: lab up {' '.join(self.options)}", flush=True)
        self.bed.up(*self.options)
        self.witness = Witness(self.rng.random())

    def round(self, rng, number):
        """Faults under load, healed at a random moment, all checked."""
        bed, primary = self.bed, self.bed.primary()
        chosen = draw(rng, self.authority, self.has_disk, self.restarts)
        print(f"soak {number}: {', '.join(f'{n} after {s:.2f} s' for n, s in chosen)}", flush=True)
        self.witness.begin_round()
        load = bed.load(seconds=8, pubs=20, subs=20, rate=self.rate)
        load.until(rng.uniform(0.5, 3))
        lost_early = rng.random() < 0.5
        if lost_early:
            self.witness.lose_mortal()
        for name, pause in chosen:
            time.sleep(pause)
            FAULTS[name].action(bed, primary, peer_of(primary), rng)
        time.sleep(rng.uniform(0.2, 8 if rng.random() < 0.3 else 2))
        if not lost_early:
            self.witness.lose_mortal()
        bed.lab("heal", timeout=120)
        result = load.finish()
        # On a machine that stalls an agent kills its broker, rightly, at any moment: also since.
        bed.lab("heal", timeout=120)
        bed.lab("wait", "30")
        judge(result)
        self.witness.end_round()
        bed.expect_same_history()
        self.expect_same_state()
        bed.expect_no_crash()
        self.expect_one_history()
        return result

    def expect_same_state(self):
        def hashes():
            return [pair.ask(LAB, node, "broker", "hash", timeout=5) for node in pair.NODES]

        def equal_lsn():
            one, other = hashes()
            return (one, other) if one["lsn"] == other["lsn"] else None
        found = []
        self.bed.wait("both nodes at the same record", 10,
                      lambda: found.append(equal_lsn()) or found[-1])
        one, other = found[-1]
        expect(one["hash"] == other["hash"], f"the states differ at record {one['lsn']}")

    def expect_one_history(self):
        kept = glob.glob(os.path.join(LAB, "[ab]", "data", "quarantine", "*"))
        expect(not kept, f"records that may have been acknowledged lost to another history: {kept}")

    def end(self, failed):
        if failed:
            self.bed.keep_evidence()
        if self.witness:
            self.witness.end()
        self.bed.end()


def run_pair(prefix, seed, numbers):
    """Rounds on one pair until one fails. How many passed."""
    passed, soak = 0, Soak(prefix, f"{seed}/{numbers[0] // ROUNDS_PER_PAIR}")
    try:
        soak.up()
        for number in numbers:
            result = soak.round(random.Random(f"{seed}/{number}"), number)
            passed += 1
            print(f"soak {number}: ok, gap {result['gap_ms']:.0f} ms, acknowledged "
                  f"{result['acknowledged']} and {soak.witness.load.acknowledged()}", flush=True)
        soak.witness.finish()
    except Failed as failure:
        print(f"soak {numbers[min(passed, len(numbers) - 1)]}: FAILED {failure}", flush=True)
        soak.end(True)
        return min(passed, len(numbers) - 1)
    except BaseException:
        soak.end(True)
        raise
    soak.end(False)
    return passed


def run(rounds, seed, prefix, first=0, minutes=None):
    """So many rounds, or as many pairs as are begun within so many minutes; ends with the first failure."""
    print(f"soak: {f'{minutes:g} minutes' if minutes else f'{rounds} rounds'}, seed {seed}", flush=True)
    end_at = time.monotonic() + 60 * minutes if minutes else None
    passed, failed, at = 0, 0, first
    while not failed and (time.monotonic() < end_at if end_at else at < first + rounds):
        end = (at // ROUNDS_PER_PAIR + 1) * ROUNDS_PER_PAIR
        numbers = list(range(at, end if end_at else min(end, first + rounds)))
        done = run_pair(prefix, seed, numbers)
        passed, failed, at = passed + done, int(done < len(numbers)), end
    print(f"{passed} passed, {failed} failed")
    return failed
