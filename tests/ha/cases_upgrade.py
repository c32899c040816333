"""Nodes of two releases: the next one is a test build with more to say (docs/decisions/versions.md)."""
import os
import signal

from registry import case
from testbed import LAB, expect, peer_of


def next_release(bed):
    folder = os.path.join(os.path.dirname(os.path.dirname(bed.bin)), "next", "bin")
    expect(os.path.exists(os.path.join(folder, "tandemq-agent")),
           f"there is no {folder}/tandemq-agent: ./run build next tandemqd tandemq-agent")
    return folder


def replace(bed, node, folder):
    """What a package upgrade does to a node: its agent, then its broker, stopped in good order and
    started as another program."""
    with open(os.path.join(LAB, node, "programs"), "w", encoding="utf-8") as f:
        f.write(folder)
    for daemon in ("agent", "broker"):
        pid = bed.pid(node, daemon)
        bed.signal(node, daemon, signal.SIGTERM)
        bed.wait(f"the {daemon} of {node} has ended", 10,
                 lambda pid=pid: not os.path.exists(f"/proc/{pid}"))
        bed.lab("start", node, daemon)
    bed.lab("wait", "30")


def agreed(bed):
    return {bed.status(node)["agreed"] for node in ("a", "b")}


@case("both nodes upgraded under load: the standby, switchover, the other one")
def upgrade(bed):
    folder = next_release(bed)
    first = bed.primary()
    before = agreed(bed)
    load = bed.load(seconds=25)
    load.until(1)
    replace(bed, peer_of(first), folder)
    expect(agreed(bed) == before, "a record may be written that the older node cannot read")
    load.until(6)
    bed.lab("exec", first, "tandemqctl", "switchover")
    bed.wait_role(peer_of(first), "primary", 10)
    bed.lab("wait", "30")
    replace(bed, first, folder)
    bed.wait("both agree on more", 10, lambda: agreed(bed) != before and len(agreed(bed)) == 1)
    for node in ("a", "b"):
        peer = bed.agent(node)["peer"]
        expect(peer["version"].endswith("+next"), f"the agent of {node} says {peer}")
    return load.finish()


@case("a pair of two releases: the primary, which is the newer one, is killed (-9)")
def mixed_broker_killed(bed):
    folder = next_release(bed)
    old = bed.primary()
    replace(bed, peer_of(old), folder)
    bed.lab("exec", old, "tandemqctl", "switchover")
    bed.wait_role(peer_of(old), "primary", 10)
    bed.lab("wait", "30")
    load = bed.load(seconds=6)
    load.until(2)
    bed.kill_broker(peer_of(old))
    bed.wait_role(old, "primary", 10)
    return load.finish()
