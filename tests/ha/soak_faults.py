"""What a soak does to a pair: name -> Fault. An action gets (bed, p, s, rng): the primary and the standby
of the moment at which the round begins; what they are by then, a second fault does not ask."""
import os
import shutil
import signal
import subprocess
import time
from collections import namedtuple

import pair
from testbed import LAB, LAB_SH, Failed

# `parts`: it may leave both nodes alive without any path between them. With the authority `timeout` two
# histories are then allowed (docs/failure-modes.md), so it is only done with `manual`.
# `disk`: needs nodes with a file system of their own. `dead`: needs daemons that stay dead when killed.
Fault = namedtuple("Fault", "action parts disk dead", defaults=(False, False, False))


def attempt(bed, *command):
    """For faults on top of faults: what is dead already cannot be killed."""
    try:
        bed.lab(*command)
    except Failed:
        pass


def send(bed, node, daemon, number):
    try:
        bed.signal(node, daemon, number)
    except (ProcessLookupError, FileNotFoundError, ValueError):
        pass


def kill(daemon, of):
    return Fault(lambda bed, p, s, rng: send(bed, (p, s)[of], daemon, signal.SIGKILL))


def stop(daemon, of):
    return Fault(lambda bed, p, s, rng: send(bed, (p, s)[of], daemon, signal.SIGTERM))


def hang(daemon, of):
    return Fault(lambda bed, p, s, rng: attempt(bed, "hang", (p, s)[of], daemon))


def lab(*words, parts=False, disk=False):
    """A command of the lab; P and S in it are the nodes."""
    def action(bed, p, s, _rng):
        attempt(bed, *({"P": p, "S": s}.get(word, word) for word in words))
    return Fault(action, parts, disk)


def order(of, *words):
    """An operator's order. A refusal is as good an answer as any."""
    def action(bed, p, s, _rng):
        subprocess.Popen([LAB_SH, "exec", (p, s)[of], "tandemqctl", *words],
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return Fault(action)


def ask(node, command, **arguments):
    try:
        pair.ask(LAB, node, "broker", command, **arguments)
    except pair.Unreachable:
        pass


def both_lose_power(bed, p, s, rng):
    nodes = [p, s]
    rng.shuffle(nodes)
    for node in nodes:
        attempt(bed, "kill", node, "host")
        time.sleep(rng.choice([0, 0.3, 1]))
    back = [p, s]
    rng.shuffle(back)
    for node in back:
        attempt(bed, "plug", node)
        attempt(bed, "start", node, "all")
        time.sleep(rng.choice([0, 0.5, 2]))


def both_brokers(bed, p, s, rng):
    for node in rng.sample([p, s], 2):
        send(bed, node, "broker", signal.SIGKILL)
        time.sleep(rng.choice([0, 0, 0.2]))


def agents_again(bed, p, s, rng):
    """Both agents die and come back: nothing may move."""
    for node in (p, s):
        send(bed, node, "agent", signal.SIGKILL)
    time.sleep(rng.uniform(0, 0.5))
    for node in rng.sample([p, s], 2):
        attempt(bed, "start", node, "agent")


def agent_dies_promoting(bed, p, s, rng):
    send(bed, p, "broker", signal.SIGKILL)
    time.sleep(rng.uniform(0, 0.06))
    send(bed, s, "agent", signal.SIGKILL)
    time.sleep(rng.uniform(0, 1))
    attempt(bed, "start", s, "agent")


def successor_dies(bed, p, s, rng):
    """The promoted node dies after a while of its own, and the old primary returns alone."""
    send(bed, p, "broker", signal.SIGKILL)
    time.sleep(rng.uniform(0.1, 1.5))
    attempt(bed, "kill", s, "host")
    attempt(bed, "start", p, "broker")
    time.sleep(rng.uniform(0.5, 3))


def standby_dies_at_checkpoint(bed, p, s, rng):
    ask(p, "checkpoint")
    send(bed, s, "broker", signal.SIGKILL)
    time.sleep(rng.uniform(0, 0.5))
    ask(p, "checkpoint")
    attempt(bed, "start", s, "broker")
    time.sleep(rng.uniform(0, 0.3))
    ask(p, "checkpoint")


def primary_dies_as_standby_returns(bed, p, s, rng):
    send(bed, s, "broker", signal.SIGKILL)
    time.sleep(rng.uniform(0.5, 1.5))
    attempt(bed, "start", s, "broker")
    time.sleep(rng.uniform(0, 0.6))
    send(bed, p, "broker", signal.SIGKILL)


def handover_cut_short(how):
    def action(bed, p, s, rng):
        order(0, "switchover").action(bed, p, s, rng)
        time.sleep(rng.uniform(0, 0.12))
        how.action(bed, p, s, rng)
    return Fault(action)


def data_deleted(bed, p, s, rng):
    """The standby loses its data folder and begins again; sometimes the old folder comes back. Never of
    a node that is not standby any more: it may be the only one to hold what was acknowledged."""
    def is_whole():
        status = bed.status(p)
        return status and status["role"] == "primary" and status["pair_state"] == "paired"

    if not is_whole():
        return
    data, kept = (os.path.join(LAB, s, name) for name in ("data", "data.kept"))
    send(bed, s, "broker", signal.SIGKILL)
    time.sleep(0.2)
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(data, kept)
    empty(data)
    attempt(bed, "start", s, "broker")
    time.sleep(rng.uniform(0.2, 2))
    if rng.random() < 0.5 or not is_whole():
        return
    send(bed, s, "broker", signal.SIGKILL)
    time.sleep(0.2)
    empty(data)
    shutil.copytree(kept, data, dirs_exist_ok=True)
    attempt(bed, "start", s, "broker")


def empty(folder):
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)


