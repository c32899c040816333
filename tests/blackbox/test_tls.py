"""TLS listeners: real clients, certificates as users, reload without dropping anybody, resumption."""
import json
import os
import shutil
import socket
import ssl
import subprocess
from urllib.request import urlopen

from support.expect import expect, free_port, wait_until
from support.pair import Pair
from support.pki import Pki
from support.wire import PINGREQ, PINGRESP, PUBACK, PUBLISH, Client, packet


def tls_broker(ctx, pki, name="a", **settings):
    """A broker whose listener speaks TLS only, with the certificate `server`."""
    if not os.path.exists(pki.path("server.pem")):
        pki.issue("server")
    return ctx.broker(name, listener_certfile=pki.path("server.pem"),
                      listener_keyfile=pki.path("server.key"), **settings)


def alive(client):
    client.send(packet(PINGREQ, 0, b""))
    client.receive(PINGRESP)


def refuses(broker, **arguments):
    try:
        answer = Client(broker.port, "refused", **arguments).connack
    except OSError:  # TLS's own errors are such
        return
    expect(False, f"it came in: {answer}")


def code_of_check(ctx, broker):
    broker.write_config()
    found = subprocess.run([os.path.join(ctx.prefix, "tandemqd"), "-c", broker.config_file, "--check"],
                           check=False, capture_output=True, text=True, timeout=30)
    return found.returncode, found.stdout + found.stderr


def test_mosquitto_clients(ctx):
    pki = Pki(ctx.folder + "/pki")
    broker = tls_broker(ctx, pki).start()
    where = ["-h", "localhost", "-p", str(broker.port), "--cafile", pki.cafile, "-t", "greeting"]
    for version in ("tlsv1.2", "tlsv1.3"):
        subprocess.run(["mosquitto_pub", *where, "-q", "1", "-r", "-m", version, "--tls-version",
                        version], check=True, timeout=20)
        got = subprocess.run(["mosquitto_sub", *where, "-C", "1", "-W", "10", "--tls-alpn", "mqtt"],
                             check=True, capture_output=True, text=True, timeout=20)
        expect(got.stdout == version + "\n", f"mosquitto_sub got {got.stdout}")


def test_large_messages_both_ways(ctx):
    pki = Pki(ctx.folder + "/pki")
    broker = tls_broker(ctx, pki).start()
    client = Client(broker.port, "c", tls=pki.trust())
    client.subscribe("t", qos=1)
    payload = bytes(i % 251 for i in range(700_000))
    for _ in range(5):
        client.publish("t", payload, qos=1)
    came = [client.next_packet(10) for _ in range(10)]
    payloads = [one.payload for one in came if one.kind == PUBLISH]
    expect(payloads == [payload] * 5, "a payload is missing or has changed on the way")


def test_plain_beside_tls(ctx):
    """Whoever speaks the wrong one of the two is told in the log, with address and reason."""
    pki = Pki(ctx.folder + "/pki")
    broker = tls_broker(ctx, pki).start()
    plain = socket.create_connection(("127.0.0.1", broker.port), 5)
    address = "%s:%s" % plain.getsockname()
    plain.sendall(b"\x10\x0c\0\4MQTT\4\2\0\x3c\0\0")
    expect(b"\x20" not in plain.recv(100)[:1], "a plain CONNECT was answered over TLS")
    expect(broker.tells(f"event=tls_refused address={address} listener=mqtt"), "it is not told")
    expect(broker.tells("wrong version number"), "no reason")


def test_certificate_is_the_user(ctx):
    pki, stranger = Pki(ctx.folder + "/pki"), Pki(ctx.folder + "/other", "stranger")
    acl = ctx.folder + "/acl"
    with open(acl, "w", encoding="utf-8") as file:
        file.write("user alice\ntopic readwrite alice/#\n")
    broker = tls_broker(ctx, pki, listener_cafile=pki.cafile, listener_require_certificate=True,
                        listener_certificate_username="cn", auth_allow_anonymous=False,
                        auth_acl_file=acl).start()
    own = pki.issue("alice", "/O=Plant/CN=alice")
    client = Client(broker.port, "c", tls=pki.trust(own), username="admin", password="x")
    expect(client.connack.code == 0, "alice's certificate was refused")
    client.publish("alice/1", "x", qos=1)
    expect(client.receive(PUBACK).code in (0, 0x10), "alice may write there")
    client.publish("admin/1", "x", qos=1)
    expect(client.receive(PUBACK).code == 0x87, "alice wrote as admin, whose name she only said")
    expect(broker.tells("u'alice'"), "the log names another user")
    for shown in (None, stranger.issue("alice", "/CN=alice")):
        refuses(broker, tls=pki.trust(shown))
    expect(broker.tells("unable to get local issuer certificate"), "no reason of the stranger")
    expect(broker.tells("peer did not return a certificate"), "no reason of who showed none")


