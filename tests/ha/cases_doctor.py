"""`tandemqctl doctor`: good on a healthy pair, and it names what is wrong."""
import contextlib
import json
import os
import signal
import subprocess

from registry import case
from testbed import LAB, LAB_SH, expect, peer_of


def doctor(node):
    """{check: verdict} of that node, and the exit code."""
    done = subprocess.run([LAB_SH, "exec", node, "tandemqctl", "doctor", "--json"], capture_output=True, text=True,
                          check=False, timeout=30)
    found = json.loads(done.stdout)
    expect(found["exit_code"] == done.returncode, f"{done.returncode}, not {found['exit_code']}")
    return {one["check"]: one["verdict"] for one in found["checks"]}, done.returncode


def expect_named(bed, node, *checks):
    def named():
        found, code = doctor(node)
        return code > 0 and all(found[check] in ("warning", "bad") for check in checks)
    bed.wait(f"doctor on {node} names {' '.join(checks)}", 20, named)


def expect_well(bed):
    for node in ("a", "b"):
        # Disks and memory of the machine that runs tests are not the pair's.
        bed.wait(f"doctor finds {node} well", 10, lambda node=node: {
            name for name, verdict in doctor(node)[0].items() if verdict in ("warning", "bad")}
            <= {"disk-quick", "disk-room", "disk-lasting", "memory", "not-swapped"})


@contextlib.contextmanager
def edited(node, name, more):
    """The file of that node has more at its end, for a while."""
    path = os.path.join(LAB, node, name)
    with open(path, encoding="utf-8") as file:
        kept = file.read()
    with open(path, "a", encoding="utf-8") as file:
        file.write(more)
    try:
        yield
    finally:
        with open(path, "w", encoding="utf-8") as file:
            file.write(kept)


@case("the operator's doctor names what is wrong, and finds a healthy pair well")
def doctor_names_faults(bed):
    primary = bed.primary()
    standby = peer_of(primary)
    expect_well(bed)
    with edited(primary, "agent.toml", "nonsense = 1\n"):
        expect_named(bed, primary, "agent-settings")
    secret = os.path.join(LAB, "pair.secret")
    os.chmod(secret, 0o644)
    os.chmod(os.path.join(LAB, primary, "broker.toml"), 0o666)
    with edited(primary, "broker.toml", "nonsense = 1\n"), edited(primary, "keepalived.conf", "# by hand\n"):
        expect_named(bed, primary, "broker-settings", "broker-current", "secret-private", "settings-private",
                     "keepalived-conf")
    bed.lab("exec", primary, "nft", "table inet t { chain in { type filter hook input priority 0; policy drop; accept; }; }")
    bed.lab("exec", "client", "ip", "addr", "add", "10.99.0.100/32", "dev", "eth0")
    quarantine = os.path.join(LAB, primary, "data", "quarantine", "made-up.frames")
    os.makedirs(os.path.dirname(quarantine), exist_ok=True)
    with open(quarantine, "w", encoding="utf-8"):
        pass
    expect_named(bed, primary, "filter-passes", "address-once", "nothing-quarantined")
    os.remove(quarantine)
    bed.lab("exec", "client", "ip", "addr", "del", "10.99.0.100/32", "dev", "eth0")
    bed.lab("exec", primary, "nft", "delete", "table", "inet", "t")
    bed.signal(standby, "keepalived", signal.SIGKILL)
    expect_named(bed, primary, "peer-keepalived", "failover-ready")
    expect_named(bed, standby, "keepalived-runs")
    bed.signal(standby, "agent", signal.SIGKILL)
    expect_named(bed, primary, "peer-heard")
    expect_named(bed, standby, "agent-answers")
    bed.signal(standby, "broker", signal.SIGKILL)
    expect_named(bed, primary, "paired", "link-up", "standby-in-sync")
    expect(doctor(standby)[1] == 3, "nobody answers")
    os.chmod(secret, 0o600)
    bed.lab("heal")
    return bed.load(seconds=2).finish()
