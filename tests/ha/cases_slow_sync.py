"""The standby's disk is slow at the one moment that counts: when its claim to be in sync is written."""
import json
import os
import subprocess

from registry import case
from testbed import HERE, VIRTUAL_IP, Failed, expect, in_node, peer_of

MESSAGES = 500
# The longest that absent.py goes on asking for acknowledgements.
PATIENCE_S = 8


def absent(*arguments):
    command = in_node("client", "/usr/bin/python3", os.path.join(HERE, "absent.py"), VIRTUAL_IP,
                      *map(str, arguments))
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise Failed(f"absent.py {arguments}: {(done.stdout + done.stderr).strip()[-300:]}")
    return json.loads(done.stdout)


def claim_is_slow(bed, milliseconds, then):
    """The standby comes back, its claim takes so long to be written; messages are published meanwhile to an
    absent session, then(primary) happens. What was acknowledged must be there whoever serves at last."""
    primary = bed.primary()
    standby = peer_of(primary)
    expect(absent("subscribe")["subscribed"], "the absent session could not subscribe")
    bed.slow_disk(standby)
    bed.kill_broker(standby)
    bed.wait_role(primary, "primary", 15, pair_state="solo")
    bed.slow_syncs(standby, "meta.json", milliseconds, '"in_sync": true')
    bed.lab("start", standby, "broker")
    state = lambda: (bed.status(primary) or {}).get("pair_state")  # noqa: E731
    bed.wait("the standby catches up", 15, lambda: state() == "resyncing")
    bed.wait("the primary misses the standby's word", 15, lambda: state() != "resyncing")
    acknowledged = set(absent("publish", MESSAGES, PATIENCE_S)["acknowledged"])
    then(primary)
    os.remove(os.path.join(bed.folder, f"slow-{standby}"))
    try:
        bed.wait_role(standby, "primary", 5)
    except Failed:
        pass          # it does not hold all and knows it: then the old one must come back
    bed.heal()
    received = absent("collect", 20)["received"]
    lost = acknowledged - set(received)
    return {"acknowledged": max(1, len(acknowledged)), "lost": len(lost), "duplicates": 0,
            "disorder": 0, "false_wills": 0, "sessions_lost": 0, "gap_ms": 0}


@case("standby's claim takes 2 s to be written, primary's host dies meanwhile")
def slow_claim_host_killed(bed):
    return claim_is_slow(bed, 2000, lambda node: bed.lab("kill", node, "host"))


@case("standby's claim takes 600 ms to be written, primary's host dies meanwhile")
def slow_claim_short(bed):
    return claim_is_slow(bed, 600, lambda node: bed.lab("kill", node, "host"))


@case("standby's claim takes 2 s, link cut, primary's host dies")
def slow_claim_link_cut(bed):
    def cut_and_kill(node):
        bed.lab("cut", "link")
        bed.wait_role(node, "primary", 15, pair_state="solo")
        bed.lab("kill", node, "host")
    return claim_is_slow(bed, 2000, cut_and_kill)
