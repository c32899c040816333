"""Pairs that are configured wrongly: each node says why it has no peer, without filling its log."""
import re

from broker import expect, wait_until
from pair import Pair


def expect_told(node, *parts, seconds=15):
    wait_until(lambda: all(part in node.log() for part in parts),
               f"{node.name} says {parts}: {node.log_tail()}", seconds)


def expect_quiet(pair):
    for node in pair.nodes.values():
        expect(node.process.poll() is None, f"{node.name} ended: {node.log_tail()}")
        lines = len(re.findall("event=", node.log()))
        expect(lines < 40, f"{lines} lines in the log of {node.name}: {node.log_tail()}")


def test_another_pair(ctx):
    pair = Pair(ctx)
    pair.b.settings["replication.pair_id"] = "plant-2"
    for node in pair.nodes.values():
        node.start(listening=False)
    expect_told(pair.b, "event=link_refused", "plant-1", "check replication.pair_id")
    expect_told(pair.a, "event=peer_missing", "plant-2", "check replication.pair_id")
    expect_quiet(pair)


def test_same_index(ctx):
    """Both are node 1: both dial, nobody listens."""
    pair = Pair(ctx)
    pair.b.settings["node.index"] = 1
    for node in pair.nodes.values():
        node.start(listening=False)
    for node in pair.nodes.values():
        expect_told(node, "event=peer_missing", "one must have node.index 1, the other 2")
    expect_quiet(pair)


def test_peer_never_came(ctx):
    pair = Pair(ctx)
    pair.a.start(listening=False)
    expect_told(pair.a, "event=peer_missing", "peer=b", f"127.0.0.1:{pair.link_port}")
