#!/usr/bin/python3
"""Asks the lab's brokers and agents over their control sockets.

pair.py LAB wait SECONDS     until one is primary and paired with the other; prints who and how long
pair.py LAB ask NODE broker|agent CMD    the answer as JSON
"""
import json
import os
import socket
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(os.path.dirname(HERE)))
from support import control  # noqa: E402
from support.control import Unreachable  # noqa: E402

NODES = ("a", "b")
VIRTUAL_IP = "10.99.0.100"


def ask(lab, node, daemon, cmd, timeout=1.0, **arguments):
    """One request to a daemon of a node: control.ask()."""
    return control.ask(os.path.join(lab, node, daemon + ".sock"), cmd, timeout, **arguments)


def broker_status(lab, node, timeout=1.0):
    """The status object of a broker, or None while it does not answer."""
    try:
        answer = ask(lab, node, "broker", "status", timeout)
    except Unreachable:
        return None
    return answer.get("status", answer) if answer.get("ok") else None


def describe(status):
    if status is None:
        return "does not answer"
    return f"{status['role']} {status['pair_state']} epoch {status['epoch']}: {status.get('reason', '')}"


def primary_of(statuses):
    """The node that serves with a standby that confirms all, or None."""
    for node, peer in (NODES, NODES[::-1]):
        one, other = statuses[node], statuses[peer]
        if one and other and one["role"] == "primary" and one["pair_state"] == "paired" \
                and one["listening"] and other["role"] == "standby" and other["in_sync"]:
            return node
    return None


def reachable(timeout=0.2):
    """Whether the virtual address accepts a connection, asked from the machine itself."""
    try:
        socket.create_connection((VIRTUAL_IP, 1883), timeout).close()
        return True
    except OSError:
        return False


def wait_paired(lab, seconds):
    """The primary's name once the pair is whole and serves on the address; None after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        primary = primary_of({n: broker_status(lab, n, 0.5) for n in NODES})
        if primary and reachable():
            return primary
        time.sleep(0.03)
    return None


def main():
    lab, command = sys.argv[1:3]
    if command == "wait":
        begun = time.monotonic()
        primary = wait_paired(lab, float(sys.argv[3]))
        if not primary:
            print(f"lab: not paired after {sys.argv[3]} s", file=sys.stderr)
            for node in NODES:
                print(f"  {node}: {describe(broker_status(lab, node))}", file=sys.stderr)
            print(f"  logs: {lab}/a {lab}/b", file=sys.stderr)
            return 1
        print(f"lab: paired after {time.monotonic() - begun:.2f} s, {primary} is primary and serves "
              f"{VIRTUAL_IP}:1883")
        return 0
    if command == "ask":
        print(json.dumps(ask(lab, *sys.argv[3:6]), indent=2))
        return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
