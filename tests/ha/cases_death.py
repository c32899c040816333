"""Processes and hosts that die or hang."""
import os
import signal
import time

from registry import case
from testbed import LAB, LEASE, ROOT, VIRTUAL_IP, VIRTUAL_IP6, expect, peer_of
from support.pki import Pki  # testbed has put it into reach

PKI = os.path.join(ROOT, "build", "ha", "pki")

FAULT_AT_S = 2.5   # of the load's 6 s


def promoted_instead(bed, fault, seconds=10, **load_options):
    """Load, then fault(primary); the other node must be primary with the next epoch."""
    old = bed.primary()
    epoch = bed.epoch()
    load = bed.load(**load_options)
    load.until(FAULT_AT_S)
    fault(old)
    bed.wait_role(peer_of(old), "primary", seconds)
    expect(bed.epoch() == epoch + 1, f"one change of reign was due, {bed.epoch() - epoch} happened")
    return old, load


def goes_on_alone(bed, fault, seconds=15):
    """Load, then fault(standby); the primary must go solo in its own reign."""
    primary = bed.primary()
    load = bed.load(seconds=12)
    load.until(FAULT_AT_S)
    fault(peer_of(primary))
    bed.wait_role(primary, "primary", seconds, pair_state="solo")
    return primary, load


@case("primary broker killed (-9)", budget_ms=100, limit_ms=1000)
def broker_killed(bed):
    _, load = promoted_instead(bed, bed.kill_broker)
    return load.finish()


def by_tls():
    cert, key = Pki(PKI).issue("broker", names=f"IP:{VIRTUAL_IP}")
    secret = os.path.join(PKI, "tickets")
    with open(secret, "w", encoding="utf-8") as file:
        file.write("the same on both nodes\n")
    os.chmod(secret, 0o600)
    settings = {"listener.certfile": cert, "listener.keyfile": key, "tls.ticket_secret_file": secret}
    return [word for name, path in settings.items() for word in ("--set", f'broker:{name}="{path}"')]


@case("primary broker killed (-9), clients by TLS", budget_ms=150, limit_ms=1000, options=by_tls,
      tls=True)
def tls_clients(bed):
    trusted = os.path.join(PKI, "authority.pem")
    _, load = promoted_instead(bed, bed.kill_broker, options=("--tls-ca", trusted))
    result = load.finish()
    sessions, handshakes = load.full["sessions"], load.full["tls_handshakes"]
    expect(handshakes["full"] == sessions, f"{handshakes['full']} full handshakes of {sessions} clients")
    expect(handshakes["resumed"] >= sessions, f"{handshakes['resumed']} resumed at the other node")
    return result


@case("primary broker hung (SIGSTOP)", budget_ms=400, limit_ms=2000)
def broker_hung(bed):
    old, load = promoted_instead(bed, lambda node: bed.signal(node, "broker", signal.SIGSTOP))
    bed.wait("the hung broker is killed by its agent", 5, lambda: bed.status(old) is None)
    return load.finish()


@case("primary host gone (power)", budget_ms=400, limit_ms=2000)
def host_killed(bed):
    _, load = promoted_instead(bed, lambda node: bed.lab("kill", node, "host"))
    return load.finish()


@case("primary host gone, clients on the IPv6 address of two", budget_ms=400, limit_ms=2000,
      options=("--ipv6",))
def two_families(bed):
    def both(node):
        return [bed.holds_address(node, address) for address in (VIRTUAL_IP, VIRTUAL_IP6)]
    heir = peer_of(bed.primary())
    expect(not any(both(heir)), "the standby has an address")
    old, load = promoted_instead(bed, lambda node: bed.lab("kill", node, "host"), host=VIRTUAL_IP6)
    bed.wait("both addresses are at the new primary", 2, lambda: all(both(heir)))
    result = load.finish()
    bed.heal()
    expect(all(both(heir)) and not any(both(old)), "an address has moved when the host returned")
    return result


@case("primary host frozen with its cables out, thawed later", budget_ms=400, limit_ms=2000)
def host_frozen(bed):
    old, load = promoted_instead(bed, lambda node: bed.lab("cut", "node", node))
    result = load.finish()
    bed.lab("heal", "--no-wait")   # it wakes up believing that it is primary
    bed.wait_role(old, "standby", 15)
    expect(bed.primary() == peer_of(old), "the node that woke up took the reign back")
    return result


@case("keepalived killed (-9) on primary", budget_ms=400, limit_ms=2000)
def keepalived_killed(bed):
    old, load = promoted_instead(bed, lambda node: bed.lab("kill", node, "keepalived"))
    bed.wait("the old primary dropped the address", 5, lambda: not bed.holds_address(old))
    return load.finish()


