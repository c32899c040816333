"""A pair of brokers without agents: the test gives their orders, as an agent would, and may put a
relay between them that does to the replication link what networks do."""
import os
import random
import select
import signal
import socket
import sqlite3
import threading
import time

from support.expect import Failed, expect, free_port, wait_until


class Relay:
    """Forwards TCP connections to `port`. mode: pass, stall (nothing moves), refuse (no link)."""

    def __init__(self, port, seed=1):
        self.target = port
        self.mode = "pass"
        self.corrupt = 0.0   # share of pieces in which a byte is changed
        self.random = random.Random(seed)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.links = {}      # socket → its other side
        self.open = True
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while self.open:
            stalled = self.mode == "stall"
            watched = [self.listener] + ([] if stalled else list(self.links))
            try:
                ready, _, _ = select.select(watched, [], [], 0.02)
            except (OSError, ValueError):
                ready = []
                self.links = {s: o for s, o in self.links.items() if s.fileno() >= 0}
            for one in ready:
                if one is self.listener:
                    self.accept()
                elif one in self.links:
                    self.forward(one)

    def accept(self):
        client, _ = self.listener.accept()
        if self.mode == "refuse":
            client.close()
            return
        try:
            server = socket.create_connection(("127.0.0.1", self.target), 1)
        except OSError:
            client.close()
            return
        for one in (client, server):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            one.settimeout(2)
        self.links[client], self.links[server] = server, client

    def forward(self, one):
        other = self.links[one]
        try:
            data = one.recv(1 << 16)
            if data and self.random.random() < self.corrupt:
                at = self.random.randrange(len(data))
                data = data[:at] + bytes([data[at] ^ 1 << self.random.randrange(8)]) + data[at + 1:]
            if data:
                other.sendall(data)
                return
        except OSError:
            pass
        self.drop(one)

    def drop(self, one):
        for end in (one, self.links.get(one)):
            self.links.pop(end, None)
            if end:
                end.close()

    def cut(self):
        for one in list(self.links):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def half_close(self):
        for one in list(self.links)[:1]:
            try:
                one.shutdown(socket.SHUT_WR)
            except OSError:
                pass

    def close(self):
        self.open = False
        self.cut()
        self.thread.join(5)
        self.listener.close()


class Pair:
    def __init__(self, ctx, relay=False, **settings):
        links = {"a": free_port(), "b": free_port()}
        self.relay = Relay(links["b"]) if relay else None
        if relay:
            ctx.cleanups.append(self.relay.close)
        to = {"a": self.relay.port if relay else links["b"], "b": links["a"]}
        self.nodes = {}
        for index, (name, peer) in enumerate((("a", "b"), ("b", "a")), 1):
            self.nodes[name] = ctx.broker(
                name, node_name=name, node_index=index, replication_mode="pair",
                replication_pair_id="plant-1", replication_peer=peer,
                replication_listen=f"127.0.0.1:{links[name]}",
                replication_peer_address=f"127.0.0.1:{to[name]}", **settings)
        self.a, self.b = self.nodes["a"], self.nodes["b"]
        self.ports = [self.a.port, self.b.port]
        self.link_port = links["b"]

    def start(self, env=None):
        """`env`: for each node by its name."""
        for name, node in self.nodes.items():
            node.start((env or {}).get(name), listening=False)
        wait_until(lambda: self.a.status()["peer_connected"], "the nodes see each other")
        self.a.control("promote", reason="test")
        self.wait_paired()
        return self

    def other(self, node):
        return self.b if node is self.a else self.a

    def statuses(self):
        found = {}
        for name, node in self.nodes.items():
            try:
                found[name] = node.status()
            except (OSError, ValueError):
                pass
        return found

    def primary(self):
        """The node that leads, of two the one of the higher epoch; None."""
        leading = {n: s for n, s in self.statuses().items() if s["role"] == "primary"}
        if not leading:
            return None
        return self.nodes[max(leading, key=lambda n: leading[n]["epoch"])]

    def is_paired(self):
        found = self.statuses().values()
        return (len(found) == 2 and {s["role"] for s in found} == {"primary", "standby"}
                and all(s["pair_state"] == "paired" for s in found))

    def wait_paired(self, seconds=30):
        try:
            wait_until(self.is_paired, "the pair is paired", seconds)
        except Failed as failure:
            raise Failed(f"{failure}: " + "; ".join(
                f"{n} {s['role']} {s['pair_state']} in_sync={s['in_sync']} last={s['last_lsn']} "
                f"committed={s['committed_lsn']}: {s['reason']}"
                for n, s in self.statuses().items())) from None

    def promote(self, node):
        node.control("promote", reason="test")

    @staticmethod
    def solo(node):
        """Goes on alone, once it has noticed that its peer is away."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            state = node.status()["pair_state"]
            if state == "solo":
                return
            if state == "waiting":
                node.control("solo", authority="operator")
            time.sleep(0.02)
        raise Failed(f"{node.name} did not go on alone")

    def take_over(self, by, of):
        of.kill()
        self.promote(by)
        self.solo(by)

    def expect_same_state(self):
        """Both checkpoints hold the same rows. The pair is paired and at rest."""
        def even():
            found = list(self.statuses().values())
            return (found[0]["last_lsn"] == found[1]["last_lsn"]
                    and all(s["committed_lsn"] == s["last_lsn"] for s in found))
        wait_until(even, "both hold the same records, committed")

        def hashes():
            found = [(h["lsn"], h["hash"])
                     for h in (node.control("hash") for node in self.nodes.values())]
            return found if found[0][0] == found[1][0] else None
        found = wait_until(hashes, "both at the same record")
        expect(found[0] == found[1], f"the states at record {found[0][0]} differ")
        for _ in range(20):
            lsns = [node.checkpoint() for node in self.nodes.values()]
            if lsns[0] == lsns[1]:
                break
            time.sleep(0.05)
        expect(lsns[0] == lsns[1], f"checkpoints at {lsns}")
        rows = [dump(os.path.join(n.data, "checkpoint.db")) for n in self.nodes.values()]
        for table in sorted(set(rows[0]) | set(rows[1])):
            one, two = rows[0].get(table), rows[1].get(table)
            expect(one == two, f"table {table} differs: only a "
                   f"{sorted(set(one) - set(two))[:3]}, only b {sorted(set(two) - set(one))[:3]}")


def dump(path):
    """Every table's rows, sorted; what is a node's own is left out."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10) as db:
        tables = [r[0] for r in db.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        return {t: sorted(map(repr, db.execute(f"SELECT * FROM {t}"))) for t in tables}


def pause_process(node, seconds):
    node.process.send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    node.process.send_signal(signal.SIGCONT)
