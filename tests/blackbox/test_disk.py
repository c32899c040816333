"""Disks that are full or fail: the broker says so, acknowledges nothing that is not safe, and what it
acknowledged is there afterwards."""
import contextlib
import errno
import os
import socket
import subprocess
import time

from support.expect import Skipped, expect, wait_until
from support.pair import Pair
from support.preload import compiled
from support.wire import PUBACK, Client
from test_damage import flip, serving, used_bytes
from test_recovery import absent_subscriber, expect_numbers, publish_acknowledged


class FailingDisk:
    """Makes the disk below a broker fail on demand (failing_disk.c)."""

    def __init__(self, ctx):
        self.trigger = os.path.join(ctx.folder, "failing")
        self.env = {"LD_PRELOAD": compiled("failing_disk", ctx.folder),
                    "FAILING_DISK": self.trigger}

    def fail(self, part_of_path, full=False):
        self.do(part_of_path, "full" if full else "sync")

    def refuse(self, part_of_path, error):
        self.do(part_of_path, f"refuse {error}")

    def slow_reads(self, part_of_path, milliseconds):
        self.do(part_of_path, f"read {milliseconds}")

    def do(self, part_of_path, mode):
        with open(self.trigger + ".new", "w", encoding="utf-8") as file:
            file.write(f"{part_of_path}\n{mode}\n")
        os.rename(self.trigger + ".new", self.trigger)

    def heal(self):
        os.unlink(self.trigger)


def publish_until_it_ends(broker, first):
    """Publishes one message after the other until the broker is gone; the number acknowledged."""
    client = Client(broker.port, "writer-2", clean=True, expiry=0)
    number = first
    try:
        while number < first + 100_000:
            client.publish("plant/1", str(number), 1)
            if client.next_packet(5) is None:
                break
            number += 1
    except OSError:
        pass
    return number


def expect_at_least(broker, count, name="reader"):
    """Numbers 0 to count come, in order; one more that was not acknowledged may be there."""
    got = [int(p.payload) for p in Client(broker.port, name).drain()]
    expect(got == list(range(len(got))), "messages are missing or in another order")
    expect(count <= len(got) <= count + 1, f"{count} were acknowledged, {len(got)} came")


def test_journal_sync_fails(ctx):
    """[3:4.8.0-2]"""
    disk = FailingDisk(ctx)
    broker = ctx.broker().start(env=disk.env)
    absent_subscriber(broker)
    publish_acknowledged(broker, 200)
    disk.fail("/journal/")
    client = Client(broker.port, "writer-2", clean=True, expiry=0)
    try:
        client.publish("plant/1", "200", 1)
        got = client.next_packet(5)
        expect(got is None or got.kind != PUBACK, "acknowledged although the sync failed")
    except OSError:
        pass
    expect(broker.exit_code() == 4, f"ended with {broker.process.returncode}")
    expect("sync" in broker.log_tail(), broker.log_tail())
    disk.heal()
    broker.start(env=disk.env)
    expect_at_least(broker, 200)


def test_journal_sync_fails_at_the_start(ctx):
    """Not to be started again: the kernel tells of it once, and a start would believe it."""
    disk = FailingDisk(ctx)
    broker = ctx.broker().start(env=disk.env)
    absent_subscriber(broker)
    publish_acknowledged(broker, 50)
    broker.kill()
    disk.fail("/journal/")
    broker.launch(env=disk.env)
    expect(broker.exit_code() == 4, f"ended with {broker.process.returncode}")
    expect("event=journal_sync_failed" in broker.log_tail(), broker.log_tail())
    disk.heal()
    broker.start(env=disk.env)
    expect_at_least(broker, 50)


