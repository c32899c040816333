"""Pairs that are configured wrongly: each node says why it has no peer, without filling its log."""
import re
import socket
import time

from support.expect import expect, wait_until
from support.pair import Pair


def expect_told(node, *parts, seconds=15):
    wait_until(lambda: all(part in node.log() for part in parts),
               f"{node.name} says {parts}: {node.log_tail()}", seconds)


def expect_refused(pair, *parts):
    """On both nodes, within seconds, in log and status."""
    for node in pair.nodes.values():
        expect_told(node, "event=peer_refused", *parts, seconds=8)
        told = node.status()["peer_refused"]
        expect(all(part in told for part in parts), f"{node.name}'s status says {told!r}")
    expect_quiet(pair)


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
    expect_refused(pair, "plant-1", "plant-2", "check replication.pair_id")


def same_index(ctx, index):
    pair = Pair(ctx)
    for node in pair.nodes.values():
        node.settings["node.index"] = index
        node.start(listening=False)
    expect_refused(pair, f"node.index {index}", "one must have 1, the other 2")


def test_both_are_node_1(ctx):
    same_index(ctx, 1)


def test_both_are_node_2(ctx):
    same_index(ctx, 2)


def test_wrong_name_of_the_peer(ctx):
    pair = Pair(ctx)
    pair.b.settings["replication.peer"] = "elsewhere"
    for node in pair.nodes.values():
        node.start(listening=False)
    expect_refused(pair, "b (TandeMQ", "expects a peer named 'elsewhere'")


def test_settings_that_differ(ctx):
    """Told on both, and no reason not to pair."""
    pair = Pair(ctx)
    pair.b.settings["limits.queued_messages_max"] = 7
    pair.b.settings["replication.commit"] = "replicated+synced"
    pair.start()
    for node, here in ((pair.a, "100000"), (pair.b, "7")):
        expect_told(node, "event=settings_differ", f"limits.queued_messages_max is {here} here")
        names = {d["setting"]: d for d in node.status()["settings_differ"]}
        expect(set(names) == {"limits.queued_messages_max", "replication.commit"}, f"{names}")
        expect(names["limits.queued_messages_max"]["here"] == here, f"{names}")


def test_peer_never_came(ctx):
    pair = Pair(ctx)
    pair.a.start(listening=False)
    expect_told(pair.a, "event=peer_missing", "peer=b", f"127.0.0.1:{pair.link_port}")


def test_too_many_connections_of_the_peer(ctx):
    """They are told as what they are, not as coming from elsewhere, and by their address."""
    pair = Pair(ctx)
    node = pair.a.start(listening=False)
    port = int(node.settings["replication.listen"].rsplit(":", 1)[1])
    peer = node.settings["replication.peer_address"].rsplit(":", 1)[0]
    listen = node.settings["replication.listen"].rsplit(":", 1)[0]
    silent = [socket.create_connection((listen, port), 5, (peer, 0)) for _ in range(17)]
    expect_told(node, f"{peer}:", "too many connections from there have not said Hello yet")
    expect("is not the peer's address" not in node.log(), node.log_tail())
    time.sleep(1.1)  # one line a second
    with socket.create_connection((listen, port), 5, ("127.0.0.9", 0)) as stranger:
        expect_told(node, f"127.0.0.9:{stranger.getsockname()[1]} is not the peer's address, {peer}")
    for one in silent:
        one.close()