def test_reload_keeps_clients(ctx):
    pki = Pki(ctx.folder + "/pki")
    broker = tls_broker(ctx, pki).start()
    trust = pki.trust()
    old = Client(broker.port, "old", tls=trust)

    def shown():
        with socket.create_connection(("127.0.0.1", broker.port), 5) as raw:
            with trust.wrap_socket(raw, server_hostname="localhost") as secured:
                return secured.getpeercert()["serialNumber"]
    first = shown()
    with open(pki.path("server.key"), "w", encoding="utf-8") as file:
        file.write("half a key")
    answer = subprocess.run([os.path.join(ctx.prefix, "tandemqctl"), "--broker-socket",
                             broker.socket_file, "reload"], check=False, capture_output=True,
                            text=True, timeout=30)
    expect(answer.returncode == 1 and "holds no private key" in answer.stderr,
           f"reload with a bad key: {answer}")
    expect(broker.tells('kept="the certificates before"'), "it does not say what it keeps")
    expect(shown() == first, "a bad key replaced a good one")
    pki.issue("server")
    broker.control("reload")
    expect(shown() != first, "the new certificate is not shown")
    alive(old)


def test_revoked_after_reload(ctx):
    pki = Pki(ctx.folder + "/pki")
    alice, bob = pki.issue("alice"), pki.issue("bob")
    crl = pki.revoke("crl.pem")
    broker = tls_broker(ctx, pki, listener_cafile=pki.cafile, listener_crlfile=crl,
                        listener_require_certificate=True).start()
    trust = pki.trust(alice)
    first = Client(broker.port, "c", tls=trust)
    expect(first.connack.code == 0, "alice before")
    session = first.socket.session
    pki.revoke("crl.pem", alice[0])
    broker.control("reload")
    refuses(broker, tls=trust, session=session)  # neither by its ticket
    expect(broker.tells("certificate revoked"), "the log does not say why")
    expect(Client(broker.port, "e", tls=pki.trust(bob)).connack.code == 0, "bob was refused")


def test_expiry_is_told(ctx):
    pki = Pki(ctx.folder + "/pki")
    pki.issue("server", days=3)
    broker = tls_broker(ctx, pki).start()
    expect(broker.tells("event=certificate_expires listener=mqtt"), "nothing at start")
    told = broker.status()["certificates"]
    expect([one["days_left"] for one in told] in ([2], [3]), f"status: {told}")
    code, out = code_of_check(ctx, broker)
    expect(code == 0 and "note:" in out and "more days" in out, f"--check: {code} {out}")


def test_a_file_is_one_series(ctx):
    """Of a scrape that has a series twice Prometheus keeps nothing."""
    authorities, port = ctx.folder + "/authorities.pem", free_port()
    pki = Pki(ctx.folder + "/pki")
    with open(authorities, "w", encoding="utf-8") as f:
        for one in (pki, Pki(ctx.folder + "/other", "another")):
            with open(one.cafile, encoding="utf-8") as certificate:
                f.write(certificate.read())
    tls_broker(ctx, pki, listener_cafile=authorities, metrics_listen=f"127.0.0.1:{port}").start()

    def series():
        with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            return [line.rsplit(" ", 1)[0] for line in answer.read().decode().splitlines()
                    if not line.startswith("#")]
    told = f'tandemq_certificate_not_after_seconds{{file="{authorities}"}}'
    wait_until(lambda: told in series(), "told", 5)
    names = series()
    twice = {name for name in names if names.count(name) > 1}
    expect(not twice, f"twice in one scrape: {twice}")


