"""A pair without agents (the test gives their orders): a node whose data is damaged or gone is
filled from its peer, and then holds everything."""
import os
import shutil

from broker import expect, wait_until
from pair import Pair
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
        expect(says in pair.b.log(), f"its log does not say {says}: {pair.b.log_tail()}")
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


def test_no_checkpoint(ctx):
    def damage(node):
        os.unlink(os.path.join(node.data, "checkpoint.db"))
    damaged_and_resynced(ctx, damage)


def test_returning_without_damage(ctx):
    damaged_and_resynced(ctx, lambda node: None)
