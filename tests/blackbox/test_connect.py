"""CONNECT: what is accepted, what is refused with which code, and how long it may take."""
import os
import struct
import time

from support.expect import alone, expect, wait_until
from support.scram import Proof, Prover, write_users
from support.wire import CONNACK, CONNECT, DISCONNECT, PINGREQ, PINGRESP, SUBSCRIBE, Client, Raw, packet, text


def connect_bytes(name=b"\0\4MQTT", version=5, flags=2, keep_alive=60, rest=b"\0" + b"\0\1c"):
    return packet(CONNECT, 0, name + bytes([version, flags]) + struct.pack("!H", keep_alive) + rest)


def refusal(broker, data, version=5):
    """The code of the CONNACK before the connection is closed, None when there was none."""
    raw = Raw(broker.port, version)
    raw.send(data)
    found = raw.expect_closed()
    expect(all(p.kind == CONNACK for p in found) and len(found) < 2, f"got {found}")
    return found[0].code if found else None


def test_versions(ctx):
    """[5:3.12.4-1 3:3.12.4-1 3:3.2.0-1 5:4.2.0-1 3:7.1.1-1]"""
    broker = ctx.broker().start()
    for version in (3, 4, 5):
        client = Client(broker.port, f"c{version}", version, clean=True, expiry=0)
        expect(client.connack.code == 0, f"version {version}: code {client.connack.code}")
        client.send(packet(PINGREQ, 0, b""))
        client.receive(PINGRESP)
        client.disconnect()


def test_unsupported_version(ctx):
    """[5:3.1.2-1 5:3.1.2-2 3:3.1.2-1 3:3.1.2-2]"""
    broker = ctx.broker().start()
    for version, name, code in ((6, b"\0\4MQTT", 0x84), (5, b"\0\4MQTX", 1), (2, b"\0\4MQTT", 1),
                                (3, b"\0\4MQTT", 1), (4, b"\0\6MQIsdp", 1)):
        found = refusal(broker, connect_bytes(name, version), 5 if code == 0x84 else 4)
        expect(found == code, f"version {version} of {name}: {found}")


