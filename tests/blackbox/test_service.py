"""The daemons as systemd runs them: what they tell it, and whether the units let them live."""
import os
import re
import shutil
import signal
import socket
import subprocess
import time

from support import control
from support.expect import Skipped, expect, wait_until
from support.pair import Pair
from support.preload import compiled
from support.wire import PUBACK, Client
from test_agent_start import AgentProcess
from test_damage import flip, used_bytes
from test_disk import FailingDisk
from test_recovery import absent_subscriber, expect_numbers, publish_acknowledged

UNITS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "systemd")


class Systemd:
    """Hears what a daemon tells on NOTIFY_SOCKET."""

    def __init__(self, ctx):
        self.path = os.path.join(ctx.folder, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(0.05)
        self.heard = []
        ctx.cleanups.append(self.socket.close)

    def hears(self, what, seconds=5):
        def heard():
            try:
                while True:
                    self.heard += self.socket.recv(65536).decode().split("\n")
            except TimeoutError:
                pass
            return what in self.heard
        wait_until(heard, f"{what} is told; heard {self.heard}", seconds)
        self.heard = []


def test_broker_tells_systemd(ctx):
    systemd = Systemd(ctx)
    broker = ctx.broker().launch({"NOTIFY_SOCKET": systemd.path})
    systemd.hears("READY=1")
    systemd.hears("WATCHDOG=1")
    broker.process.send_signal(signal.SIGHUP)
    systemd.hears("RELOADING=1")
    broker.process.send_signal(signal.SIGHUP)
    systemd.hears("READY=1")
    broker.process.terminate()
    systemd.hears("STOPPING=1")
    expect(broker.exit_code() == 0, "an orderly end")


def test_pages_are_locked(ctx):
    """Under pressure on memory a daemon does not wait for the disk to read its own program again."""
    agent, broker = AgentProcess(ctx).launch(), ctx.broker().start()
    if "event=memory_not_locked" in broker.log():
        raise Skipped("this machine grants no RLIMIT_MEMLOCK without a limit")
    for process in (broker.process, agent.process):
        def locked_kb(status=f"/proc/{process.pid}/status"):
            with open(status, encoding="utf-8") as f:
                return int(re.search(r"VmLck:\s+(\d+) kB", f.read()).group(1))
        wait_until(lambda: locked_kb() > 1000, f"{process.args[0]} locks its pages")


def test_lines_for_the_journal_have_a_priority(ctx):
    """`journalctl -p warning` would find nothing without; a log file has none."""
    broker = ctx.broker(listener_address="0.0.0.0")   # told as shut, which is a warning
    with open(broker.log_file, "w", encoding="utf-8"):
        log = os.stat(broker.log_file)
    broker.launch({"JOURNAL_STREAM": f"{log.st_dev}:{log.st_ino}"})
    expect(broker.tells("<4>time="), "a warning says what it is")
    expect(broker.tells("<5>time="), "a notice as well")
    expect(broker.tells("event=listening"), "it has started")
    broker.stop()
    begun = len(broker.log())
    broker.launch()
    wait_until(lambda: "event=listener_shut" in broker.log()[begun:], "it starts again")
    expect("<4>" not in broker.log()[begun:], "a file is for people")


def test_agent_tells_systemd(ctx):
    systemd = Systemd(ctx)
    os.environ["NOTIFY_SOCKET"] = systemd.path
    try:
        agent = AgentProcess(ctx).launch()
    finally:
        del os.environ["NOTIFY_SOCKET"]
    systemd.hears("READY=1")
    systemd.hears("WATCHDOG=1")
    agent.process.send_signal(signal.SIGHUP)
    systemd.hears("RELOADING=1")
    agent.stop()
    systemd.hears("STOPPING=1")


def no_resolver(ctx, seconds):
    """The environment of a program whose look-ups take so long and fail, until the file is removed."""
    gone = os.path.join(ctx.folder, "no_resolver")
    with open(gone, "w", encoding="utf-8"):
        return {"LD_PRELOAD": compiled("slow_resolver", ctx.folder), "NO_RESOLVER": gone,
                "SLOW_RESOLVER": str(seconds)}


def test_a_listener_waits_for_its_name(ctx):
    """Without a resolver a standby follows all the same; it is promoted once it can be reached."""
    pair = Pair(ctx)
    pair.a.start(listening=False)
    pair.b.settings.update({"listener.address": "broker.example", "listener.allow_anonymous": True})
    resolver = no_resolver(ctx, 1)
    pair.b.start(resolver, listening=False)
    wait_until(lambda: pair.a.status()["peer_connected"], "the nodes see each other")
    pair.promote(pair.a)
    pair.wait_paired()
    expect(pair.b.tells("event=listener_unresolved address=broker.example"), pair.b.log_tail())
    pair.a.kill()
    answer = control.ask(pair.b.socket_file, "promote", 10, reason="test")
    expect(not answer["ok"] and "cannot listen on broker.example" in answer["error"], answer)
    expect(pair.b.status()["role"] == "standby", "it serves nobody")
    os.unlink(resolver["NO_RESOLVER"])
    expect(pair.b.tells("event=listener_resolved"), pair.b.log_tail())
    pair.promote(pair.b)
    pair.solo(pair.b)
    absent_subscriber(pair.b)
    publish_acknowledged(pair.b, 10)


def answers_within(agent, seconds):
    begun = time.monotonic()
    control.ask(f"{agent.folder}/agent.sock", "status", 10)
    expect(time.monotonic() - begun < seconds, f"an answer took {time.monotonic() - begun:.1f} s")


def test_a_webhook_holds_nothing(ctx):
    """Neither a name that nobody resolves nor a server that does not answer: the agent goes on, and ends at once."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for number, url in enumerate(("http://hooks.example/", f"http://127.0.0.1:{silent.getsockname()[1]}/")):
            agent = AgentProcess(ctx, f"n{number}", webhook_url=url)
            resolver = no_resolver(ctx, 30)
            os.environ.update(resolver)
            try:
                agent.start()
            finally:
                for name in resolver:
                    del os.environ[name]
            expect("broker_down" in agent.log(), f"there is something to post: {agent.log()}")
            for _ in range(20):
                answers_within(agent, 1)
                time.sleep(0.05)
            begun = time.monotonic()
            agent.stop()
            expect(time.monotonic() - begun < 3, f"the end took {time.monotonic() - begun:.1f} s")


def test_a_long_installation_feeds_the_watchdog(ctx):
    """Of a snapshot that takes longer to read than systemd waits for a word."""
    pair = Pair(ctx).start()
    client = Client(pair.a.port, "writer", clean=True, expiry=0)
    for begin in range(0, 16000, 500):
        client.send(b"".join(client.publish_bytes(f"plant/{n}", str(n), 1, retain=True, packet_id=client.take_id())
                             for n in range(begin, begin + 500)))
        for _ in range(500):
            client.receive(PUBACK)
    pair.b.stop()
    journal = pair.b.journal_files()[-1]
    flip(journal, used_bytes(journal) // 2)
    disk, systemd = FailingDisk(ctx), Systemd(ctx)
    disk.slow_reads("snapshot.tmp", 30)
    pair.b.start({**disk.env, "NOTIFY_SOCKET": systemd.path}, listening=False)
    words, done = [time.monotonic()], time.monotonic() + 60
    systemd.socket.settimeout(0.2)
    while time.monotonic() < done and "event=snapshot_installed" not in pair.b.log():
        try:
            if b"WATCHDOG=1" in systemd.socket.recv(65536):
                words.append(time.monotonic())
        except TimeoutError:
            pass
    expect("event=snapshot_installed" in pair.b.log(), "it is installed")
    words.append(time.monotonic())
    took = words[-1] - words[0]
    longest = max(b - a for a, b in zip(words, words[1:]))
    expect(took > 5, f"too short to tell: {took:.1f} s")
    expect(longest < took / 2, f"no word for {longest:.1f} of {took:.1f} s")
    pair.wait_paired(60)


def test_hangup_while_it_starts(ctx):
    """A reload that comes during a long recovery must not end it."""
    broker = ctx.broker().start()
    publish_acknowledged(broker, 5000)
    broker.kill()
    os.unlink(os.path.join(broker.data, "lock"))
    broker.launch()
    wait_until(lambda: os.path.exists(os.path.join(broker.data, "lock")), "it is starting")
    for _ in range(50):
        broker.process.send_signal(signal.SIGHUP)
        time.sleep(0.002)
    wait_until(lambda: broker.log().count("event=listening") == 2
               or broker.process.poll() is not None, "it listens")
    expect(broker.process.poll() is None, f"it ended: {broker.process.returncode}")


def test_stopped_while_it_starts(ctx):
    """It does not finish a recovery of minutes first."""
    disk = FailingDisk(ctx)
    broker = ctx.broker().start()
    absent_subscriber(broker)
    publish_acknowledged(broker, 300)
    broker.kill()
    disk.slow_reads("/journal/", 60_000)
    broker.launch(env=disk.env)
    wait_until(broker.answers, "the control socket answers")
    begun = time.monotonic()
    broker.stop()
    expect(time.monotonic() - begun < 5, "a slow end")
    disk.heal()
    broker.start()
    expect_numbers(broker, 300)


def test_units_are_valid(ctx):
    if not shutil.which("systemd-analyze"):
        raise Skipped("no systemd-analyze")
    for name in ("tandemqd.service", "tandemq-agent.service"):
        with open(os.path.join(UNITS, name), encoding="utf-8") as file:
            text = file.read()
        text = re.sub(r"Exec(Start|Reload)=\S+", r"Exec\1=/bin/true", text)
        path = os.path.join(ctx.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(re.sub(r"Documentation=.*\n", "", text))
        found = subprocess.run(["systemd-analyze", "verify", "--man=no", path], check=False,
                               capture_output=True, text=True)
        expect(found.returncode == 0 and not found.stderr, f"{name}: {found.stderr}")


def test_units_are_exposed_no_more_than(ctx):
    """In tenths, as systemd-analyze rates them; keepalived's unit in Debian has 96 without ours."""
    if not shutil.which("systemd-analyze"):
        raise Skipped("no systemd-analyze")
    keepalived = os.path.join(ctx.folder, "keepalived.service")
    with open(keepalived, "w", encoding="utf-8") as out, \
            open(os.path.join(UNITS, "keepalived.service.d", "tandemq.conf"), encoding="utf-8") as ours:
        out.write("[Service]\nExecStart=/bin/true\n" + ours.read())
    for path, most in ((os.path.join(UNITS, "tandemqd.service"), 12),
                       (os.path.join(UNITS, "tandemq-agent.service"), 20), (keepalived, 26)):
        found = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager",
                                f"--threshold={most}", path], check=False, capture_output=True, text=True)
        expect(found.returncode == 0, f"{path} is exposed more: {found.stdout[-400:]}")


