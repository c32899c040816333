"""A pair without agents (the test gives their orders): a node whose data is damaged or gone is
filled from its peer, and then holds everything."""
import os
import shutil

from support.expect import Failed, expect, wait_until
from support.pair import Pair
from support.wire import PUBACK, Client
from test_damage import flip, used_bytes
from test_recovery import absent_subscriber, expect_numbers, publish_acknowledged


def test_takeover_keeps_all(ctx):
    pair = Pair(ctx).start()
    absent_subscriber(pair.a)
    publish_acknowledged(pair.a, 1000)
    pair.a.checkpoint()
    publish_acknowledged(pair.a, 1000, first=1000)
    pair.take_over(by=pair.b, of=pair.a)
    expect_numbers(pair.b, 2000)


def damaged_and_resynced(ctx, damage, says=None):
    pair = Pair(ctx, journal_segment_bytes=1 << 16).start()
    absent_subscriber(pair.a)
    publish_acknowledged(pair.a, 500)
    for node in (pair.b, pair.a):
        node.checkpoint()
    publish_acknowledged(pair.a, 500, first=500)
    pair.b.stop()
    pair.solo(pair.a)
    publish_acknowledged(pair.a, 500, first=1000)
    pair.a.checkpoint()
    damage(pair.b)
    pair.b.start(listening=False)
    pair.wait_paired()
    publish_acknowledged(pair.a, 500, first=1500)
    if says:
        expect(pair.b.tells(says), f"its log does not say {says}: {pair.b.log_tail()}")
    wait_until(lambda: pair.b.status()["last_lsn"] == pair.a.status()["last_lsn"], "b holds all")
    pair.take_over(by=pair.b, of=pair.a)
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


def test_an_empty_node_vouches_for_nothing(ctx):
    """Its data, of a time alone, are gone with its disk: the other one, in sync before that time, must not
    be told that it holds everything."""
    pair = Pair(ctx).start()
    absent_subscriber(pair.a)
    publish_acknowledged(pair.a, 100)
    pair.b.kill()
    pair.solo(pair.a)
    publish_acknowledged(pair.a, 100, first=100)
    pair.a.kill()
    shutil.rmtree(pair.a.data)
    pair.b.start(listening=False)
    for _ in range(2):
        pair.a.start(listening=False)
        wait_until(lambda: pair.b.status()["peer_connected"], "the nodes see each other")
        wait_until(lambda: "holds no data" in pair.b.status()["reason"], "b says why it waits")
        for node in pair.nodes.values():
            expect(not node.status()["in_sync"], f"{node.name} claims to hold everything")
            try:
                node.control("promote", reason="test")
            except Failed:
                pass
            else:
                raise Failed(f"{node.name} was promoted without force")
        pair.a.kill()
    pair.a.start(listening=False)
    pair.b.control("promote", reason="test", force=True)
    pair.wait_paired()
    expect_numbers(pair.b, 100)


def test_no_checkpoint(ctx):
    def damage(node):
        os.unlink(os.path.join(node.data, "checkpoint.db"))
    damaged_and_resynced(ctx, damage)


def test_returning_without_damage(ctx):
    damaged_and_resynced(ctx, lambda node: None)


def test_an_empty_node_that_is_forced_repeats_no_reign(ctx):
    """The first node's disk is replaced while the second is away; the operator forces it to serve. Its new
    history must not be taken for the old one, which began with the same reign."""
    pair = Pair(ctx).start()
    for name, count in (("old", 200), ("new", 50)):
        writer = Client(pair.a.port, "writer", clean=True, expiry=0)
        for n in range(count):
            writer.publish(f"{name}/{n}", name, 1, retain=True)
        expect(len([writer.receive(PUBACK) for _ in range(count)]) == count, "acknowledged")
        writer.disconnect()
        if name == "new":
            break
        pair.a.kill()
        pair.b.kill()
        shutil.rmtree(pair.a.data)
        pair.a.start(listening=False)
        pair.a.control("promote", force=True)
        pair.solo(pair.a)
    pair.b.start(listening=False)
    pair.wait_paired()
    wait_until(lambda: len({node.status()["last_lsn"] for node in (pair.a, pair.b)}) == 1, "at rest")
    hashes = {node.control("hash")["hash"] for node in (pair.a, pair.b)}
    expect(len(hashes) == 1, "the nodes are paired and hold different states")
