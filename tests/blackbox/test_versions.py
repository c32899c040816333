"""Nodes of this release and of the next (build/next: one kind of record, one field and one message
more, docs/decisions/versions.md) as a pair: resync, failover, upgrade under load, and going back."""
import os
import shutil
import subprocess

from support.expect import Skipped, expect, wait_until
from support.load import Load
from support.pair import Pair

NEXT_KIND = "32"


def next_of(ctx):
    """The folder with the programs of the next release."""
    folder = os.path.join(os.path.dirname(os.path.dirname(ctx.prefix)), "next", "bin")
    if not os.path.exists(os.path.join(folder, "tandemqd")):
        raise Skipped(f"there is no {folder}/tandemqd: ./run build next tandemqd tandemq-journal")
    return folder


def loaded(ctx, pair):
    load = Load(pair.ports, ctx.random)
    ctx.cleanups.append(load.stop)
    load.subscriber()
    for qos in (1, 2):
        load.publisher(qos)
    progress(load)
    return load


def progress(load):
    before = load.acknowledged()
    wait_until(lambda: load.acknowledged() > before + 200, "messages are acknowledged", 30)


def judge(load):
    load.pause()
    wait_until(load.quiet, f"everything arrives: {load.missing()}", 30)
    found = load.check()
    expect(not found, "; ".join(found))


def agreed_kinds(node):
    return node.status()["agreed"].split("records ")[1].split()


def expect_agreed(pair, has_next):
    for node in pair.nodes.values():
        kinds = agreed_kinds(node)
        expect((any(k.endswith(NEXT_KIND) for k in kinds)) == has_next,
               f"{node.name} has agreed on {kinds}")
        expect(("17v2" in kinds) == has_next, f"{node.name} has agreed on {kinds}")


def noted(ctx, node):
    """Lines of the node's journal that only the next release writes."""
    program = os.path.join(next_of(ctx), "tandemq-journal")
    done = subprocess.run([program, os.path.join(node.data, "journal")], capture_output=True,
                          text=True, check=False, timeout=60)
    return [line for line in done.stdout.splitlines() if " noted " in line]


def restart(node, prefix):
    """In good order, as another program."""
    node.stop()
    node.prefix = prefix
    node.start(listening=False)


def mixed(ctx, newer):
    """Every way to meet: by journal, by snapshot, after a failover; nothing is lost, and nothing is
    written that the older one could not read."""
    pair = Pair(ctx, journal_segment_bytes=1 << 16)
    pair.nodes[newer].prefix = next_of(ctx)
    pair.start()
    load = loaded(ctx, pair)
    expect_agreed(pair, False)
    pair.b.stop()
    pair.solo(pair.a)
    progress(load)
    pair.b.start(listening=False)
    pair.wait_paired()
    while pair.a.status()["journal_first_lsn"] == 1:
        progress(load)
        pair.a.checkpoint()
    pair.b.kill()
    pair.solo(pair.a)
    shutil.rmtree(pair.b.data)
    progress(load)
    pair.b.start(listening=False)
    pair.wait_paired()
    expect(pair.b.tells("event=snapshot_installed"), "b was not filled by snapshot")
    pair.take_over(by=pair.b, of=pair.a)
    progress(load)
    pair.a.start(listening=False)
    pair.wait_paired()
    progress(load)
    judge(load)
    expect_agreed(pair, False)
    pair.expect_same_state()
    for node in pair.nodes.values():
        versions = (node.status()["version"], node.status()["peer_version"])
        expect(versions[0] != versions[1] and all(versions), f"{node.name} says {versions}")
        node.kill()
        expect(not noted(ctx, node), f"{node.name} holds what the older release cannot read")


def test_this_release_leads_the_next(ctx):
    mixed(ctx, newer="b")


def test_the_next_release_leads_this(ctx):
    mixed(ctx, newer="a")


def upgraded_pair(ctx):
    """Both upgraded under load, standby first; a leads again."""
    pair = Pair(ctx).start()
    load = loaded(ctx, pair)
    restart(pair.b, next_of(ctx))
    pair.wait_paired()
    expect_agreed(pair, False)
    pair.a.control("switchover", reason="upgrade")
    wait_until(lambda: pair.primary() is pair.b and pair.is_paired(), "b leads, paired")
    progress(load)
    expect_agreed(pair, False)
    restart(pair.a, next_of(ctx))
    pair.wait_paired()
    expect_agreed(pair, True)
    wait_until(lambda: "heard" in pair.a.status()["peer_version"], "the new message is sent")
    wait_until(lambda: noted(ctx, pair.b), "the new kind is written")
    progress(load)
    pair.take_over(by=pair.a, of=pair.b)
    progress(load)
    return pair, load


def test_upgraded_under_load_and_not_put_back(ctx):
    pair, load = upgraded_pair(ctx)
    # The program of before refuses what it cannot read, and leaves it as it is.
    pair.b.prefix = ctx.prefix
    pair.b.keep_data()
    pair.b.launch()
    code = pair.b.exit_code()
    expect(code == 2, f"it ended with {code}: {pair.b.log_tail()}")
    for words in ("+next", "record kind 32", "install the version that wrote it"):
        expect(words in pair.b.log_tail(), f"{words} is not told: {pair.b.log_tail()}")
    kept = os.path.join(pair.b.folder, "kept")
    # SQLite brings its log into its file when it opens it.
    same = subprocess.run(["diff", "-r", "-x", "checkpoint.db*", kept, pair.b.data],
                          capture_output=True, text=True, check=False)
    expect(same.returncode == 0, f"its data have changed: {same.stdout}")
    pair.b.prefix = next_of(ctx)
    pair.b.start(listening=False)
    pair.wait_paired()
    judge(load)
    pair.expect_same_state()


def test_put_back_with_an_empty_folder(ctx):
    """It has nothing to refuse, but the pair's data hold what it could not read."""
    pair, load = upgraded_pair(ctx)
    shutil.rmtree(pair.b.data)
    pair.b.prefix = ctx.prefix
    pair.b.start(listening=False)
    for node in pair.nodes.values():
        told = wait_until(lambda node=node: node.status()["peer_refused"], f"{node.name} is told", 10)
        for words in ("does not know version 2 of record kind 17, record kind 32", "+next)"):
            expect(words in told, f"{node.name} says {told}")
        wait_until(lambda node=node: "event=peer_refused" in node.log(), f"{node.name} logs it", 5)
    expect(pair.a.status()["pair_state"] == "solo", "the primary does not go on")
    expect(pair.b.status()["last_lsn"] == 0, "the older program was sent records")
    progress(load)
    pair.b.stop()
    pair.b.prefix = next_of(ctx)
    pair.b.start(listening=False)
    pair.wait_paired()
    judge(load)


def test_put_back_before_the_second_node_is_upgraded(ctx):
    """Nothing newer has been written: going back is an ordinary restart."""
    pair = Pair(ctx).start()
    load = loaded(ctx, pair)
    for prefix in (next_of(ctx), ctx.prefix):
        restart(pair.b, prefix)
        pair.wait_paired()
        progress(load)
    judge(load)
    pair.expect_same_state()
