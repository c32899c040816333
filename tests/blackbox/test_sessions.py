"""Sessions that outlive their connections, taking over, wills, retained and shared subscriptions."""
import os
import signal
import socket
import struct
import threading
import time

from support.expect import alone, expect, wait_until
from support.wire import (DISCONNECT, PINGREQ, PUBACK, PUBLISH, PUBREC, PUBREL, SUBACK, Client, packet)


def fresh(broker, name="c", **arguments):
    return Client(broker.port, name, clean=True, expiry=0, **arguments)


def expiry(seconds):
    return packet(DISCONNECT, 0, b"\0\5\x11" + struct.pack("!I", seconds))


def test_a_session_waits_for_its_client(ctx):
    broker = ctx.broker().start()
    for version in (4, 5):
        client = Client(broker.port, "c", version)
        client.subscribe("a", 1)
        client.disconnect()
        writer = fresh(broker, "writer")
        for n in range(50):
            writer.publish("a", str(n), 1)
        writer.drain()
        client = Client(broker.port, "c", version)
        expect(client.connack.session_present, f"version {version}: the session is gone")
        expect([int(p.payload) for p in client.drain()] == list(range(50)), "the queue")
        client.disconnect()
        client = Client(broker.port, "c", version, clean=True, expiry=0)
        expect(not client.connack.session_present, "clean start")
        client.disconnect()
        expect(not Client(broker.port, "c", version).connack.session_present, "it was ended")


def test_unacknowledged_comes_again(ctx):
    broker = ctx.broker().start()
    client = Client(broker.port, "c")
    client.subscribe("a", 2)
    writer = fresh(broker, "writer")
    writer.publish("a", "one", 1)
    writer.publish("a", "two", 2)
    first, second = client.receive(PUBLISH), client.receive(PUBLISH)
    client.ack(PUBREC, second.id)
    expect(client.receive(PUBREL).id == second.id, "PUBREL")
    client.close()
    client = Client(broker.port, "c")
    again, release = client.next_packet(5), client.next_packet(5)
    expect(again.kind == PUBLISH and again.dup and again.id == first.id, f"got {again}")
    expect(release.kind == PUBREL and release.id == second.id, f"got {release}")


def test_expiry(ctx):
    broker = ctx.broker().start()
    Client(broker.port, "short", expiry=1).disconnect()
    Client(broker.port, "long", expiry=100).disconnect()
    changed = Client(broker.port, "changed", expiry=100)
    changed.send(expiry(1))
    wait_until(lambda: broker.status()["connections"] == 0, "all are gone")
    wait_until(lambda: broker.status()["sessions"] == 1, "two have expired", 5)
    expect(Client(broker.port, "long").connack.session_present, "the long one stays")


def test_expiry_may_not_come_back(ctx):
    broker = ctx.broker().start()
    client = fresh(broker)
    client.send(expiry(10))
    found = client.expect_closed()
    expect([(p.kind, p.code) for p in found] == [(DISCONNECT, 0x82)], f"got {found}")


def test_expiry_is_limited(ctx):
    broker = ctx.broker(limits_session_expiry_s_max=30).start()
    body = Client(broker.port, "c", expiry=100).connack.body
    expect(b"\x11\0\0\0\x1e" in body, f"CONNACK does not say so: {body}")


def test_taken_over(ctx):
    broker = ctx.broker().start()
    old = Client(broker.port, "c", will=("will", "x", 0, False))
    old.subscribe("a", 1)
    new = Client(broker.port, "c")
    expect(new.connack.session_present, "the session goes on")
    found = old.expect_closed()
    expect([(p.kind, p.code) for p in found] == [(DISCONNECT, 0x8e)], f"got {found}")
    expect(b"client identifier" in found[0].body, f"it does not say why: {found}")
    writer = fresh(broker, "writer")
    writer.publish("a", "x", 1)
    expect(new.receive(PUBLISH).payload == b"x", "the new connection gets the messages")
    expect(broker.tells("Client c already connected, closing old connection."), "the log")
    old.close()  # until then the broker lingers; and its status does not wait for what clients did
    wait_until(lambda: broker.status()["connections"] == 2, "only the new one and the writer")


