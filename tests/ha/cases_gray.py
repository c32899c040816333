"""Gray failures: what is broken lives on."""
import signal
import time

from cases_death import FAULT_AT_S, goes_on_alone, promoted_instead
from registry import case
from testbed import LEASE, expect, peer_of

# A client that connects to a stuck broker is accepted by the kernel, and waits 2 s for its CONNACK. On a slow
# machine that is all of them.
STUCK_MS = 4000
# A disk that can stand still, and a supervisor: whole again by itself afterwards.
DISK = ("--device", "300m", "--restart")


@case("primary's disk stands still for the rest of the test", budget_ms=600, limit_ms=STUCK_MS, options=DISK)
def disk_stalled(bed):
    old, load = promoted_instead(bed, lambda node: bed.lab("hang", node, "disk"))
    result = load.finish()
    expect(bed.primary() == peer_of(old), "the reign moved again")
    return result


@case("standby's disk stands still for the rest of the test", budget_ms=1000, limit_ms=3000, options=DISK)
def standby_disk_stalled(bed):
    _, load = goes_on_alone(bed, lambda node: bed.lab("hang", node, "disk"))
    return load.finish()


@case("standby host frozen, its cables in: its kernel takes connections that nobody answers",
      budget_ms=1500, limit_ms=4000, options=("--set", f"{LEASE}=1100"))
def standby_host_paused(bed):
    _, load = goes_on_alone(bed, lambda node: bed.lab("hang", node, "host"))
    return load.finish()


@case("primary host frozen for 4 s, its cables in", budget_ms=400, limit_ms=STUCK_MS)
def host_paused(bed):
    old, load = promoted_instead(bed, lambda node: bed.lab("hang", node, "host"))
    result = load.finish()
    bed.lab("heal", "--no-wait")
    bed.wait_role(old, "standby", 15)
    return result


def thawed(bed, stop):
    """The load begins when the new primary serves, and lasts over the moment in which the old one wakes."""
    old = bed.primary()
    stop(old)
    bed.wait_role(peer_of(old), "primary")
    load = bed.load()
    load.until(FAULT_AT_S)
    bed.lab("heal", "--no-wait")
    result = load.finish()
    expect(bed.primary() == peer_of(old), "the node that woke up took the reign back")
    return result


@case("a frozen host is thawed after its peer took over", budget_ms=100, limit_ms=600)
def host_thawed(bed):
    return thawed(bed, lambda node: bed.lab("hang", node, "host"))


def stop_daemons(bed, **load_options):
    def stop(node):
        for daemon in ("agent", "broker"):
            bed.signal(node, daemon, signal.SIGSTOP)
    _, load = promoted_instead(bed, stop, **load_options)
    return load.finish()


@case("broker and agent of the primary stuck (SIGSTOP), keepalived alive; clients that wait 1 s for an answer",
      budget_ms=400, limit_ms=1000)
def daemons_stuck(bed):
    return stop_daemons(bed, options=("--ping-timeout-ms", "1000"))


@case("the same behind a restart of the standby's agent, which its keepalived tells nothing", budget_ms=400,
      limit_ms=1000)
def daemons_stuck_new_agent(bed):
    standby = peer_of(bed.primary())
    bed.signal(standby, "agent", signal.SIGKILL)
    time.sleep(0.3)
    bed.lab("start", standby, "agent")
    time.sleep(2)
    expect(bed.agent(standby)["agent"]["vrrp"] == "BACKUP", "the new agent concludes what keepalived is in")
    return stop_daemons(bed, options=("--ping-timeout-ms", "1000"))


@case("the same, and every client gives up after 0.3 s, when the address is about to move", budget_ms=2400,
      limit_ms=STUCK_MS)
def daemons_stuck_impatient(bed):
    return stop_daemons(bed)


@case("broker of the primary dies for good while its agent restarts, before it counts as silent",
      budget_ms=1000, limit_ms=3000, options=("--set", "agent:failover.silence_ms=1500"))
def broker_dies_behind_its_agent(bed):
    def both(node):
        bed.signal(node, "agent", signal.SIGKILL)
        bed.kill_broker(node)
        bed.lab("start", node, "agent")
    old, load = promoted_instead(bed, both)
    result = load.finish()
    expect(bed.agent(old)["agent"]["state"] == "broker_down", "the new agent knows that its peer reigns")
    return result


@case("agent, then broker of the primary killed, no supervisor", budget_ms=400, limit_ms=2000)
def agent_then_broker_killed(bed):
    def both(node):
        bed.signal(node, "agent", signal.SIGKILL)
        bed.kill_broker(node)
    _, load = promoted_instead(bed, both)
    return load.finish()
