"""A pair without agents (the test gives their orders): a node whose data is damaged or gone is
filled from its peer, and then holds everything."""
import os
import shutil

from broker import expect, free_port, wait_until
from test_damage import flip, used_bytes
from test_recovery import absent_subscriber, expect_numbers, publish_acknowledged


class Pair:
    def __init__(self, ctx, **settings):
        links = {"a": f"127.0.0.1:{free_port()}", "b": f"127.0.0.1:{free_port()}"}
        self.nodes = {}
        for index, (name, peer) in enumerate((("a", "b"), ("b", "a")), 1):
            self.nodes[name] = ctx.broker(
                name, node_name=name, node_index=index, replication_mode="pair",
                replication_pair_id="plant-1", replication_peer=peer,
                replication_listen=links[name], replication_peer_address=links[peer], **settings)
        self.a, self.b = self.nodes["a"], self.nodes["b"]

    def start(self):
        for node in self.nodes.values():
            node.start(listening=False)
        wait_until(lambda: self.a.status()["peer_connected"], "the nodes see each other")
        self.a.control("promote", reason="test")
        self.wait_paired(self.a)
        return self

    @staticmethod
    def wait_paired(primary, seconds=30):
        wait_until(lambda: primary.status()["pair_state"] == "paired", "the pair is paired", seconds)

    def take_over(self, by, of):
        """`of` is killed, `by` is promoted and goes on alone."""
        of.kill()
        by.control("promote", reason="test")
        if by.status()["pair_state"] != "solo":
            wait_until(lambda: by.status()["pair_state"] == "waiting", "it waits for its peer")
            by.control("solo", authority="operator")
        wait_until(lambda: by.status()["pair_state"] == "solo", "it goes on alone")


def test_takeover_keeps_all(ctx):
    pair = Pair(ctx).start()
    absent_subscriber(pair.a)
    publish_acknowledged(pair.a, 1000)
    pair.a.checkpoint()
    publish_acknowledged(pair.a, 1000, first=1000)
    pair.take_over(pair.b, pair.a)
    expect_numbers(pair.b, 2000)


def damaged_and_resynced(ctx, damage, says=None):
    pair = Pair(ctx, journal_segment_bytes=1 << 16).start()
    absent_subscriber(pair.a)
    publish_acknowledged(pair.a, 500)
    for node in (pair.b, pair.a):
        node.checkpoint()
    publish_acknowledged(pair.a, 500, first=500)
    pair.b.stop()
    if pair.a.status()["pair_state"] == "waiting":
        pair.a.control("solo", authority="operator")
    publish_acknowledged(pair.a, 500, first=1000)
    pair.a.checkpoint()
    damage(pair.b)
    pair.b.start(listening=False)
    pair.wait_paired(pair.a)
    publish_acknowledged(pair.a, 500, first=1500)
    if says:
        expect(says in pair.b.log(), f"its log does not say {says}: {pair.b.log_tail()}")
    wait_until(lambda: pair.b.status()["last_lsn"] == pair.a.status()["last_lsn"], "b holds all")
    pair.take_over(pair.b, pair.a)
    expect_numbers(pair.b, 2000)
    # And what it got is in its own files.
    pair.b.checkpoint()
    pair.b.kill()
    pair.b.start(listening=False)


def test_damaged_checkpoint(ctx):
    def damage(node):
        path = os.path.join(node.data, "checkpoint.db")
        for at in range(200, os.path.getsize(path), 700):
            flip(path, at)
    damaged_and_resynced(ctx, damage, "event=checkpoint_damaged")


def test_damaged_journal(ctx):
    def damage(node):
        path = node.journal_files()[-1]
        flip(path, used_bytes(path) // 2)
    damaged_and_resynced(ctx, damage, "event=journal_set_aside")


def test_empty_folder(ctx):
    damaged_and_resynced(ctx, lambda node: shutil.rmtree(node.data))


def test_no_checkpoint(ctx):
    def damage(node):
        os.unlink(os.path.join(node.data, "checkpoint.db"))
    damaged_and_resynced(ctx, damage)


def test_returning_without_damage(ctx):
    damaged_and_resynced(ctx, lambda node: None)