def test_taken_over_many_times(ctx):
    broker = ctx.broker().start()
    clients = [Client(broker.port, "c", version=4 + n % 2) for n in range(100)]
    for old in clients[:-1]:
        old.expect_closed()
    clients[-1].subscribe("a")
    expect(broker.status()["sessions"] == 1, "one session")


def test_will(ctx):
    broker = ctx.broker().start()
    watcher = fresh(broker, "watcher")
    watcher.subscribe("will/#", 2)
    for version in (3, 4, 5):
        mortal = fresh(broker, "mortal", version=version, will=("will/m", "gone", 1, False))
        mortal.close()
        got = watcher.receive(PUBLISH)
        expect((got.topic, got.payload, got.qos) == ("will/m", b"gone", 1), f"got {got}")
        watcher.ack(PUBACK, got.id)
        fresh(broker, "mortal", version=version, will=("will/m", "gone", 1, False)).disconnect()
        expect(watcher.drain() == [], "an orderly DISCONNECT drops the will")
    mortal = fresh(broker, "mortal", will=("will/m", "asked", 0, True))
    mortal.send(packet(DISCONNECT, 0, b"\4"))
    expect(watcher.receive(PUBLISH).payload == b"asked", "DISCONNECT 0x04 keeps it")
    mortal = fresh(broker, "mortal", will=("will/m", "broken", 0, False))
    mortal.send(b"\0\0")
    expect(watcher.receive(PUBLISH).payload == b"broken", "after a malformed packet")
    mortal = fresh(broker, "mortal", keep_alive=1, will=("will/m", "silent", 0, False))
    expect(watcher.receive(PUBLISH, 5).payload == b"silent", "after silence")
    late = fresh(broker, "late")
    late.subscribe("will/m", 0)
    expect(late.receive(PUBLISH).payload == b"asked", "a retained will")
    mortal.close()


def test_will_delay(ctx):
    broker = ctx.broker().start()
    watcher = fresh(broker, "watcher")
    watcher.subscribe("will", 0)
    will = {"will": ("will", "gone", 0, False), "will_properties": b"\x18\0\0\0\1"}
    Client(broker.port, "mortal", expiry=60, **will).close()
    back = Client(broker.port, "mortal", expiry=60, **will)
    expect(watcher.drain(1.8) == [], "it came back in time")
    back.close()
    begun = time.monotonic()
    expect(watcher.receive(PUBLISH).payload == b"gone", "the will")
    expect(0.7 <= time.monotonic() - begun <= 2.5, "a second later")


def test_retained(ctx):
    broker = ctx.broker().start()
    writer = fresh(broker, "writer")
    for n in range(20):
        writer.publish(f"r/{n}", f"old {n}", n % 3, retain=True)
    for n in range(20):
        if n % 5 == 0:
            writer.publish(f"r/{n}", "", retain=True)
        elif n % 5 == 1:
            writer.publish(f"r/{n}", f"new {n}", retain=True)
    reader = fresh(broker, "reader")
    reader.subscribe("r/#", 2)
    got = {p.topic: p.payload.decode() for p in reader.drain()}
    wanted = {f"r/{n}": f"{'new' if n % 5 == 1 else 'old'} {n}" for n in range(20) if n % 5}
    expect(got == wanted, f"got {got}")
    reader.subscribe("r/#", 2 | 0x10)
    expect(reader.drain() == [], "retain handling 1: not for a subscription that exists")
    reader.subscribe("r/+", 2 | 0x20)
    expect(reader.drain() == [], "retain handling 2: never")


