"""tandemqctl as an operator meets it: with all well, with dead daemons, without rights, in JSON."""
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import time

from support.expect import Skipped, expect, wait_until
from support.pair import Pair
from test_agent_start import AgentProcess

DOCS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs",
                    "control-protocol.md")


class Node:
    """A broker, its agent, and tandemqctl for both."""

    def __init__(self, ctx, broker):
        self.ctx, self.broker = ctx, broker
        self.agent = AgentProcess(ctx, f"agent-{broker.name}",
                                  broker_control_socket=broker.socket_file).start()
        self.sockets = ["--socket", f"{self.agent.folder}/agent.sock",
                        "--broker-socket", broker.socket_file]

    def ctl(self, *arguments, prefix=()):
        program = os.path.join(self.ctx.prefix, "tandemqctl")
        found = subprocess.run([*prefix, program, *self.sockets, *arguments], check=False,
                               stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
        return found.returncode, found.stdout, found.stderr

    def expect_ctl(self, arguments, code, *parts, prefix=()):
        found, out, error = self.ctl(*arguments, prefix=prefix)
        expect(found == code, f"{arguments}: exit code {found}, not {code}: {out} {error}")
        for part in parts:
            expect(part in out + error, f"{arguments}: '{part}' is not in: {out} {error}")
        return out


def single(ctx):
    node = Node(ctx, ctx.broker().start())
    wait_until(lambda: "to=primary" in node.agent.log(), "the agent sees it serve")
    return node


def test_all_commands(ctx):
    node = single(ctx)
    node.expect_ctl(["status"], 0, "a serves alone", "primary, solo for", "keepalived does not run",
                    "not heard")
    node.expect_ctl(["history"], 0, "starting -> primary", "the broker serves")
    node.expect_ctl(["promote"], 0, "promote: done")
    # Nobody can be asked here: it says what it would do, and does nothing.
    node.expect_ctl(["promote", "--force"], 64, "makes a serve with what it has", "nothing was done", "--yes")
    node.expect_ctl(["promote", "--force", "--yes"], 0, "promote: done")
    node.expect_ctl(["solo"], 1, "tandemqctl: ", "nothing to go on alone from")
    node.expect_ctl(["switchover"], 1, "tandemqctl: ", "cannot take over")
    node.expect_ctl(["checkpoint"], 0, "checkpoint: done")
    node.expect_ctl(["nonsense"], 64, "nonsense")
    node.expect_ctl(["status", "--timeout", "0"], 64, "--timeout")
    node.expect_ctl(["history", "--limit", "x"], 64, "--limit")


def test_json_is_as_documented(ctx):
    """Each key stands in docs/control-protocol.md, and each answer is one JSON value on stdout."""
    with open(DOCS, encoding="utf-8") as file:
        documented = set(re.findall(r"\w+", " ".join(re.findall(r"`[^`\n]+`", file.read()))))
    node = single(ctx)

    def check(value, path):
        for key, inner in value.items():
            expect(key in documented or ":" in key, f"{path}.{key} is not documented")
            if isinstance(inner, dict):
                check(inner, f"{path}.{key}")
    for arguments, code in ((["status"], 0), (["switchover"], 1), (["checkpoint"], 0),
                            (["promote"], 0)):
        out = node.expect_ctl([*arguments, "--json"], code)
        answer = json.loads(out)
        expect(answer["ok"] == (code == 0) and "id" not in answer, f"{arguments}: {answer}")
        check(answer, arguments[0])
        if code:
            expect(answer["exit_code"] == code and answer["error"], f"{answer}")
    changes = json.loads(node.expect_ctl(["history", "--json"], 0))
    check(changes[0], "history")


def test_idle_connections_keep_nobody_out(ctx):
    """Who asks stays, who only holds a connection gives way."""
    node = ctx.broker().start()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asks, contextlib.ExitStack() as idle:
        asks.connect(node.socket_file)
        answers = asks.makefile("rb")
        for i in range(200):
            one = idle.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            one.connect(node.socket_file)
            if i % 20 == 0:
                asks.sendall(b'{"cmd":"status","id":1}\n')
                expect(answers.readline().endswith(b"}\n"), f"cut off after {i} idle ones")
        expect(node.status()["listening"], "a newcomer is answered")


def test_a_daemon_that_takes_no_more(ctx):
    """It stands still and its listener's queue is full: --timeout holds for the connection, too."""
    node = single(ctx)
    node.agent.process.send_signal(signal.SIGSTOP)
    with contextlib.ExitStack() as idle:
        with contextlib.suppress(BlockingIOError):
            while True:
                one = idle.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
                one.setblocking(False)
                one.connect(f"{node.agent.folder}/agent.sock")
        node.expect_ctl(["--timeout", "500", "promote"], 3, "the service hangs")
    node.agent.process.send_signal(signal.SIGCONT)


def test_dead_daemons(ctx):
    node = single(ctx)
    node.agent.stop()
    node.expect_ctl(["status"], 0, "no agent answers", "primary, solo")
    for command in ("promote", "solo", "switchover", "history"):
        node.expect_ctl([command], 3, "agent.sock", "No such file", "the service does not run")
    answer = json.loads(node.expect_ctl(["status", "--json"], 0))
    expect(answer["agent"] is None and answer["broker"]["role"] == "primary" and answer["error"],
           f"{answer}")
    node.broker.kill()
    node.expect_ctl(["status"], 3, "Connection refused", "the service does not run")
    answer = json.loads(node.expect_ctl(["status", "--json"], 3))
    expect(answer["ok"] is False and answer["broker"] is None and answer["exit_code"] == 3,
           f"{answer}")


def test_dead_broker(ctx):
    node = single(ctx)
    node.broker.kill()
    wait_until(lambda: "to=broker_down" in node.agent.log(), "the agent notices")
    node.expect_ctl(["status"], 2, "a is broker_down", "does not answer")
    node.expect_ctl(["promote"], 1, "tandemqctl: ")


def test_hung_daemons(ctx):
    node = single(ctx)
    node.agent.process.send_signal(signal.SIGSTOP)
    begun = time.monotonic()
    node.expect_ctl(["status"], 0, "no agent answers")
    node.expect_ctl(["promote", "--timeout", "500"], 3, "no time is left", "hangs")
    expect(time.monotonic() - begun < 6, "it waits long")
    node.agent.process.send_signal(signal.SIGCONT)


def test_without_rights(ctx):
    if os.geteuid() != 0:
        raise Skipped("needs root to become another user")
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if subprocess.run([*as_nobody, os.path.join(ctx.prefix, "tandemqctl"), "--version"], check=False,
                      capture_output=True).returncode != 0:
        raise Skipped("another user may not run the programs here")
    node = single(ctx)
    os.chmod(ctx.folder, 0o755)
    for command in ("status", "promote", "switchover"):
        node.expect_ctl([command], 3, "Permission denied", "run it as root", prefix=as_nobody)


def test_dead_peer(ctx):
    pair = Pair(ctx).start()
    node = Node(ctx, pair.a)
    wait_until(lambda: "to=primary" in node.agent.log(), "the agent sees it serve")
    pair.b.kill()
    wait_until(lambda: pair.a.status()["pair_state"] in ("waiting", "solo"), "it is missed")
    node.expect_ctl(["status"], 1, "b", "not heard", "because")
    node.expect_ctl(["switchover"], 1, "cannot take over")
    if pair.a.status()["pair_state"] == "waiting":
        node.expect_ctl(["solo"], 0, "solo: done")
    node.expect_ctl(["status"], 1, "a serves alone; b is not in sync")
