"""A journal that lost its end after records in it were acknowledged: an operator's slip, a broken copy,
a file system repair. The node must notice, and in a pair must never reign with less."""
import os
import shutil
import time

from support.expect import Failed, expect, wait_until
from support.pair import Pair
from test_damage import queue_after_start, used_bytes
from test_recovery import absent_subscriber, expect_numbers, publish_acknowledged


def cut(node, share=0.5):
    path = node.journal_files()[-1]
    with open(path, "r+b") as file:
        file.truncate(int(used_bytes(path) * share))


def refusal(node):
    """Why the node does not let itself be promoted without force."""
    try:
        node.control("promote", reason="test")
    except Failed as why:
        return str(why)
    raise Failed(f"{node.name} was promoted: {node.status()}")


def test_newest_segments_are_gone(ctx):
    node = ctx.broker(journal_segment_bytes=1 << 16).start()
    absent_subscriber(node)
    publish_acknowledged(node, 3000)
    node.kill()
    node.keep_data()
    files = node.journal_files()
    expect(len(files) > 3, f"only {files}")
    for damage in (lambda: os.unlink(files[-1]), lambda: os.unlink(files[1]),
                   lambda: os.truncate(files[-1], 0),
                   lambda: [os.unlink(path) for path in files]):
        node.restore_data()
        damage()
        expect(queue_after_start(node) is None, "served with less than was acknowledged")
    node.restore_data()
    node.start()
    expect_numbers(node, 3000)


def test_journal_folder_is_gone(ctx):
    """Moving it away is the operator's way out, to start from the checkpoint: said, not silent."""
    node = ctx.broker().start()
    absent_subscriber(node)
    publish_acknowledged(node, 300)
    node.checkpoint()
    publish_acknowledged(node, 300, first=300)
    node.stop()
    shutil.move(os.path.join(node.data, "journal"), os.path.join(node.folder, "aside"))
    node.start()
    expect(node.tells("event=journal_missing"), f"nothing is said: {node.log_tail()}")
    expect_numbers(node, 300)


def expect_filled_by_its_peer(pair):
    """Node a does not reign before b has, and then holds what both had."""
    pair.b.start(listening=False)
    wait_until(lambda: pair.a.status()["peer_connected"], "the nodes see each other")
    refusal(pair.a)
    pair.promote(pair.b)
    pair.wait_paired()
    pair.take_over(pair.a, pair.b)
    expect_numbers(pair.a, 500)


def test_cut_primary_of_a_pair(ctx):
    """It does not reign with less than it acknowledged; the peer does, and fills it."""
    pair = Pair(ctx).start()
    absent_subscriber(pair.a)
    publish_acknowledged(pair.a, 500)
    time.sleep(0.3)  # a few times sync_interval_ms
    for node in pair.nodes.values():
        node.kill()
    cut(pair.a)
    pair.a.start(listening=False)
    expect(pair.a.tells("event=journal_set_aside"), f"not noticed: {pair.a.log_tail()}")
    expect("unusable" in refusal(pair.a), "another reason")
    expect_filled_by_its_peer(pair)


def test_cut_unsynced_tail_of_a_primary(ctx):
    """What only the peer knows to be missing, it supplies before this node may reign."""
    pair = Pair(ctx, replication_sync_interval_ms=60_000).start()
    absent_subscriber(pair.a)
    publish_acknowledged(pair.a, 500)
    for node in pair.nodes.values():
        node.kill()
    cut(pair.a, 0.9)
    pair.a.start(listening=False)
    refusal(pair.a)
    expect_filled_by_its_peer(pair)


def test_cut_after_going_on_alone(ctx):
    """Nobody holds everything any more: neither node reigns until the operator says which one."""
    pair = Pair(ctx).start()
    absent_subscriber(pair.a)
    publish_acknowledged(pair.a, 300)
    pair.b.kill()
    pair.solo(pair.a)
    publish_acknowledged(pair.a, 300, first=300)
    pair.a.kill()
    cut(pair.a, 0.8)
    for _ in range(2):  # it gives up nothing by itself
        pair.a.launch()
        expect(pair.a.exit_code() == 4, "it runs without what only it had")
    expect("went on alone" in pair.a.log_tail(), pair.a.log_tail())
    shutil.move(os.path.join(pair.a.data, "journal"), os.path.join(pair.a.folder, "aside"))
    pair.a.start(listening=False)
    refusal(pair.a)
    expect(not pair.a.status()["was_solo"] or not pair.a.status()["listening"], "it serves alone")
    pair.b.start(listening=False)
    wait_until(lambda: pair.a.status()["peer_connected"], "the nodes see each other")
    for node in pair.nodes.values():
        refusal(node)
    expect("has lost its data" in pair.b.status()["reason"], pair.b.status()["reason"])
    pair.b.control("promote", reason="test", force=True)
    pair.wait_paired()
    expect_numbers(pair.b, 300)
