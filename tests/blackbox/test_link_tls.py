"""The replication link over TLS: who is let in, who is not, reload, and nonsense at its door."""
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time

from support.expect import expect, wait_until
from support.load import Load
from support.pair import Pair
from support.pki import Pki
from support.wire import Client


def uri(node, pair="plant-1"):
    return f"URI:tandemq://{pair}/{node}"


def give(node, pki, name=None, days=30, names=None):
    """Certificate and key for that node, in its settings."""
    name = name or node.settings["node.name"]
    cert, key = pki.issue(f"link-{node.name}", names=names or uri(name), days=days)
    node.settings.update({"replication.certfile": cert, "replication.keyfile": key,
                          "replication.cafile": pki.cafile})
    return cert, key


def secured(ctx, **settings):
    pair, pki = Pair(ctx, **settings), Pki(ctx.folder + "/pki")
    for node in pair.nodes.values():
        give(node, pki)
    return pair, pki


def launch(pair):
    for node in pair.nodes.values():
        node.start(listening=False)


def expect_apart(pair, *parts):
    """Both say why, in log and status, and not too often; nobody ends."""
    for node in pair.nodes.values():
        wait_until(lambda n=node: n.status()["peer_refused"], f"{node.name} knows why", 8)
        for part in ("event=peer_refused", *parts):
            expect(node.tells(part), f"{node.name} does not say {part}: {node.log_tail()}")
    time.sleep(3)
    for node in pair.nodes.values():
        expect(node.process.poll() is None, f"{node.name} ended: {node.log_tail()}")
        lines = node.log().count("event=link_refused")
        expect(1 <= lines < 12, f"{lines} refusals told in the log of {node.name}")
        expect(not node.status()["peer_connected"], "they are apart")


def test_pair_under_load_and_reload(ctx):
    pair, pki = secured(ctx)
    pair.start()
    for node in pair.nodes.values():
        status = node.status()
        expect(status["link_tls"], "the link has TLS")
        kinds = [(c["kind"], c["days_left"]) for c in status["certificates"] if c["listener"] == ""]
        expect([k for k, _ in kinds] == ["certificate", "ca"] and kinds[0][1] in (29, 30), f"{kinds}")
    load = Load(pair.ports, ctx.random)
    ctx.cleanups.append(load.stop)
    load.subscriber()
    for qos in (1, 2):
        load.publisher(qos)
    started = time.monotonic()
    for round_ in range(3):
        acknowledged = load.acknowledged()
        wait_until(lambda n=acknowledged: load.acknowledged() > n + 200, "messages go through")
        for node in pair.nodes.values():
            give(node, pki, days=60 + round_)
            node.control("reload")
    for node in pair.nodes.values():
        status = node.status()
        expect(status["since_ms"] > (time.monotonic() - started) * 1000, "nothing was dropped")
        days = [c["days_left"] for c in status["certificates"] if c["kind"] == "certificate"]
        expect(days[0] in (61, 62), f"{days}")
    pair.take_over(pair.b, pair.a)
    pair.a.start(listening=False)
    pair.wait_paired()
    load.pause()
    wait_until(load.quiet, f"everything arrives: {load.missing()}", 30)
    found = load.check()
    expect(not found, "; ".join(found))
    load.stop()
    pair.expect_same_state()


def test_reload_of_a_bad_file_keeps_the_old_one(ctx):
    pair, _ = secured(ctx)
    pair.start()
    with open(pair.a.settings["replication.certfile"], "w", encoding="utf-8") as file:
        file.write("nonsense")
    pair.a.process.send_signal(signal.SIGHUP)
    expect(pair.a.tells("event=reload_failed"), pair.a.log_tail())
    expect("replication.certfile" in pair.a.log(), pair.a.log_tail())
    pair.b.kill()
    pair.b.start(listening=False)
    pair.wait_paired()


def test_wrong_authority(ctx):
    pair, _ = secured(ctx)
    give(pair.a, Pki(ctx.folder + "/other"))
    launch(pair)
    expect_apart(pair, "authority")


def test_wrong_pair_and_wrong_node(ctx):
    """By the letter the files are good where they are; the other end expects another name."""
    pair, pki = secured(ctx)
    pair.a.settings["replication.pair_id"] = "plant-2"
    give(pair.a, pki, names=uri("a", "plant-2"))
    launch(pair)
    expect_apart(pair, "tandemq://plant-1/", "tandemq://plant-2/")


def test_expired(ctx):
    pair, pki = secured(ctx)
    give(pair.a, pki, days=-1)
    launch(pair)
    expect(pair.a.tells("event=certificate_expires"), "the node itself says so")
    expect_apart(pair, "out of date", "pki issue")


def test_plain_against_tls(ctx):
    for index, with_tls in enumerate("ab"):
        folder = f"{ctx.folder}/{index}"
        os.makedirs(folder)
        kept, ctx.folder = ctx.folder, folder
        pair, _ = secured(ctx)
        ctx.folder = kept
        for key in ("certfile", "keyfile", "cafile"):
            del pair.nodes["b" if with_tls == "a" else "a"].settings["replication." + key]
        launch(pair)
        expect_apart(pair, f"node {with_tls} has TLS on the replication link and node")
        for node in pair.nodes.values():
            node.kill()


