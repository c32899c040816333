#!/usr/bin/python3
"""Torments pairs of brokers at random and counts: no acknowledged message may get lost, none at
QoS 2 come twice, none out of order, and the pair must be well again afterwards. Not part of CI.

hunt.py [--minutes N] [--seed S] [--round SECONDS] [--prefix DIR]
Each round is a new pair with settings, load and faults drawn from seed and round number; a round
that fails leaves its folder under build/hunt/ and is repeated with `--seed S --first ROUND --rounds 1`.
"""
import argparse
import os
import random
import shutil
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.broker import Context  # noqa: E402
from support.expect import Failed, expect, wait_until  # noqa: E402
from support.load import Load  # noqa: E402
from support.pair import Pair, pause_process  # noqa: E402
from support.wire import Client  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def say(text):
    print(f"  {time.strftime('%H:%M:%S')} {text}", flush=True)


class Torment:
    """One fault after the other, each healed before the next unless it says otherwise."""

    def __init__(self, pair, load, dice):
        self.pair, self.load, self.dice = pair, load, dice

    def roles(self):
        primary = self.pair.primary()
        expect(primary is not None, "nobody leads")
        return primary, self.pair.other(primary)

    def wait(self, least, most):
        time.sleep(self.dice.uniform(least, most))

    def kill_primary(self):
        primary, standby = self.roles()
        primary.kill()
        self.wait(0, 0.1)
        self.pair.promote(standby)
        if self.dice.random() < 0.7:
            self.pair.solo(standby)
            self.wait(0, 1)
        primary.start(listening=False)

    def kill_standby(self):
        primary, standby = self.roles()
        standby.kill()
        if self.dice.random() < 0.7:
            self.pair.solo(primary)
            self.wait(0, 1)
        standby.start(listening=False)

    def kill_both(self):
        primary, standby = self.roles()
        both = [primary, standby]
        self.dice.shuffle(both)
        for node in both:
            node.kill()
        for node in both:
            node.start(listening=False)

        def agreed():
            for name, status in self.pair.statuses().items():
                if status["in_sync"]:
                    return self.pair.nodes[name]
            return None
        self.pair.promote(wait_until(agreed, "one of both knows that it holds everything", 5))

    def kill_alone(self):
        """The primary goes alone, dies and comes back alone: it may serve."""
        primary, standby = self.roles()
        standby.kill()
        self.pair.solo(primary)
        self.wait(0, 0.5)
        primary.kill()
        primary.start(listening=False)
        self.pair.promote(primary)
        self.pair.solo(primary)
        self.wait(0, 0.3)
        standby.start(listening=False)

    def kill_resyncing(self):
        """The standby is lost and comes back; one of both dies while it catches up."""
        primary, standby = self.roles()
        standby.kill()
        self.pair.solo(primary)
        self.wait(0.3, 1.5)
        if self.dice.random() < 0.5:
            primary.checkpoint()
        standby.start(listening=False)
        self.wait(0, 0.05)
        victim = self.dice.choice([primary, standby])
        victim.kill()
        if victim is primary and standby.status()["in_sync"]:
            self.pair.promote(standby)
            primary.start(listening=False)
            return
        victim.start(listening=False)
        if victim is primary:
            def allowed():
                return primary.status()["in_sync"] or standby.status()["in_sync"]
            wait_until(allowed, "one of both knows that it holds everything", 10)
            self.pair.promote(primary if primary.status()["in_sync"] else standby)

    def stop_primary(self):
        """The primary hangs, the standby takes over, the primary wakes up."""
        primary, standby = self.roles()
        primary.process.send_signal(signal.SIGSTOP)
        self.wait(0, 0.5)
        self.pair.promote(standby)
        if self.dice.random() < 0.7:
            self.pair.solo(standby)
            self.wait(0, 0.5)
        primary.process.send_signal(signal.SIGCONT)

    def stop_standby(self):
        for _ in range(self.dice.randint(1, 6)):
            pause_process(self.roles()[1], self.dice.uniform(0.02, 0.5))
            self.wait(0, 0.1)

    def stop_standby_solo(self):
        """An agent lets a hung standby lose sync before the primary goes on alone; here the
        standby hangs, so it is killed, as the agent would."""
        primary, standby = self.roles()
        standby.process.send_signal(signal.SIGSTOP)
        self.wait(0.3, 0.6)
        standby.kill()
        self.pair.solo(primary)
        self.wait(0, 0.5)
        standby.start(listening=False)

    def cut_link(self):
        relay = self.pair.relay
        how = self.dice.choice(["cut", "half", "stall", "refuse", "corrupt"])
        if how == "cut":
            relay.cut()
        elif how == "half":
            relay.half_close()
        elif how == "corrupt":
            relay.corrupt = 0.05
            self.wait(0.1, 0.6)
            relay.corrupt = 0.0
            relay.cut()
        else:
            relay.mode = how
            if how == "refuse":
                relay.cut()
            self.wait(0, 0.6)
            if self.dice.random() < 0.5:
                primary, standby = self.roles()
                self.pair_goes_apart(primary, standby)
            relay.mode = "pass"

    def pair_goes_apart(self, primary, standby):
        if self.dice.random() < 0.5:
            standby.control("lose_sync", reason="hunt")
            self.pair.solo(primary)
        else:  # the standby takes over; the old primary still thinks it leads
            self.pair.promote(standby)
            self.pair.solo(standby)
        self.wait(0, 0.7)

    def switchover(self):
        primary, _ = self.roles()
        try:
            primary.control("switchover", reason="hunt")
        except Failed as failure:
            say(f"switchover: {failure}")
            self.lead_again()

    def leave(self):
        _, standby = self.roles()
        standby.control("leave", reason="hunt")
        self.wait(0, 0.5)
        standby.kill()
        standby.start(listening=False)

    def stop_orderly(self):
        primary, standby = self.roles()
        victim = self.dice.choice([primary, standby])
        victim.stop()
        if victim is primary:
            self.pair.promote(standby)
        self.wait(0, 0.5)
        victim.start(listening=False)

    def demote(self):
        primary, standby = self.roles()
        primary.control("demote", reason="hunt")
        self.wait(0, 0.2)
        self.lead_again()

    def checkpoints(self):
        for _ in range(self.dice.randint(1, 5)):
            try:
                self.dice.choice(list(self.pair.nodes.values())).checkpoint()
            except Failed as failure:
                say(str(failure))

    def kick_clients(self):
        for session in self.load.publishers + self.load.subscribers:
            if self.dice.random() < 0.5:
                session.kick(self.dice.random() < 0.5)

    def kick_and_kill(self):
        self.kick_clients()
        self.kill_primary()

    def lead_again(self):
        if self.pair.primary():
            return

        def agreed():
            return [n for n, s in self.pair.statuses().items() if s["in_sync"]]
        names = wait_until(agreed, "one of both holds everything", 10)
        self.pair.promote(self.pair.nodes[self.dice.choice(names)])

    def heal(self, seconds=30):
        self.pair.relay.mode = "pass"
        self.pair.wait_paired(seconds)

    def one(self):
        fault = self.dice.choice([
            self.kill_primary, self.kill_primary, self.kill_standby, self.kill_both,
            self.kill_alone, self.kill_resyncing, self.kill_resyncing, self.stop_primary,
            self.stop_primary, self.stop_standby, self.stop_standby_solo, self.cut_link,
            self.cut_link, self.cut_link, self.switchover, self.switchover, self.leave,
            self.stop_orderly, self.demote, self.checkpoints, self.checkpoints,
            self.kick_clients, self.kick_and_kill])
        say(f"{fault.__name__} ({self.load.acknowledged()} acknowledged)")
        try:
            fault()
            self.heal()
        except Failed as failure:
            raise Failed(f"{fault.__name__}: {failure}") from None
        self.wait(0, 0.3)