def test_many_retained(ctx):
    broker = ctx.broker().start()
    writer = fresh(broker, "writer")
    count = 50_000
    for begin in range(0, count, 5000):
        writer.send(b"".join(writer.publish_bytes(f"r/{n}", str(n), retain=True)
                             for n in range(begin, begin + 5000)))
    wait_until(lambda: broker.status()["retained"] >= count, "all are stored")
    reader = fresh(broker, "reader")
    packet_id = reader.take_id()
    reader.send(packet(8, 2, struct.pack("!H", packet_id) + b"\0" + b"\0\3r/#" + b"\0"))
    found = [reader.next_packet(5) for _ in range(count + 1)]
    expect(sum(p.kind == PUBLISH for p in found) == count, "all of them, none dropped")
    expect([p.kind for p in found].index(SUBACK) == 0, "[5:u3.8.4-1] after SUBACK")


def test_retained_messages_cut_off(ctx):
    """Retain handling 1: who lost the connection before all had come gets all when it asks again."""
    broker = ctx.broker().start()
    writer = fresh(broker, "writer")
    for prefix, count, size in (("s", 10_000, 30), ("l", 1_000, 8000)):
        for begin in range(0, count, 500):
            writer.send(b"".join(writer.publish_bytes(f"{prefix}/{n}", b"x" * size, 1,
                                                      packet_id=n % 500 + 1, retain=True)
                                 for n in range(begin, begin + 500)))
            for _ in range(500):
                writer.receive(PUBACK)
        for qos in (0, 1):
            name = f"{prefix}{qos}"
            ask = packet(8, 2, b"\0\1\0\0\3" + prefix.encode() + b"/#" + bytes([qos | 0x10]))
            hasty = Client(broker.port, name, clean=True, expiry=600)
            hasty.send(ask)
            for _ in range(200):
                hasty.next_packet(5)
            hasty.close()
            reader = Client(broker.port, name, clean=False, expiry=600)
            reader.send(ask)
            topics = {p.topic for p in reader.drain(2, limit=2 * count)}
            expect(len(topics) == count, f"{name}: {len(topics)} of {count} came")
            reader.subscribe(f"{prefix}/#", qos | 0x10)
            expect(reader.drain() == [], "now it has them")
            reader.close()


def test_shared(ctx):
    broker = ctx.broker().start()
    members = [fresh(broker, f"m{n}") for n in range(3)]
    for member in members:
        member.subscribe("$share/group/a/+", 1)
    alone = fresh(broker, "alone")
    alone.subscribe("a/+", 0)
    writer = fresh(broker, "writer")
    for n in range(90):
        writer.publish("a/x", str(n), 1)
    got = [[int(p.payload) for p in member.drain()] for member in members]
    expect(sorted(sum(got, [])) == list(range(90)), "each message to one member")
    expect(all(len(part) >= 10 for part in got), f"shares of {[len(part) for part in got]}")
    expect(len(alone.drain()) == 90, "an ordinary subscription gets all")


def test_limits_of_a_session(ctx):
    broker = ctx.broker(limits_subscriptions_per_session_max=3, limits_queued_messages_max=5,
                        limits_topic_levels_max=4).start()
    client = Client(broker.port, "c")
    codes = [client.subscribe(f"a/{n}").codes[0] for n in range(4)]
    expect(codes == [1, 1, 1, 0x97], f"got {codes}")
    client.disconnect()
    writer = fresh(broker, "writer")
    for n in range(20):
        writer.publish("a/1", str(n), 1)
    writer.drain()
    got = Client(broker.port, "c").drain()
    expect(1 <= len(got) <= 6, f"{len(got)} were queued, the limit is 5")
    writer.publish("1/2/3/4/5", "x", 1)
    expect(writer.receive(PUBACK).code == 0x90, "a topic that is too deep")


