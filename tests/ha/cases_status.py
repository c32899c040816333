"""What `tandemqctl status` says, and its exit code, while something keeps a failover from succeeding."""
import signal
import subprocess

from registry import case
from testbed import LAB_SH, expect, peer_of


def status(bed, node):
    """(exit code, text) of tandemqctl on that node."""
    done = subprocess.run([LAB_SH, "exec", node, "tandemqctl", "status"], capture_output=True,
                          text=True, check=False, timeout=20)
    return done.returncode, done.stdout + done.stderr


def expect_told(bed, nodes, text, code=1):
    for node in nodes:
        bed.wait(f"status of {node} says \"{text}\" and ends with {code}", 6,
                 lambda node=node: status(bed, node)[0] == code and text in status(bed, node)[1])


def expect_well(bed):
    for node in ("a", "b"):
        bed.wait(f"status of {node} says that all is well", 10,
                 lambda node=node: status(bed, node)[0] == 0)


@case("what would keep a failover from succeeding is told on both nodes")
def impairments_told(bed):
    primary = bed.primary()
    standby = peer_of(primary)
    expect_well(bed)
    bed.signal(standby, "keepalived", signal.SIGKILL)
    expect_told(bed, (primary, standby), f"keepalived does not run on {standby}")
    bed.lab("heal")
    expect_well(bed)
    bed.lab("cut", "lan", standby)
    expect_told(bed, (primary, standby), f"keepalived of {standby} is in fault")
    bed.lab("heal")
    expect_well(bed)
    bed.lab("cut", "vrrp")
    expect_told(bed, (primary, standby), "impaired        keepalived")   # master, or called back
    bed.lab("heal")
    expect_well(bed)
    bed.signal(standby, "agent", signal.SIGKILL)
    expect_told(bed, (primary,), f"the agent of {standby} was last heard")
    bed.lab("heal")
    expect_well(bed)
    return bed.load(seconds=2).finish()


@case("the primary's host is gone and nobody serves: status says so with exit code 2",
      options=("--authority", "manual"))
def nobody_serves_told(bed):
    primary = bed.primary()
    standby = peer_of(primary)
    bed.lab("kill", primary, "host")
    expect_told(bed, (standby,), f"the agent of {primary} was last heard", code=2)
    bed.lab("exec", standby, "tandemqctl", "promote")
    bed.wait_role(standby, "primary", 10)
    code, text = status(bed, standby)
    expect(code == 1, f"alone is not well: {code}\n{text}")
    return bed.load(seconds=2).finish()