def settings_of(dice):
    return {
        "replication_commit": dice.choice(["replicated", "replicated", "replicated+synced"]),
        "journal_segment_bytes": dice.choice([1 << 16, 1 << 20, 1 << 22]),
        "journal_bytes_max": dice.choice([1 << 20, 1 << 20, 1 << 22, 1 << 30]),
        "checkpoint_interval_s": dice.choice([1, 2, 3600]),
        "replication_sync_when_solo": dice.choice([True, True, False]),
    }


def settled(pair, load):
    load.pause()
    for subscriber in load.subscribers:
        subscriber.pause_s = 0
    try:
        wait_until(load.quiet, "all is acknowledged and has arrived", 40)
    except Failed:
        found = load.check()
        held = [f"{p.name} waits for {len(p.pending)} acknowledgements"
                for p in load.publishers if p.pending]
        raise Failed("; ".join(found + held) or "receivers have not released all") from None
    fresh = Client(pair.primary().port, "fresh", version=4, clean=True)
    fresh.subscribe("load/#", 0)
    got = {p.topic: p.payload for p in fresh.drain(0.5) if p.retain}
    fresh.disconnect()
    found = load.check() + load.wrong_retained(got)
    expect(not found, "; ".join(found[:6]))
    pair.expect_same_state()