def syscalls_of(name):
    """The names in a group of systemd, of all groups in it."""
    out = subprocess.run(["systemd-analyze", "syscall-filter", name], check=True,
                         capture_output=True, text=True).stdout
    found = set()
    for line in (line.strip() for line in out.splitlines()[1:]):
        if line.startswith("@"):
            found |= syscalls_of(line)
        elif line and not line.startswith("#"):
            found.add(line)
    return found


def allowed_by(unit):
    allowed = syscalls_of("@default")
    with open(os.path.join(UNITS, unit), encoding="utf-8") as file:
        for given in re.findall(r"^SystemCallFilter=(.*)$", file.read(), re.MULTILINE):
            for name in given.removeprefix("~").split():
                calls = syscalls_of(name) if name.startswith("@") else {name}
                allowed = allowed - calls if given.startswith("~") else allowed | calls
    return allowed


def test_broker_makes_no_call_that_its_unit_forbids(ctx):
    if not shutil.which("strace") or not shutil.which("systemd-analyze"):
        raise Skipped("needs strace and systemd-analyze")
    trace = os.path.join(ctx.folder, "trace")
    broker = ctx.broker(checkpoint_interval_s=1)
    broker.launch(wrapper=["strace", "-f", "-qq", "-o", trace])
    wait_until(lambda: "event=listening" in broker.log() or broker.process.poll() is not None,
               "it listens")
    if broker.process.poll() is not None:
        raise Skipped("strace may not trace here")
    publish_acknowledged(broker, 300)
    broker.checkpoint()
    broker.control("shutdown")
    broker.exit_code()
    with open(trace, encoding="utf-8", errors="replace") as file:
        used = set(re.findall(r"^\d+ +(\w+)\(", file.read(), re.MULTILINE))
    # What only root does: SQLite gives its files the owner of the database.
    forbidden = used - allowed_by("tandemqd.service") - {"fchown"}
    expect(not forbidden, f"it makes these calls: {sorted(forbidden)}")