def test_not_mqtt(ctx):
    broker = ctx.broker().start()
    for data in (b"GET / HTTP/1.1\r\n\r\n", b"\0" * 20, b"\xff" * 20,
                 b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"):
        expect(refusal(broker, data) is None, f"{data[:8]} was answered")
    expect(broker.tells("Client <unknown> disconnected due to"), "the log does not say so")


def test_first_packet_must_be_connect(ctx):
    broker = ctx.broker().start()
    expect(refusal(broker, packet(PINGREQ, 0, b"")) is None, "PINGREQ first")
    expect(refusal(broker, packet(3, 0, text("a") + b"\0x")) is None, "PUBLISH first")


def test_second_connect_ends_the_connection(ctx):
    """[5:3.1.0-2 3:3.1.0-2 5:3.2.0-2]"""
    broker = ctx.broker().start()
    for version, wanted in ((5, [(DISCONNECT, 0x82)]), (4, [])):
        client = Client(broker.port, "twice", version, clean=True, expiry=0)
        client.send(connect_bytes())
        found = client.expect_closed()
        expect([(p.kind, p.code) for p in found] == wanted, f"version {version} got {found}")


def test_empty_client_id(ctx):
    """[5:3.1.3-6 5:3.1.3-7 3:3.1.3-6 3:3.1.3-8 3:3.1.3-9]"""
    broker = ctx.broker().start()
    client = Client(broker.port, "", clean=True, expiry=0)
    expect(client.connack.code == 0 and b"auto-" in client.connack.body, "none was assigned")
    expect(Client(broker.port, "", 4, clean=True).connack.code == 0, "3.1.1 with clean session")
    expect(Client(broker.port, "", 4, clean=False).connack.code == 2, "3.1.1 without clean session")
    expect(Client(broker.port, "", 3, clean=True).connack.code == 2, "3.1")


def test_client_ids(ctx):
    """[5:3.1.3-5 3:3.1.3-5 5:3.1.3-8] Those that must be taken, and longer and stranger ones."""
    broker = ctx.broker().start()
    names = ["0123456789abcdefghijklm"[:n] for n in range(1, 24)]
    names += ["nopqrstuvwxyzABCDEFGHIJ", "KLMNOPQRSTUVWXYZ", "a/b c#\u00e4\U0001f600", "x" * 65535]
    for version in (4, 5):
        for name in names:
            client = Client(broker.port, name, version, clean=True, expiry=0)
            expect(client.connack.code == 0, f"{name[:30]}: {client.connack.code}")
            client.disconnect()


def test_connack_tells_the_limits(ctx):
    broker = ctx.broker(limits_receive_maximum=7, limits_maximum_packet_size=5000,
                        limits_topic_alias_maximum=3).start()
    body = Client(broker.port, "c", clean=True, expiry=0).connack.body
    for part in (b"\x21\0\x07", b"\x27" + struct.pack("!I", 5000), b"\x22\0\x03"):
        expect(part in body, f"{part} is not in {body}")


def test_connack_excludes_nothing(ctx):
    """[5:3.2.2-9 5:3.2.2-10 5:3.2.2-12 5:3.2.2-13 5:3.1.2-28 5:4.12.0-6 3:3.8.3-2 5:u3.2.2.3.4-1
    5:u3.2.2.3.5-1 5:u3.2.2.3.11-1 5:u3.2.2.3.12-1 5:u3.2.2.3.13-1] CONNACK has the three limits
    and no other property, so that everything may be used, and is."""
    broker = ctx.broker().start()
    client = Client(broker.port, "c", clean=True, expiry=0, will=("w", "x", 2, True),
                    properties=b"\x19\0")
    body = client.connack.body
    expect(sorted((body[3], body[6], body[9])) == [0x21, 0x22, 0x27] and len(body) == 14, f"{body}")
    asks = Client(broker.port, "d", clean=True, expiry=0, properties=b"\x19\1").connack.body
    expect(asks == body, "Response Information may be asked for, there is none")
    for topic_filter in ("$share/g/+/#", "+/#"):
        found = client.subscribe(topic_filter, 2, properties=b"\x0b\7").codes
        expect(found == [2], f"{topic_filter}: {found}")
    client.publish("a/b", "x", 2, retain=True)
    expect({client.next_packet(5).kind for _ in range(3)} == {3, 5}, "PUBREC and two copies")


def test_packets_right_behind_connect(ctx):
    """[5:u3.1.4-2 5:3.2.0-1 3:3.2.0-1]"""
    broker = ctx.broker().start()
    for version in (4, 5):
        raw = Raw(broker.port, version)
        none = b"\0" if version == 5 else b""
        raw.send(connect_bytes(version=version, flags=0, rest=none + b"\0\1c")
                 + packet(SUBSCRIBE, 2, b"\0\1" + none + text("a") + b"\0")
                 + raw.publish_bytes("a", "x") + packet(PINGREQ, 0, b""))
        found = [raw.next_packet(5).kind for _ in range(4)]
        expect(found[0] == CONNACK and sorted(found[1:]) == [3, 9, PINGRESP], f"got {found}")


def test_problem_information(ctx):
    """[5:3.1.2-29] Reason strings go out in CONNACK and DISCONNECT, nowhere else."""
    broker = ctx.broker().start()
    for wanted in (b"\0", b"\1"):
        client = Client(broker.port, "c", clean=True, expiry=0, properties=b"\x17" + wanted)
        for topic_filter, body in (("a/#/b", b"\0\x8f"), ("a", b"\0\1")):
            expect(client.subscribe(topic_filter).body[2:] == body, topic_filter)
        client.publish("$SYS/a", "x", 1)
        expect(client.receive(4).body[2:] == b"\x87", "PUBACK")
        client.send(b"\0\0")
        expect(b"reserved" in client.expect_closed()[0].body, "DISCONNECT")


def test_answers_too_large_for_the_client(ctx):
    """[5:3.1.2-24 5:3.2.2-19 5:3.9.2-1 5:3.14.2-3] Reason strings go first; an answer that is too
    large without them is not sent: the client is told 0x95, if it is connected, and closed."""
    broker = ctx.broker().start()
    takes = {size: b"\x27" + struct.pack("!I", size) for size in (4, 15, 16, 60)}
    for size in (4, 15):
        expect(refusal(broker, connect_bytes(rest=b"\5" + takes[size] + b"\0\1c")) is None,
               f"a CONNACK of more than {size} bytes")
    will = takes[16] + b"\0\1c" + b"\0\0\1#\0\1p"
    raw = Raw(broker.port)
    raw.send(connect_bytes(flags=6, rest=b"\5" + will))
    found = raw.expect_closed()
    expect([(p.kind, p.code, len(p.body)) for p in found] == [(CONNACK, 0x90, 3)], f"got {found}")
    client = Client(broker.port, "c", clean=True, expiry=0, properties=takes[60])
    client.send(b"\0\0")
    expect(b"reserved" in client.expect_closed()[0].body, "a reason string that fits")
    client = Client(broker.port, "c", clean=True, expiry=0, properties=takes[16])
    expect(client.subscribe("a").codes == [1], "SUBACK of 6 bytes")
    filters = b"".join(text(f"a/{n}") + b"\1" for n in range(100))
    client.send(packet(SUBSCRIBE, 2, b"\0\1\0" + filters))
    found = client.expect_closed()
    expect([(p.kind, p.code, len(p.body)) for p in found] == [(DISCONNECT, 0x95, 2)], f"got {found}")
    wait_until(lambda: broker.status()["sessions"] == 0, "no session stays")


def test_silence_before_connect(ctx):
    """[5:u3.1.4-1]"""
    path = write_users(os.path.join(ctx.folder, "passwords"), anna="secret")
    broker = ctx.broker(auth_password_file=path).start()
    begun = time.monotonic()
    raw, prover = Raw(broker.port), Prover(broker.port, timeout=20)
    prover.connect("c", data=Proof("anna", "secret").first)
    prover.challenged()  # and it says nothing more
    raw.expect_closed(seconds=20)
    found = prover.expect_closed(seconds=20)
    expect([(p.kind, p.code) for p in found] == [(CONNACK, 0x87)], f"{found}")
    expect(8 <= time.monotonic() - begun <= 14, "the connect timeout is 10 s")


@alone
def test_keep_alive(ctx):
    """[5:3.1.2-22 3:3.1.2-24 5:3.2.2-22 5:u3.1.2.10-1 5:u3.1.2.5-1]"""
    broker = ctx.broker().start()
    silent = Client(broker.port, "silent", keep_alive=2, clean=True, expiry=0)
    old = Client(broker.port, "old", 4, keep_alive=2, clean=True, will=("w", "gone", 0, False))
    never = Client(broker.port, "never", keep_alive=0, clean=True, expiry=0)
    never.subscribe("w")
    alive = Client(broker.port, "alive", keep_alive=2, clean=True, expiry=0)
    begun = time.monotonic()
    found = None
    while time.monotonic() - begun < 6:
        alive.send(packet(PINGREQ, 0, b""))
        alive.receive(PINGRESP)
        if found is None:
            try:
                silent.socket.settimeout(0.5)
                got = silent.socket.recv(100)
                found = time.monotonic() - begun
                expect(got[0] == 0xe0 and got[2] == 0x8d and b"keep alive" in got, f"got {got}")
            except TimeoutError:
                pass
    expect(found is not None and 2.9 <= found <= 5, f"closed after {found} s, 3 s is right")
    expect(broker.tells("Client silent has exceeded timeout, disconnecting."), "the log")
    expect(old.expect_closed() == [], "3.1.1 has no DISCONNECT from the server")
    expect(never.receive(3).payload == b"gone", "the will; and keep alive 0 may be silent")


def test_connections_max(ctx):
    broker = ctx.broker(listener_connections_max=3).start()
    clients = [Client(broker.port, f"c{n}", clean=True, expiry=0) for n in range(3)]
    expect(Raw(broker.port).expect_closed() == [], "a fourth connection")
    clients[0].disconnect()
    wait_until(lambda: broker.status()["connections"] == 2, "one has gone")
    expect(Client(broker.port, "c4", clean=True, expiry=0).connack.code == 0, "room again")


def test_many_connections_at_once(ctx):
    broker = ctx.broker().start()
    clients = [Client(broker.port, f"c{n}", clean=True, expiry=0) for n in range(500)]
    expect(broker.status()["connections"] == 500, "500 connections")
    for client in clients:
        client.close()
    wait_until(lambda: broker.status()["connections"] == 0, "all are gone")
    expect(broker.status()["sessions"] == 0, "and their sessions")