def round_of(context, dice, seconds):
    settings = settings_of(dice)
    say(" ".join(f"{k.split('_', 1)[1]}={v}" for k, v in settings.items()))
    pair = Pair(context, relay=True, **settings).start()
    load = Load(pair.ports, random.Random(dice.random()))
    load.pause_s = dice.choice([0.0, 0.002, 0.01])
    context.cleanups.append(load.stop)
    for _ in range(2):
        load.subscriber(dice.choice([4, 5]), pause_s=dice.choice([0, 0, 0.005]))
    if dice.random() < 0.4:
        for _ in range(2):
            load.subscriber(5, "$share/group/load/#")
    wait_until(lambda: all(s.subscribed for s in load.subscribers), "all are subscribed")
    size = dice.choice([20, 500, 20000, 20000, 900_000])
    load.backlog_max = 50 if size > 20000 else 2000
    for qos in (1, 2, dice.choice([1, 2])):
        load.publisher(qos, dice.choice([4, 5]), dice.choice([1, 10, 100]),
                       size, dice.random() < 0.3)
    torment = Torment(pair, load, dice)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if max(p.next_number for p in load.publishers) > 20000:
            break
        torment.one()
        expect(not load.violations, "; ".join(load.violations))
    settled(pair, load)
    say(f"{load.acknowledged()} messages acknowledged, "
        f"{sum(s.connects for s in load.publishers + load.subscribers)} connects")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=1 << 30)
    parser.add_argument("--round", type=float, default=20, help="seconds of faults in a round")
    parser.add_argument("--prefix", default=os.path.join(ROOT, "build", "release", "bin"))
    options = parser.parse_args()
    end = time.monotonic() + options.minutes * 60
    failed = number = 0
    for number in range(options.first, options.first + options.rounds):
        if time.monotonic() > end:
            break
        folder = os.path.join(ROOT, "build", "hunt", f"{options.seed}-{number}")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        dice = random.Random(f"{options.seed}/{number}")
        context = Context(folder, options.prefix, dice)
        print(f"round {number} of seed {options.seed}", flush=True)
        try:
            round_of(context, dice, options.round)
            context.expect_no_crash()
            shutil.rmtree(folder)
        except (Failed, OSError) as failure:
            failed += 1
            print(f"FAIL  {type(failure).__name__}: {failure}\n      see {folder}", flush=True)
        finally:
            context.close()
    print(f"{number - options.first + 1} rounds, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