def test_check_reads_the_files(ctx):
    pair, pki = secured(ctx)
    node = pair.a

    def check():
        node.write_config()
        found = subprocess.run(
            [os.path.join(ctx.prefix, "tandemqd"), "-c", node.config_file, "--check"],
            check=False, capture_output=True, text=True, timeout=30)
        return found.returncode, found.stdout + found.stderr

    cert, key = node.settings["replication.certfile"], node.settings["replication.keyfile"]
    os.chmod(key, 0o600)
    expect(check()[0] == 0 and "note" not in check()[1], f"{check()}")
    os.chmod(key, 0o644)
    expect("open to every user" in check()[1], f"{check()}")
    node.settings["replication.keyfile"] = pair.b.settings["replication.keyfile"]
    expect(check()[0] == 2 and "is not the key of the certificate" in check()[1], f"{check()}")
    node.settings["replication.keyfile"] = key
    node.settings["replication.certfile"] = "/none"
    expect(check()[0] == 2 and "cannot be read" in check()[1], f"{check()}")
    node.settings["replication.certfile"] = cert
    node.settings["node.name"] = "c"
    expect(check()[0] == 2 and "and this node is tandemq://plant-1/c" in check()[1], f"{check()}")
    node.settings["node.name"] = "a"
    give(node, pki, days=-1)
    expect(check()[0] == 0 and "is out of date" in check()[1], f"{check()}")
    both = os.path.join(ctx.folder, "both.pem")
    give(node, pki)
    with open(both, "wb") as out:
        for part in ("certfile", "keyfile"):
            with open(node.settings["replication." + part], "rb") as file:
                shutil.copyfileobj(file, out)
    os.chmod(both, 0o600)
    node.settings["replication.certfile"] = both
    del node.settings["replication.keyfile"]
    expect(check()[0] == 0, f"one file for both: {check()}")


def throw(port, data, wait=0.05):
    with socket.create_connection(("127.0.0.1", port), 5) as one:
        one.settimeout(wait)
        try:
            one.sendall(data)
            while one.recv(65536):
                pass
        except OSError:
            pass


def test_strangers_at_the_door(ctx):
    """Garbage, half handshakes, who has no certificate, and a crowd that says nothing: the link
    that stands is not disturbed, and a peer that comes back is let in past the crowd."""
    pair, pki = secured(ctx)
    pair.start()
    before = pair.b.log().count("event=")
    for _ in range(30):
        throw(pair.link_port, ctx.random.randbytes(ctx.random.randint(1, 3000)))
        throw(pair.link_port, b"\x16\x03\x01\x02\x00\x01" + ctx.random.randbytes(600))
    anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    for _ in range(3):
        try:
            with socket.create_connection(("127.0.0.1", pair.link_port), 5) as raw:
                with anybody.wrap_socket(raw) as one:
                    one.settimeout(2)
                    one.sendall(b"x" * 100)
                    expect(one.recv(100) == b"", "nothing is said to who shows no certificate")
        except OSError:
            pass
    expect(pair.b.log().count("event=") - before < 20, "they are told now and then")
    pair.wait_paired(5)
    expect(not pair.b.status()["peer_refused"], "a stranger is not the peer")
    crowd = [socket.create_connection(("127.0.0.1", pair.link_port), 5) for _ in range(40)]
    pair.a.kill()
    pair.a.start(listening=False)
    wait_until(lambda: pair.a.status()["peer_connected"], "it is let in past the crowd", 3)
    expect("too many connections from there have not said Hello" in pair.b.log(), "it is told")
    for one in crowd:
        one.close()


def test_reset_is_told_as_one(ctx):
    """What only breaks in the middle of a handshake is no matter of settings."""
    pair, _ = secured(ctx)
    with socket.create_server(("127.0.0.1", pair.link_port)) as door:
        pair.a.start(listening=False)
        door.settimeout(5)
        for _ in range(3):
            one, _ = door.accept()
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            one.recv(1)
            one.close()
        expect(pair.a.tells("Connection reset by peer, in the middle of the TLS handshake"),
               pair.a.log_tail())
        expect(not pair.a.status()["peer_refused"], "nothing is wrong with the settings")
    pair.b.start(listening=False)
    wait_until(lambda: pair.a.status()["peer_connected"], "they meet", 10)


def test_relay_that_changes_a_byte(ctx):
    pair, pki = Pair(ctx, relay=True), Pki(ctx.folder + "/pki")
    for node in pair.nodes.values():
        give(node, pki)
    pair.start()
    pair.relay.corrupt = 0.02
    client = Client(pair.a.port, "c")
    client.subscribe("t", 1)
    for i in range(50):
        client.publish("t", f"{i}", 0)
    time.sleep(1)
    pair.relay.corrupt = 0.0
    pair.relay.cut()
    pair.wait_paired()
    expect(not pair.a.status()["peer_refused"], "a broken line is no wrong peer")