@case("agent killed (-9) on primary", budget_ms=0, limit_ms=1000)
def agent_killed(bed):
    primary, epoch = bed.primary(), bed.epoch()
    load = bed.load()
    load.until(FAULT_AT_S)
    bed.signal(primary, "agent", signal.SIGKILL)
    result = load.finish()
    expect((bed.primary(), bed.epoch()) == (primary, epoch), "something moved")
    return result


@case("agent killed (-9) on standby", budget_ms=0, limit_ms=1000)
def standby_agent_killed(bed):
    primary, epoch = bed.primary(), bed.epoch()
    load = bed.load()
    load.until(FAULT_AT_S)
    bed.signal(peer_of(primary), "agent", signal.SIGKILL)
    result = load.finish()
    expect((bed.primary(), bed.epoch()) == (primary, epoch), "something moved")
    return result


@case("standby broker killed (-9)", budget_ms=400, limit_ms=3000)
def standby_broker_killed(bed):
    _, load = goes_on_alone(bed, bed.kill_broker)
    return load.finish()


@case("standby host gone (power): its lease and a margin", budget_ms=1500, limit_ms=4000,
      options=("--set", f"{LEASE}=1100"))
def standby_host_killed(bed):
    _, load = goes_on_alone(bed, lambda node: bed.lab("kill", node, "host"))
    return load.finish()


@case("standby stopped in good order (Goodbye)", budget_ms=0, limit_ms=1500)
def standby_leaves(bed):
    _, load = goes_on_alone(bed, lambda node: bed.signal(node, "broker", signal.SIGTERM))
    return load.finish()


@case("primary broker stopped in good order (SIGTERM)", budget_ms=100, limit_ms=1000)
def broker_stopped(bed):
    _, load = promoted_instead(bed, lambda node: bed.signal(node, "broker", signal.SIGTERM))
    return load.finish()


@case("two deaths: primary killed, healed, its successor killed", budget_ms=100, limit_ms=1500,
      options=("--set", "agent:failover.damping_ms=1000"))
def two_deaths(bed):
    first, load = promoted_instead(bed, bed.kill_broker)
    one = load.finish()
    bed.heal()
    second, load = promoted_instead(bed, bed.kill_broker)
    expect(first != second, "the same node was primary twice")
    two = load.finish()
    return {k: max(one[k], two[k]) if k == "gap_ms" else one[k] + two[k] for k in one}


@case("a host dies 3 s after its peer's broker did", budget_ms=400, limit_ms=2000)
def two_deaths_in_a_row(bed):
    first, load = promoted_instead(bed, bed.kill_broker)
    load.finish()
    bed.heal()
    time.sleep(3)
    second, load = promoted_instead(bed, lambda node: bed.lab("kill", node, "host"))
    expect(first != second, "the same node was primary twice")
    return load.finish()


@case("authority manual, primary's host gone: one command serves", limit_ms=20000,
      options=("--authority", "manual"))
def manual_promote(bed):
    old = bed.primary()
    heir = peer_of(old)
    load = bed.load(seconds=14)
    load.until(FAULT_AT_S)
    bed.lab("kill", old, "host")
    load.until(FAULT_AT_S + 7)  # longer than any lease
    waits = bed.agent(heir)["agent"]["waiting_for"]
    expect("tandemqctl promote" in waits, f"the status names no remedy: {waits}")
    bed.lab("exec", heir, "tandemqctl", "promote")
    bed.wait_role(heir, "primary", 5, pair_state="solo")
    return load.finish()


@case("daemons restarted by their supervisor, as under systemd", budget_ms=100, limit_ms=1000,
      options=("--restart",))
def broker_killed_supervised(bed):
    old, load = promoted_instead(bed, bed.kill_broker)
    bed.wait_role(old, "standby", 15, in_sync=True)   # back without a hand, while the load runs
    return load.finish()


@case("keepalived paused for 1 s on primary", limit_ms=3000)
def keepalived_paused(bed):
    primary = bed.primary()
    load = bed.load()
    load.until(FAULT_AT_S)
    pids = [bed.pid(primary, "keepalived")]
    with open(os.path.join(LAB, primary, "keepalived-vrrp.pid"), encoding="utf-8") as f:
        pids.append(int(f.read()))
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    load.until(FAULT_AT_S + 1)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    return load.finish()


@case("disk full on primary", budget_ms=400, limit_ms=4000, options=("--disk", "100m", "--set", "broker:journal.segment_bytes=4194304"))
def disk_full(bed):
    _, load = promoted_instead(bed, lambda node: bed.lab("cut", "disk", node), seconds=15)
    return load.finish()


@case("disk full on standby", budget_ms=300, limit_ms=4000, options=("--disk", "100m", "--set", "broker:journal.segment_bytes=4194304"))
def standby_disk_full(bed):
    _, load = goes_on_alone(bed, lambda node: bed.lab("cut", "disk", node))
    return load.finish()