def test_sys_topics(ctx):
    """[5:u4.7.2-1]"""
    broker = ctx.broker().start()
    client = fresh(broker)
    client.subscribe("$SYS/#", 0)
    got = {p.topic: p.payload.decode() for p in client.drain(3, limit=12)}
    got.update({p.topic: p.payload.decode() for p in client.drain(0.5)})
    for name in ("version", "uptime", "clients/total", "clients/connected", "clients/disconnected",
                 "clients/active", "clients/inactive", "clients/maximum", "clients/expired",
                 "messages/received", "messages/sent", "messages/stored", "store/messages/count",
                 "store/messages/bytes", "subscriptions/count", "retained messages/count",
                 "bytes/received", "bytes/sent", "publish/messages/received",
                 "publish/messages/sent", "publish/messages/dropped", "publish/bytes/received",
                 "publish/bytes/sent", "load/messages/received/1min", "load/messages/sent/5min",
                 "load/publish/received/15min", "load/publish/sent/1min",
                 "load/publish/dropped/1min", "load/bytes/received/1min", "load/bytes/sent/1min",
                 "load/sockets/1min", "load/connections/1min"):
        expect("$SYS/broker/" + name in got, f"{name} is not in {sorted(got)}")
    expect(got["$SYS/broker/clients/connected"] == "1", f"got {got}")
    expect(got["$SYS/broker/version"].startswith("tandemqd version"), f"got {got}")
    expect(got["$SYS/broker/tandemq/role"] == "primary", "the role")
    for n in range(20):
        client.publish("a", "12345")
    got = {p.topic: p.payload.decode() for p in client.drain(12, limit=8)}
    got.update({p.topic: p.payload.decode() for p in client.drain(0.5)})
    expect(got["$SYS/broker/publish/messages/received"] == "20", f"got {got}")
    expect(got["$SYS/broker/publish/bytes/received"] == "100", f"got {got}")
    load = float(got["$SYS/broker/load/publish/received/1min"])
    expect(12 < load < 25, f"20 messages in 10 s are 18 in the mean of a minute, not {load}")


def stand_still(broker, seconds, meanwhile=lambda: None):
    """The whole broker stops and goes on, as on a host that was suspended."""
    broker.process.send_signal(signal.SIGSTOP)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        meanwhile()
        time.sleep(0.2)
    broker.process.send_signal(signal.SIGCONT)


@alone
def test_standstill_publishes_no_will_of_who_came_back(ctx):
    """The client reconnects within its will delay, while the broker stands still."""
    broker = ctx.broker().start()
    watcher = fresh(broker, "watcher")
    watcher.subscribe("will/#", 1)
    connected = []
    def connect():
        connected.append(Client(broker.port, "mortal", will=("will/m", "gone", 1, False),
                                will_properties=b"\x18" + struct.pack("!I", 1)))
    connect()
    connected[0].close()
    time.sleep(0.3)
    back = threading.Thread(target=connect)
    stand_still(broker, 2, lambda: back.ident or back.start())
    back.join()
    got = watcher.drain(silence=2)
    expect(got == [], f"a will although the client was back in time: {got}")


@alone
def test_standstill_is_not_the_silence_of_clients(ctx):
    """Pings that wait unread count: nobody is sent away for what the broker did not read."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as watchdog:
        watchdog.bind(os.path.join(ctx.folder, "watchdog"))
        broker = ctx.broker().start(env={"NOTIFY_SOCKET": watchdog.getsockname()})
        watcher = fresh(broker, "watcher")
        watcher.subscribe("will/#", 1)
        clients = [fresh(broker, f"c{n}", will=(f"will/{n}", "gone", 1, False), keep_alive=2)
                   for n in range(200)]
        def ping():
            for client in clients:
                client.send(packet(PINGREQ, 0, b""))
        for _ in range(3):
            ping()
            wait_until(lambda: is_silent(watchdog), "the broker's reports are read")
            watchdog.settimeout(5)
            watchdog.recv(1000)
            # It looks at its clients when it feeds the watchdog. The next time is to come first
            # of all when it goes on.
            time.sleep(0.95)
            stand_still(broker, 5, ping)
            got = watcher.drain(silence=0.5)
            expect(got == [], f"{len(got)} wills of clients that were pinging")


def is_silent(notifications):
    notifications.settimeout(0.01)
    try:
        return notifications.recv(1000) is None
    except TimeoutError:
        return True
