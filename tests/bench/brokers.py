"""The brokers that are compared: each started fresh on 127.0.0.1, stopped by its process only."""
import json
import os
import shutil
import socket
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, ROOT)
from tests.support.pki import Pki  # noqa: E402

PORT_ABOVE = {"plain": 0, "tls": 20, "ws": 24, "wss": 28}  # that of the listener by plain TCP
CONNECTIONS_MAX = 19700  # what 20,000 descriptors suffice for
START_S_MAX = 30.0


class BrokerFailed(Exception):
    """A broker did not start or did not become ready; the text says why."""


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), 0.2).close()
        return True
    except OSError:
        return False


def wait_for(what, condition, seconds=START_S_MAX):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise BrokerFailed(f"{what} within {seconds:.0f} s")
        time.sleep(0.02)


def certificate(folder):
    """An authority and a certificate for 127.0.0.1, made once: (cafile, certfile, keyfile)."""
    pki = os.path.join(folder, "pki")
    files = [os.path.join(pki, name) for name in ("authority.pem", "broker.pem", "broker.key")]
    if not all(map(os.path.exists, files)):
        Pki(pki).issue("broker")
    return files


def ticket_secret(folder):
    """With it a TLS session of one node is resumed at the other."""
    path = os.path.join(folder, "pki", "tickets")
    with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as f:
        f.write("the same on both nodes\n")
    return path


