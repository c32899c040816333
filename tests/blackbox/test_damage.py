"""Data that was damaged between two starts: found, named, never served, never a crash."""
import os
import shutil

from support.expect import Failed, expect, wait_until
from support.wire import Client
from test_recovery import absent_subscriber, expect_numbers, publish_acknowledged

DAMAGED = 4
ENVIRONMENT = 3


def fill(broker, count=300):
    absent_subscriber(broker)
    publish_acknowledged(broker, count)


def used_bytes(path):
    """Where the zeros at the end of a preallocated segment begin."""
    with open(path, "rb") as file:
        return len(file.read().rstrip(b"\0"))


def queue_after_start(broker):
    """What the absent subscriber gets after a start on damaged data, or None when the broker
    refused to start: then with exit code 4 and a sentence that names a file."""
    before = len(broker.log())
    broker.launch()
    ready = wait_until(lambda: broker.process.poll() is not None or serving(broker),
                       "the broker serves or ends")
    if ready is not True:
        reader = Client(broker.port, "reader")
        got = [int(p.payload) for p in reader.drain(0.15, acknowledge=False)]
        reader.close()
        broker.kill()
        return got
    said = broker.log()[before:]
    expect(broker.process.returncode == DAMAGED,
           f"ended with {broker.process.returncode}, not {DAMAGED}: {said[-300:]}")
    expect(broker.data in said, f"the message names no file: {said[-300:]}")
    expect("resync" in said or "restore" in said, f"the message names no remedy: {said[-300:]}")
    return None


def serving(broker):
    try:
        return broker.status()["listening"] and "serves"
    except (OSError, ValueError):
        return None


def flip(path, at, bit=0):
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1 << bit]))


def test_journal_cut_at_any_byte(ctx):
    """Records that were acknowledged are missed, although their sync marks are cut with them."""
    broker = ctx.broker().start()
    fill(broker)
    broker.kill()
    broker.keep_data()
    used = used_bytes(broker.journal_files()[-1])
    cuts = [used - 1, used - 2] + [ctx.random.randrange(used) for _ in range(18)]
    for cut in cuts:
        broker.restore_data()
        with open(broker.journal_files()[-1], "r+b") as file:
            file.truncate(cut)
        got = queue_after_start(broker)
        expect(got is None or got == list(range(300)),
               f"cut at {cut}: {got and len(got)} of 300 messages are served")
    broker.restore_data()
    broker.start()
    expect_numbers(broker, 300)


def test_torn_write_at_the_end(ctx):
    """Behind the last durable record anything may stand that a crash leaves: it goes."""
    broker = ctx.broker().start()
    fill(broker)
    broker.stop()
    broker.keep_data()
    path = broker.journal_files()[-1]
    used = used_bytes(path)
    for size in (1, 27, 28, 100, 5000):
        broker.restore_data()
        with open(path, "r+b") as file:
            file.seek(used)
            file.write(ctx.random.randbytes(size))
        broker.start()
        expect_numbers(broker, 300)
        broker.kill()


def test_journal_bit_flip(ctx):
    broker = ctx.broker().start()
    fill(broker)
    broker.stop()
    broker.keep_data()
    used = used_bytes(broker.journal_files()[-1])
    for _ in range(15):
        broker.restore_data()
        at = ctx.random.randrange(used)
        flip(broker.journal_files()[-1], at, ctx.random.randrange(8))
        got = queue_after_start(broker)
        expect(got is None or got == list(range(300)), f"a flip at {at} was served: {got}")


def test_checkpoint_bit_flip(ctx):
    broker = ctx.broker().start()
    fill(broker)
    broker.checkpoint()
    broker.stop()
    broker.keep_data()
    path = os.path.join(broker.data, "checkpoint.db")
    found = 0
    for _ in range(25):
        broker.restore_data()
        at = ctx.random.randrange(os.path.getsize(path))
        flip(path, at, ctx.random.randrange(8))
        got = queue_after_start(broker)
        found += got is None
        expect(got is None or got == list(range(300)), f"a flip at {at} was served: {got}")
    expect(found > 0, "no flip was found: the test hits free space only")


def test_checkpoint_of_another_kind(ctx):
    """Cut, emptied, replaced by text: the broker says which file and what to do."""
    broker = ctx.broker().start()
    fill(broker)
    broker.checkpoint()
    broker.stop()
    broker.keep_data()
    path = os.path.join(broker.data, "checkpoint.db")
    whole = open(path, "rb").read()
    for content in (whole[:5000], b"not a database " * 1000, whole[:4096], b"x"):
        broker.restore_data()
        with open(path, "wb") as file:
            file.write(content)
        expect(queue_after_start(broker) is None, f"served from {content[:20]!r}")


def test_checkpoint_missing(ctx):
    """With the journal whole it is made again; without the records it held the broker refuses."""
    broker = ctx.broker(journal_segment_bytes=1 << 16).start()
    fill(broker)
    broker.stop()
    for name in os.listdir(broker.data):
        if name.startswith("checkpoint.db"):
            os.unlink(os.path.join(broker.data, name))
    broker.start()
    expect_numbers(broker, 300)
    publish_acknowledged(broker, 3000)
    broker.checkpoint()
    expect(broker.status()["journal_first_lsn"] > 1, "the checkpoint let no segment go")
    broker.stop()
    os.unlink(os.path.join(broker.data, "checkpoint.db"))
    expect(queue_after_start(broker) is None, "served without the records before the journal")


def test_checkpoint_of_another_pair(ctx):
    one = ctx.broker("one", replication_pair_id="plant-1").start()
    fill(one)
    one.checkpoint()
    one.stop()
    two = ctx.broker("two", replication_pair_id="plant-2").start()
    two.stop()
    shutil.copy(os.path.join(one.data, "checkpoint.db"), os.path.join(two.data, "checkpoint.db"))
    two.launch()
    code = two.exit_code()
    expect(code == 2, f"ended with {code}")
    expect(two.tells("plant-1") and two.tells("plant-2"), two.log_tail())


def test_checkpoint_damaged_while_it_serves(ctx):
    """It is made anew from memory; who publishes notices nothing."""
    broker = ctx.broker().start()
    fill(broker, 2000)
    broker.checkpoint()
    path = os.path.join(broker.data, "checkpoint.db")
    with open(path, "r+b") as file:  # all pages but the first
        size = os.path.getsize(path)
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    publish_acknowledged(broker, 500, first=2000)
    try:
        broker.checkpoint()
    except Failed as error:
        expect("checkpoint" in str(error), f"refused without a word about it: {error}")
    wait_until(lambda: "checkpoint_remade" in broker.log(), "the checkpoint is made anew")
    publish_acknowledged(broker, 500, first=2500)
    broker.checkpoint()
    broker.kill()
    broker.start()
    expect_numbers(broker, 3000)


def test_leftovers_of_a_crash_go(ctx):
    broker = ctx.broker().start()
    fill(broker, 10)
    broker.kill()
    left = [os.path.join(broker.data, name) for name in
            ("snapshot-3.db", "snapshot-3.db-journal", "snapshot.tmp", "checkpoint.db.remade", "meta.json.tmp")]
    for path in left:
        with open(path, "wb") as file:
            file.write(b"half")
    own = os.path.join(broker.data, "snapshot-before-upgrade.tar")
    with open(own, "wb") as file:
        file.write(b"whole")
    broker.start()
    expect(os.path.exists(own), "a file of the operator's is removed")
    expect(not [path for path in left if os.path.exists(path)], "half-made files stay for ever")
    expect_numbers(broker, 10)