FAULTS = {
    **{f"{name} {daemon} {word}": make(daemon, of)
       for of, name in enumerate(("primary", "standby"))
       for daemon in ("broker", "agent", "keepalived")
       for make, word in ((kill, "killed"), (hang, "hung"))},
    "primary broker stopped": stop("broker", 0),
    "standby broker stopped": stop("broker", 1),
    "primary host killed": lab("kill", "P", "host"),
    "standby host killed": lab("kill", "S", "host"),
    "primary frozen": lab("cut", "node", "P"),
    "standby frozen": lab("cut", "node", "S"),
    "primary cable out": lab("cut", "lan", "P"),
    "standby cable out": lab("cut", "lan", "S"),
    "link cut": lab("cut", "link"),
    "link cut to standby": lab("cut", "link", "P", "S"),
    "link cut to primary": lab("cut", "link", "S", "P"),
    "link loses a fifth": lab("lose", "replica", "20"),
    "link slow": lab("slow", "replica", "4mbit"),
    "service network loses a tenth": lab("lose", "service", "10"),
    "vrrp cut": lab("cut", "vrrp"),
    "nothing to the standby": lab("cut", "oneway", "P", "S", parts=True),
    "nothing to the primary": lab("cut", "oneway", "S", "P", parts=True),
    "all paths cut": lab("cut", "all", parts=True),
    "primary disk full": lab("cut", "disk", "P", disk=True),
    "standby disk full": lab("cut", "disk", "S", disk=True),
    "switchover": order(0, "switchover"),
    "switchover, primary killed": handover_cut_short(kill("broker", 0)),
    "switchover, standby killed": handover_cut_short(kill("broker", 1)),
    "switchover, link cut": handover_cut_short(lab("cut", "link")),
    "operator promotes the standby": order(1, "promote"),
    "operator wants the primary solo": order(0, "solo"),
    "both hosts lose power": Fault(both_lose_power),
    "both brokers killed": Fault(both_brokers),
    "both agents killed, back": Fault(agents_again),
    "agent killed as it promotes": Fault(agent_dies_promoting),
    "successor dies, old primary returns": Fault(successor_dies),
    "standby dies at a checkpoint": Fault(standby_dies_at_checkpoint),
    "primary dies as the standby returns": Fault(primary_dies_as_standby_returns),
    "standby's data deleted": Fault(data_deleted, dead=True),
}


STARTS = (both_lose_power, agents_again, agent_dies_promoting, successor_dies, standby_dies_at_checkpoint,
          primary_dies_as_standby_returns, data_deleted)


def draw(rng, authority, has_disk, restarts):
    """One to three of them for a round, with a pause before each. [(name, seconds)]"""
    allowed = [name for name, f in FAULTS.items()
               if (authority == "manual" or not f.parts) and (has_disk or not f.disk)
               and not (restarts and f.dead)]
    number = rng.choices((1, 2, 3), (5, 4, 1))[0]
    chosen = [(name, rng.choice((0, 0.05, rng.uniform(0, 2)))) for name in rng.sample(allowed, number)]
    names = {name for name, _ in chosen}
    # An operator who promotes one node and lets the other go on alone has decided for two histories.
    if {"operator promotes the standby", "operator wants the primary solo"} & names and len(names) > 1:
        return chosen[:1]
    # What is started on a frozen host waits for the thaw, and the soak with it.
    if {"primary frozen", "standby frozen"} & names:
        chosen = [one for one in chosen if FAULTS[one[0]].action not in STARTS]
    return chosen