def test_meta_sync_fails_at_the_start(ctx):
    disk = FailingDisk(ctx)
    pair = Pair(ctx).start()
    publish_acknowledged(pair.a, 50)
    pair.b.kill()
    path = pair.b.journal_files()[-1]
    flip(path, used_bytes(path) // 2)
    disk.fail("/meta.json")
    pair.b.launch(env=disk.env)
    expect(pair.b.exit_code() == 4, f"ended with {pair.b.process.returncode}")
    disk.heal()
    pair.b.start(env=disk.env, listening=False)
    pair.wait_paired()


def test_no_room_for_what_a_node_knows(ctx):
    """It comes back by itself, as where the journal had no room."""
    disk = FailingDisk(ctx)
    pair = Pair(ctx).start({"b": disk.env})
    disk.fail("/meta.json", full=True)
    pair.a.kill()
    with contextlib.suppress(OSError, ValueError):   # it ends instead of an answer
        pair.promote(pair.b)
    expect(pair.b.exit_code() == 3, f"ended with {pair.b.process.returncode}: the unit starts it again")
    expect("meta.json.tmp: No space" in pair.b.log_tail(), pair.b.log_tail())
    disk.heal()
    pair.a.start(listening=False)
    pair.b.start(env=disk.env, listening=False)
    wait_until(lambda: pair.a.status()["in_sync"], "the nodes have compared what they hold")
    pair.promote(pair.a)
    pair.wait_paired()


def test_a_host_that_refuses_for_a_while(ctx):
    """Whatever it refuses was told to nobody: the unit starts the broker again, and nothing is lost."""
    disk = FailingDisk(ctx)
    broker = ctx.broker(journal_segment_bytes=1 << 16).start(env=disk.env)
    absent_subscriber(broker)
    for error in errno.EROFS, errno.EMFILE, errno.EDQUOT, errno.EIO:
        said = os.strerror(error)
        publish_acknowledged(broker, 100)
        disk.refuse("/journal/", error)
        acknowledged = publish_until_it_ends(broker, 100)
        for when in "while it serves", "at the start":
            expect(broker.exit_code() == 3, f"{said} {when}: ended with {broker.process.returncode}")
            expect(said in broker.log_tail(), broker.log_tail())
            broker.launch(env=disk.env)
        expect(broker.exit_code() == 3, f"{said}: ended with {broker.process.returncode}")
        disk.heal()
        broker.start(env=disk.env)
        expect_at_least(broker, acknowledged)


def test_no_room_to_keep_aside(ctx):
    """The quarantine of a node that lost its history may be as large as its journal."""
    disk = FailingDisk(ctx)
    pair = Pair(ctx).start({"a": disk.env})
    pair.b.stop()
    pair.solo(pair.a)
    absent_subscriber(pair.a)
    publish_acknowledged(pair.a, 100)
    pair.a.kill()
    pair.b.start(listening=False)
    pair.b.control("promote", reason="test", force=True)
    pair.solo(pair.b)
    publish_acknowledged(pair.b, 20)
    for error in errno.ENOSPC, errno.EMFILE:
        disk.refuse("/quarantine/", error)
        pair.a.launch(env=disk.env)
        expect(pair.a.exit_code() == 3, f"{os.strerror(error)}: ended with {pair.a.process.returncode}")
        expect("cannot keep acknowledged records aside" in pair.a.log_tail(), pair.a.log_tail())
        disk.heal()
    pair.a.start(env=disk.env, listening=False)
    pair.wait_paired()
    expect(len(os.listdir(os.path.join(pair.a.data, "quarantine"))) == 1, "what was acknowledged is kept")


def test_journal_disk_full(ctx):
    disk = FailingDisk(ctx)
    broker = ctx.broker(journal_segment_bytes=1 << 16).start(env=disk.env)
    absent_subscriber(broker)
    publish_acknowledged(broker, 200)
    disk.fail("/journal/", full=True)
    acknowledged = publish_until_it_ends(broker, 200)
    expect(broker.exit_code() == 3, f"ended with {broker.process.returncode}: the unit starts it again")
    expect("No space" in broker.log_tail(), broker.log_tail())
    disk.heal()
    broker.start(env=disk.env)
    expect_at_least(broker, acknowledged)


def test_sync_fails_while_nobody_reads_the_log(ctx):
    """What is said before the end may not keep it from coming."""
    disk = FailingDisk(ctx)
    pipe = os.path.join(ctx.folder, "pipe")
    os.mkfifo(pipe)
    ours = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    ctx.cleanups.append(lambda: os.close(ours))
    broker = ctx.broker().start(env=disk.env, wrapper=["sh", "-c", f'exec "$@" 2>{pipe}', "sh"])
    absent_subscriber(broker)
    publish_acknowledged(broker, 100)
    try:
        while os.write(ours, b"x" * 4096):
            pass
    except BlockingIOError:
        pass
    disk.fail("/journal/")
    publish_until_it_ends(broker, 100)
    expect(broker.exit_code() == 4, f"ended with {broker.process.returncode}")


def test_checkpoint_cannot_be_written(ctx):
    """The journal keeps everything, clients notice nothing, and later it is made up for."""
    disk = FailingDisk(ctx)
    broker = ctx.broker(checkpoint_interval_s=1).start(env=disk.env)
    absent_subscriber(broker)
    publish_acknowledged(broker, 200)
    for full in (False, True):
        before = broker.status()["checkpoint_lsn"]
        failures = broker.log().count("event=checkpoint_failed")
        disk.fail("/checkpoint.db", full=full)
        publish_acknowledged(broker, 100, first=200 + 100 * full)
        wait_until(lambda n=failures: broker.log().count("event=checkpoint_failed") > n,
                   "the failure is told")
        expect(broker.status()["checkpoint_lsn"] == before, "a checkpoint was claimed")
        disk.heal()
        wait_until(lambda b=before: broker.status()["checkpoint_lsn"] > b, "it is made up for")
    broker.kill()
    broker.start(env=disk.env)
    expect_numbers(broker, 400)


def test_small_file_system(ctx):
    """A real file system that runs full, at whatever call meets it first."""
    if os.geteuid() != 0:
        raise Skipped("needs root to mount a tmpfs")
    broker = ctx.broker(journal_segment_bytes=1 << 18, checkpoint_interval_s=1)
    os.makedirs(broker.data)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", broker.data],
                      check=False).returncode != 0:
        raise Skipped("a tmpfs cannot be mounted here")
    ctx.cleanups.append(lambda: subprocess.run(["umount", "-l", broker.data], check=False))
    broker.start()
    absent_subscriber(broker)
    client = Client(broker.port, "writer", clean=True, expiry=0)
    acknowledged = 0
    payload = " " * 2000
    end = time.monotonic() + 30
    try:
        while time.monotonic() < end and acknowledged < 5000:
            client.publish("plant/1", f"{acknowledged:06}{payload}", 1)
            if client.next_packet(5) is None:
                break
            acknowledged += 1
    except OSError:
        pass
    expect(100 < acknowledged < 2000, f"{acknowledged} messages went into 2 MB")
    if broker.process.poll() is None:
        broker.kill()
    subprocess.run(["mount", "-o", "remount,size=64m", broker.data], check=True)
    broker.start()
    expect_at_least(broker, acknowledged)