def test_many_authorities_are_not_told_to_who_watches(ctx):
    """The agent hangs up on a line above 64 KiB. And a file's name need not be UTF-8."""
    pki = Pki(ctx.folder + "/pki")
    folder = ctx.folder + "/authorities"
    os.mkdir(folder)
    for number in range(400):
        shutil.copy(pki.cafile, f"{folder}/{'x' * 100}{number}.pem")
    shutil.copy(pki.cafile, folder.encode() + b"/\xff.pem")
    broker = tls_broker(ctx, pki, listener_capath=folder).start()
    watched = broker.control("watch")["status"]
    expect(len(json.dumps(watched)) < 16 << 10, "the line to who watches is long")
    told = broker.status()["certificates"]
    expect(len(told) == 402, f"{len(told)} of 402 are in the status")


def test_check_names_bad_files(ctx):
    pki = Pki(ctx.folder + "/pki")
    broker = tls_broker(ctx, pki)
    expect(code_of_check(ctx, broker)[0] == 0, "good files")
    shutil.copy(pki.path("authority.key"), pki.path("server.key"))
    code, out = code_of_check(ctx, broker)
    expect(code == 2 and "server.key is not the key of the certificate in" in out, f"{code} {out}")
    broker.settings["listener.require_certificate"] = True
    code, out = code_of_check(ctx, broker)
    expect(code == 2 and "listener.cafile" in out, f"no authority: {code} {out}")


def test_ticket_of_the_other_node(ctx):
    pki = Pki(ctx.folder + "/pki")
    secret = ctx.folder + "/secret"
    with open(secret, "w", encoding="utf-8") as file:
        file.write("0123456789abcdef0123456789abcdef\n")
    a = tls_broker(ctx, pki, "a", tls_ticket_secret_file=secret).start()
    b = tls_broker(ctx, pki, "b", tls_ticket_secret_file=secret).start()
    alone = tls_broker(ctx, pki, "c").start()
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        trust = pki.trust()
        trust.maximum_version = version
        session = Client(a.port, "c", tls=trust).socket.session
        expect(Client(b.port, "c", tls=trust, session=session).socket.session_reused,
               f"{version}: the other node of the pair made a full handshake")
        expect(not Client(alone.port, "c", tls=trust, session=session).socket.session_reused,
               f"{version}: a node with another secret knew the ticket")


def test_failover_costs_resumptions(ctx):
    """All clients of a pair come back at the other node without a full handshake, and find their
    sessions and what was queued for them."""
    pki = Pki(ctx.folder + "/pki")
    certfile, keyfile = pki.issue("server")
    secret = ctx.folder + "/secret"
    with open(secret, "w", encoding="utf-8") as file:
        file.write("0123456789abcdef0123456789abcdef\n")
    pair = Pair(ctx, listener_certfile=certfile, listener_keyfile=keyfile,
                tls_ticket_secret_file=secret).start()
    trust = pki.trust()
    clients = [Client(pair.a.port, f"c{i}", tls=trust) for i in range(40)]
    for client in clients:
        client.subscribe("all", qos=1)
    sessions = [client.socket.session for client in clients]
    publisher = Client(pair.a.port, "publisher", tls=trust)
    for client in clients:
        client.close()
    publisher.publish("all", "while you were away", qos=1)
    expect(publisher.receive(PUBACK).code == 0, "no PUBACK")
    pair.take_over(pair.b, pair.a)
    for old, session in zip(clients, sessions):
        client = Client(pair.b.port, old.client_id, tls=trust, session=session)
        expect(client.socket.session_reused, f"{old.client_id} made a full handshake")
        expect(client.connack.session_present, f"{old.client_id} lost its session")
        expect(client.receive(PUBLISH).payload == b"while you were away", "another message")


def test_half_handshakes_hold_up_nobody(ctx):
    pki = Pki(ctx.folder + "/pki")
    broker = tls_broker(ctx, pki).start()
    idle = []
    for _ in range(50):
        idle.append(socket.create_connection(("127.0.0.1", broker.port), 5))
        idle[-1].sendall(b"\x16\x03\x01\x02\x00\x01")
    alive(Client(broker.port, "c", tls=pki.trust()))
