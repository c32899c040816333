"""Random faults at random moments against one pair that is healed in between, never set up anew."""
import random
import signal
import time

from testbed import Bed, Failed, judge, peer_of

DAMPING = ("--set", "agent:failover.damping_ms=1000")


def faults(bed):
    """name -> what it does to the pair of the moment."""
    def on_primary(action):
        return lambda: action(bed.primary())

    def on_standby(action):
        return lambda: action(peer_of(bed.primary()))

    def stop(daemon):
        return lambda node: bed.signal(node, daemon, signal.SIGSTOP)

    return {
        "primary broker killed": on_primary(bed.kill_broker),
        "primary broker hung": on_primary(stop("broker")),
        "primary broker stopped": on_primary(lambda n: bed.signal(n, "broker", signal.SIGTERM)),
        "primary host killed": on_primary(lambda n: bed.lab("kill", n, "host")),
        "primary cable out": on_primary(lambda n: bed.lab("cut", "lan", n)),
        "primary keepalived killed": on_primary(lambda n: bed.lab("kill", n, "keepalived")),
        "primary agent killed": on_primary(lambda n: bed.signal(n, "agent", signal.SIGKILL)),
        "standby broker killed": on_standby(bed.kill_broker),
        "standby broker hung": on_standby(stop("broker")),
        "standby broker stopped": on_standby(lambda n: bed.signal(n, "broker", signal.SIGTERM)),
        "standby agent killed": on_standby(lambda n: bed.signal(n, "agent", signal.SIGKILL)),
        "link cut": lambda: bed.lab("cut", "link"),
        "vrrp cut": lambda: bed.lab("cut", "vrrp"),
        "switchover": on_primary(lambda n: bed.lab("exec", n, "tandemqctl", "switchover")),
    }


def one_round(bed, rng):
    """One fault under load, healed at a random moment, all checked. (fault, result)"""
    table = faults(bed)
    name = rng.choice(sorted(table))
    load = bed.load(seconds=8)
    load.until(rng.uniform(0.5, 4))
    table[name]()
    time.sleep(rng.uniform(0.2, 3))
    bed.lab("heal")
    result = load.finish()
    bed.lab("wait", "30")
    bed.expect_same_history()
    bed.expect_no_crash()
    try:
        judge(result)
    except Failed as failure:
        raise Failed(f"{name}: {failure}") from None
    return name, result


def run(rounds, seed, prefix):
    rng = random.Random(seed)
    print(f"soak: {rounds} rounds, seed {seed}", flush=True)
    bed, passed = Bed("soak", prefix), 0
    try:
        bed.up(*DAMPING)
        for number in range(1, rounds + 1):
            name, result = one_round(bed, rng)
            passed += 1
            print(f"soak {number}: {name}, gap {result['gap_ms']:.0f} ms, acknowledged "
                  f"{result['acknowledged']}", flush=True)
    except Failed as failure:
        print(f"soak {passed + 1}: FAILED {failure}")
        bed.keep_evidence()
    finally:
        bed.end()
    print(f"{passed} passed, {int(passed < rounds)} failed")
    return 0 if passed == rounds else 1