def test_a_slow_recovery_answers(ctx):
    """Who asks a broker that recovers for seconds hears that it lives and what it does."""
    disk = FailingDisk(ctx)
    broker = ctx.broker().start()
    absent_subscriber(broker)
    publish_acknowledged(broker, 300)
    broker.kill()
    disk.slow_reads("/journal/", 3000)
    broker.launch(env=disk.env)
    wait_until(broker.answers, "the control socket answers", 2)
    begun = time.monotonic()
    said = set()
    while time.monotonic() < begun + 2:
        expect(broker.control("ping")["ok"], "it does not answer")
        try:
            broker.status()
        except ConnectionError as error:
            said.add(str(error))
        time.sleep(0.05)
    expect(any("reads its journal" in text for text in said), f"it said only {said}")
    with socket.socket(socket.AF_UNIX) as garbage:
        garbage.settimeout(5)
        garbage.connect(broker.socket_file)
        garbage.sendall(b"\xff{[" + b"[" * 1000 + b"\n")
        answer = garbage.makefile("rb").read()  # to its end
        expect(b"recovering" in answer, f"garbage is answered and shown out, not with {answer}")
    disk.heal()
    wait_until(lambda: serving(broker), "the broker serves")
    expect_numbers(broker, 300)


def test_slow_claims_do_not_part_a_pair(ctx):
    """Each sync of what a standby knows of itself takes longer than peer_silence_ms."""
    disk = FailingDisk(ctx)
    pair = Pair(ctx).start()
    pair.b.stop()
    pair.solo(pair.a)
    disk.do("meta.json", "slow 700")
    before = len(pair.a.log())
    pair.b.start(env=disk.env, listening=False)
    pair.wait_paired()
    publish_acknowledged(pair.a, 100)
    told = pair.a.log()[before:]
    expect(" pair_state=waiting " not in told, f"they parted on the way: {told}")
