"""What the host may refuse: rights, descriptors, read-only disks; and files that are not what they were."""
import json
import os
import shutil
import subprocess

from support.expect import Skipped, expect, wait_until
from support.wire import Client
from test_recovery import absent_subscriber, expect_numbers, publish_acknowledged
from test_start import ends_with

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def as_nobody(ctx):
    """A prefix that runs a program as another user, who may use the test's folder."""
    if os.geteuid() != 0:
        raise Skipped("needs root to become another user")
    program = os.path.join(ctx.prefix, "tandemqd")
    if subprocess.run([*NOBODY, program, "--version"], check=False,
                      capture_output=True).returncode != 0:
        raise Skipped("another user may not run the programs here")
    return NOBODY


def ends_as_nobody(ctx, broker, *parts):
    broker.launch(wrapper=as_nobody(ctx))
    code = broker.exit_code()
    expect(code == 3, f"exit code {code}: {broker.log_tail()}")
    for part in parts:
        expect(broker.tells(part), f"'{part}' is not in: {broker.log_tail()}")


def test_foreign_data(ctx):
    """Started by root once, as its own user afterwards: each folder and file is named."""
    prefix = as_nobody(ctx)
    broker = ctx.broker().start()
    absent_subscriber(broker)
    publish_acknowledged(broker, 50)
    broker.checkpoint()
    broker.stop()
    shutil.chown(broker.folder, 65534)
    ends_as_nobody(ctx, broker, broker.data, "Permission denied", "node.data_dir")
    shutil.chown(broker.data, 65534)
    shutil.chown(os.path.join(broker.data, "lock"), 65534)
    for name in ("checkpoint.db", "meta.json", "journal"):
        path = os.path.join(broker.data, name)
        ends_as_nobody(ctx, broker, name, broker.data)
        for found in [path, *(os.path.join(path, n) for n in
                              (os.listdir(path) if os.path.isdir(path) else []))]:
            shutil.chown(found, 65534)
    broker.launch(wrapper=prefix)
    wait_until(lambda: broker.log().count("event=listening") == 2
               or broker.process.poll() is not None, "it serves")
    expect(broker.process.poll() is None, f"it ended: {broker.log_tail()}")
    expect_numbers(broker, 50)


def test_read_only_data(ctx):
    if os.geteuid() != 0:
        raise Skipped("needs root to mount")
    broker = ctx.broker().start()
    broker.stop()
    for command in (["mount", "--bind", broker.data, broker.data],
                    ["mount", "-o", "remount,ro,bind", broker.data]):
        if subprocess.run(command, check=False, capture_output=True).returncode != 0:
            raise Skipped("nothing can be mounted here")
    ctx.cleanups.append(lambda: subprocess.run(["umount", "-l", broker.data], check=False))
    ends_with(broker, 3, "cannot use the data folder", "Read-only file system")


def test_few_descriptors(ctx):
    """Clients do not take what journal, agent and operator need; those that are there go on."""
    broker = ctx.broker(journal_segment_bytes=1 << 16).launch(wrapper=["prlimit", "--nofile=200:200"])
    wait_until(lambda: "event=listening" in broker.log(), "it listens")
    expect(broker.tells("event=few_descriptors") and broker.tells("connections_max=100")
           and broker.tells("LimitNOFILE"), f"it is told: {broker.log_tail()}")
    absent_subscriber(broker)
    clients = [Client(broker.port, f"c{number}", clean=True, expiry=0) for number in range(100)]
    try:
        Client(broker.port, "one too many", clean=True, expiry=0)
        expect(False, "a client more than the limit came in")
    except (OSError, AssertionError):
        pass
    wait_until(lambda: "listener.connections_max is reached" in broker.log(), "it is told")
    expect(broker.status()["connections"] == 100, "the operator is answered")
    clients.pop().disconnect()
    wait_until(lambda: broker.status()["connections"] == 99, "there is room for one")
    publish_acknowledged(broker, 3000)  # over several segments of the journal
    for one in clients:
        one.close()
    wait_until(lambda: broker.status()["connections"] == 0, "they are gone")
    expect_numbers(broker, 3000)


def test_meta_damaged(ctx):
    broker = ctx.broker().start()
    absent_subscriber(broker)
    publish_acknowledged(broker, 100)
    broker.stop()
    path = os.path.join(broker.data, "meta.json")
    with open(path, encoding="utf-8") as file:
        good = file.read()
    for content in ("", "{", "[]", "{}", good.replace('"history"', '"mystery"'),
                    json.dumps({**json.loads(good), "epoch_seen": "x"})):
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
        ends_with(broker, 4, "meta.json is damaged", "move it away")
    os.unlink(path)
    broker.start()
    expect_numbers(broker, 100)


def test_data_of_another_node(ctx):
    broker = ctx.broker(replication_pair_id="plant-1").start()
    broker.stop()
    broker.settings["node.index"] = 2
    ends_with(broker, 2, "belongs to node 1 of pair 'plant-1'", "node.index")


def test_newer_formats(ctx):
    """Data of a later version of this program are not touched."""
    broker = ctx.broker().start()
    absent_subscriber(broker)
    publish_acknowledged(broker, 100)
    broker.checkpoint()
    broker.stop()
    broker.keep_data()
    segment = broker.journal_files()[-1]
    with open(segment, "r+b") as file:
        file.seek(8)
        file.write(b"\x02")
    for mode in ("single", "pair"):  # a pair must not move it aside as damaged
        broker.settings["replication.mode"] = mode
        if mode == "pair":
            broker.settings.update({"replication.peer": "b", "replication.listen": "127.0.0.1:1",
                                    "replication.peer_address": "127.0.0.1:1"})
        ends_with(broker, 2, segment, "another version of this program")
    broker.settings["replication.mode"] = "single"
    broker.restore_data()
    import sqlite3
    with sqlite3.connect(os.path.join(broker.data, "checkpoint.db")) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    ends_with(broker, 2, "checkpoint.db", "format", "use the program that wrote it")
    broker.restore_data()
    broker.start()
    expect_numbers(broker, 100)