class Daemon:
    """One process with its own folder, log and pid file."""

    def __init__(self, folder, command, port):
        self.folder, self.command, self.port = folder, command, port
        self.process = None

    def start(self, config_name, config):
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        path = os.path.join(self.folder, config_name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(config)
        with open(os.path.join(self.folder, "log"), "w", encoding="utf-8") as log:
            self.process = subprocess.Popen([*self.command, "-c", path], stdout=log, stderr=log)

    def alive(self):
        if self.process.poll() is not None:
            raise BrokerFailed(f"{self.command[0]} ended with {self.process.returncode}, "
                               f"see {self.folder}/log")
        return True

    def stop(self):
        if not self.process:
            return
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


class Mosquitto:
    """Debian's mosquitto without persistence and without its limits: as fast as it goes."""
    name = "mosquitto"

    def __init__(self, folder, port, _bin):
        self.folder, self.port = folder, port
        self.daemon = Daemon(os.path.join(folder, self.name), ["mosquitto"], port)
        self.transport = "plain"

    def start(self):
        _, cert, key = certificate(self.folder)
        lines = f"listener {self.port} 127.0.0.1\n"
        if self.transport != "plain":
            lines += f"listener {self.port + PORT_ABOVE[self.transport]} 127.0.0.1\n"
        if self.transport in ("tls", "wss"):
            lines += f"certfile {cert}\nkeyfile {key}\n"
        if self.transport in ("ws", "wss"):  # it takes seconds to start then
            lines += "protocol websockets\n"
        self.daemon.start("mosquitto.conf", (
            lines +
            "user root\nallow_anonymous true\nlog_type error\n" + self.settings()))
        last = self.port + PORT_ABOVE[self.transport]
        wait_for("mosquitto did not listen", lambda: self.daemon.alive() and accepts(last))

    def settings(self):
        return ("persistence false\nmax_queued_messages 0\nmax_inflight_messages 0\n"
                "set_tcp_nodelay true\n")

    def serve(self, transport):
        self.transport = transport

    def pids(self):
        return [self.daemon.process.pid]

    def stop(self):
        self.daemon.stop()


def listener(folder, port, transport, connections_max):
    _, cert, key = certificate(folder)
    lines = ["[[listener]]", f'name = "{transport}"', 'address = "127.0.0.1"',
             f"port = {port + PORT_ABOVE[transport]}", f"connections_max = {connections_max}"]
    if transport in ("tls", "wss"):
        lines += [f'certfile = "{cert}"', f'keyfile = "{key}"']
    if transport in ("ws", "wss"):
        lines.append('protocol = "websockets"')
    return "\n".join(lines)


def listeners(folder, port, transport):
    """Of that transport, and for a few by plain TCP."""
    if transport == "plain":
        return listener(folder, port, transport, CONNECTIONS_MAX)
    return (listener(folder, port, "plain", 100) + "\n"
            + listener(folder, port, transport, CONNECTIONS_MAX - 100))


def tandemq_config(folder, port, name, replication, checkpoint_s, transport):
    bench = os.path.dirname(folder)
    return f"""
[node]
name = "{name}"
index = {1 if name == "a" else 2}
data_dir = "{folder}/data"
control_socket = "{folder}/broker.sock"
{listeners(bench, port, transport)}
[tls]
ticket_secret_file = "{ticket_secret(bench)}"
[replication]
{replication}
[checkpoint]
interval_s = {checkpoint_s}
[limits]
queued_messages_max = 1000000
[metrics]
listen = ""
[log]
level = "notice"
"""


class Node:
    """One tandemqd and its control socket."""

    def __init__(self, folder, port, binaries):
        self.folder, self.port = folder, port
        self.daemon = Daemon(folder, [os.path.join(binaries, "tandemqd")], port)
        self.checkpoint_s = 60
        self.transport = "plain"

    def wrap(self, command):
        """The broker will be started by this command."""
        self.daemon.command = [*command, *self.daemon.command]

    def start(self, name, replication):
        self.daemon.start("tandemqd.toml",
                          tandemq_config(self.folder, self.port, name, replication,
                                         self.checkpoint_s, self.transport))

    def ask(self, cmd, **arguments):
        """The answer to one request, None while the socket is not there."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(5)
            try:
                connection.connect(os.path.join(self.folder, "broker.sock"))
                request = {"cmd": cmd, "id": 1, **arguments}
                connection.sendall(json.dumps(request).encode() + b"\n")
                line = connection.makefile("rb").readline()
            except OSError:
                return None
        return json.loads(line) if line else None

    def status(self):
        self.daemon.alive()
        answer = self.ask("status")
        if not answer or not answer.get("ok"):
            return {}
        return answer.get("status", answer)


class Single:
    """One TandeMQ node: every record is on disk before it is acknowledged."""
    name = "single"

    def __init__(self, folder, port, binaries):
        self.port = port
        self.nodes = [Node(os.path.join(folder, self.name), port, binaries)]

    def start(self):
        node = self.nodes[0]
        node.start("a", 'mode = "single"')
        wait_for("the single node did not serve",
                 lambda: node.status().get("listening") and accepts(self.port))

    def serve(self, transport):
        """By that and by plain TCP; to be called before start()."""
        for node in self.nodes:
            node.transport = transport

    def pids(self):
        return [self.nodes[0].daemon.process.pid]

    def stop(self):
        self.nodes[0].daemon.stop()


class Pair:
    """Two TandeMQ nodes on this machine, the first of them primary, whole before it is measured."""
    name = "pair"

    def __init__(self, folder, port, binaries):
        self.port = port
        self.nodes = [Node(os.path.join(folder, self.name + "-" + name), port + i, binaries)
                      for i, name in enumerate("ab")]

    def replication(self, own, peer):
        return (f'mode = "pair"\npair_id = "bench"\npeer = "{peer}"\n'
                f'listen = "127.0.0.1:{self.port + 10 + "ab".index(own)}"\n'
                f'peer_address = "127.0.0.1:{self.port + 10 + "ab".index(peer)}"\n'
                f"peer_silence_ms = 2000\n{self.link(own)}")

    def link(self, _own):
        return "allow_plain = true"

    def start(self):
        for node, own, peer in zip(self.nodes, "ab", "ba"):
            node.start(own, self.replication(own, peer))
        first, second = self.nodes
        wait_for("the nodes of the pair did not meet",
                 lambda: first.status().get("peer_connected")
                 and second.status().get("peer_connected"))
        answer = first.ask("promote", reason="benchmark")
        if not answer or not answer.get("ok"):
            raise BrokerFailed(f"node a was not promoted: {answer}")
        wait_for("the pair did not become paired",
                 lambda: first.status().get("pair_state") == "paired"
                 and first.status().get("listening") and accepts(self.port))

    serve = Single.serve

    def pids(self):
        """The primary's; its standby's work is in none of the figures."""
        return [self.nodes[0].daemon.process.pid]

    def stop(self):
        for node in self.nodes:
            node.daemon.stop()


class PairTls(Pair):
    """The same with TLS on the link between its nodes, as two hosts have it."""
    name = "pair-tls"

    def __init__(self, folder, port, binaries):
        super().__init__(folder, port, binaries)
        self.pki = os.path.join(folder, "link-pki")
        shutil.rmtree(self.pki, ignore_errors=True)
        issue = [os.path.join(binaries, "tandemqctl"), "pki"]
        for command in (["init", "--pair", "bench"], ["issue", "--node", "a"], ["issue", "--node", "b"]):
            subprocess.run([*issue, *command, self.pki], check=True, stdout=subprocess.DEVNULL)

    def link(self, own):
        return f'certfile = "{self.pki}/{own}.pem"\ncafile = "{self.pki}/ca.pem"'
