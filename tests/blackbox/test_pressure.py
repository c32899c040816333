"""Clients that are slow or greedy: memory stays bounded, the others do not notice."""
import json
import signal
import socket
import struct
import subprocess
import time

from support.expect import alone, expect, wait_until
from support.wire import PINGREQ, PINGRESP, PUBACK, PUBLISH, SUBSCRIBE, Client, packet


def fresh(broker, name, **arguments):
    return Client(broker.port, name, clean=True, expiry=0, **arguments)


def resident_mb(broker):
    with open(f"/proc/{broker.process.pid}/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024


def sanitized(broker):
    """AddressSanitizer keeps what was freed for a while."""
    with open(f"/proc/{broker.process.pid}/maps", encoding="utf-8") as file:
        return "libasan" in file.read()


def test_a_reader_that_does_not_read(ctx):
    """QoS 0 to it is dropped beyond a bound; another reader gets everything."""
    broker = ctx.broker().start()
    stuck, good, writer = (fresh(broker, name) for name in ("stuck", "good", "writer"))
    for reader in (stuck, good):
        reader.subscribe("a", 0)
    before = resident_mb(broker)
    count, payload = 1000, b"x" * 100_000
    for _ in range(count):
        writer.publish("a", payload)
        expect(good.receive(PUBLISH).payload == payload, "the good reader")
    grown = resident_mb(broker) - before
    expect(grown < 60 or sanitized(broker), f"{grown:.0f} MB for 100 MB that nobody reads")
    got = stuck.drain(1, limit=count)
    expect(0 < len(got) < count, f"{len(got)} of {count} came in the end")
    stuck.send(packet(PINGREQ, 0, b""))
    kinds = []
    while PINGRESP not in kinds:
        kinds.append(stuck.next_packet(5).kind)


def test_qos1_to_a_reader_that_does_not_read(ctx):
    """Its window and its queue bound what is kept for it; what is kept comes in order."""
    broker = ctx.broker(limits_queued_messages_max=2000).start()
    stuck = Client(broker.port, "stuck", properties=b"\x21" + struct.pack("!H", 20))
    stuck.subscribe("a", 1)
    writer = fresh(broker, "writer")
    for begin in range(0, 5000, 500):
        writer.send(b"".join(writer.publish_bytes("a", str(n), 1, packet_id=n + 1)
                             for n in range(begin, begin + 500)))
        for _ in range(500):
            writer.receive(PUBACK)
    got = [int(p.payload) for p in stuck.drain()]
    expect(got == sorted(set(got)) and 2000 <= len(got) <= 2100, f"{len(got)} came")


@alone
def test_a_flood_does_not_starve_others(ctx):
    broker = ctx.broker().start()
    flood, reader, calm = (fresh(broker, name) for name in ("flood", "reader", "calm"))
    reader.subscribe("f", 0)
    calm.subscribe("c", 1)
    data = b"".join(flood.publish_bytes("f", "x" * 50) for _ in range(20_000))
    flood.socket.setblocking(False)
    reader.socket.setblocking(False)
    slowest, left, end = 0.0, b"", time.monotonic() + 3
    while time.monotonic() < end:
        for _ in range(20):
            left = left or data
            try:
                left = left[flood.socket.send(left):]
            except BlockingIOError:
                pass
            try:
                reader.socket.recv(1 << 20)
            except BlockingIOError:
                pass
        begun = time.monotonic()
        calm.publish("c", "x", 1)
        got = sorted((calm.next_packet(5) for _ in range(2)), key=lambda p: p.kind)
        slowest = max(slowest, time.monotonic() - begun)
        expect([p.kind for p in got] == [PUBLISH, PUBACK], f"got {got}")
        calm.ack(PUBACK, got[0].id)
    expect(slowest < 1, f"a calm client waited {slowest:.2f} s")


def test_one_to_many(ctx):
    """More work in one read than one turn may do: all of it is done, in order, for everybody."""
    broker = ctx.broker().start()
    readers = [fresh(broker, f"r{n}") for n in range(100)]
    for reader in readers:
        reader.subscribe("a", 0)
    writer = fresh(broker, "writer")
    writer.send(b"".join(writer.publish_bytes("a", str(n)) for n in range(2000)))
    writer.send(packet(PINGREQ, 0, b""))
    writer.receive(PINGRESP)
    for reader in readers:
        got = [int(p.payload) for p in reader.drain(0.5, limit=2000)]
        expect(got == list(range(2000)), f"{reader.client_id} got {len(got)} of 2000")


def test_taken_over_in_the_middle_of_work(ctx):
    broker = ctx.broker().start()
    readers = [fresh(broker, f"r{n}") for n in range(60)]
    for reader in readers:
        reader.subscribe("a", 0)
    for _ in range(3):
        writer, other = fresh(broker, "writer"), fresh(broker, "other")
        other.publish("b", "x", 1)
        other.receive(PUBACK)
        writer.send(b"".join(writer.publish_bytes("a", str(n)) for n in range(1500)))
        again = fresh(broker, "writer")
        again.send(packet(PINGREQ, 0, b""))
        again.receive(PINGRESP)
        writer.expect_closed()
        for reader in readers:
            reader.drain(0.01)


def test_clients_that_vanish_in_the_middle(ctx):
    broker = ctx.broker().start()
    for n in range(200):
        reader, writer = fresh(broker, "reader"), fresh(broker, "writer")
        reader.subscribe("a", n % 3)
        for client in (reader, writer)[:n % 3]:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.send(b"".join(writer.publish_bytes("a", "x" * 1000, 1, packet_id=i + 1)
                             for i in range(100))[:-(n + 1)])
        reader.close()
        writer.close()
    wait_until(lambda: broker.status()["connections"] == 0, "all are gone")
    expect(broker.status()["sessions"] == 0, "no session is left")


def test_a_subscription_to_very_many_retained_messages(ctx):
    """They come in pieces, all of them, also to one who reads late; others are served meanwhile."""
    broker = ctx.broker().start()
    count, at_once = 40_000, 500
    writer, other = (fresh(broker, name) for name in ("writer", "other"))
    for begin in range(0, count, at_once):
        writer.send(b"".join(writer.publish_bytes(f"r/{n}", b"x" * 100, 1, packet_id=n % at_once + 1,
                                                  retain=True)
                             for n in range(begin, begin + at_once)))
        for _ in range(at_once):
            writer.receive(PUBACK)
    for qos, expiry in ((0, 0), (1, 600)):
        reader = Client(broker.port, f"reader{qos}", clean=True, expiry=expiry)
        reader.send(packet(SUBSCRIBE, 2, b"\0\1\0\0\1#" + bytes([qos])))
        for _ in range(20):
            other.send(packet(PINGREQ, 0, b""))
            expect(other.next_packet(5).kind == PINGRESP, "the other is served")
        time.sleep(0.3)
        topics = [p.topic for p in reader.drain(2, limit=count)]
        expect(len(set(topics)) == len(topics) == count, f"QoS {qos}: {len(topics)} came")


def test_the_agent_is_answered_before_the_crowd(ctx):
    """A health call does not wait until every client that has sent something was served."""
    broker = ctx.broker().start()
    crowd = [fresh(broker, f"c{n}") for n in range(300)]
    each = 1000
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(broker.socket_file)
        control.settimeout(30)
        broker.process.send_signal(signal.SIGSTOP)
        try:
            for client in crowd:
                client.send(b"".join(client.publish_bytes(f"{client.socket.fileno()}/{n}", "x",
                                                          retain=True) for n in range(each)))
            control.sendall(b'{"id": 1, "cmd": "status"}\n')
        finally:
            broker.process.send_signal(signal.SIGCONT)
        status = json.loads(control.makefile("r").readline())["status"]
    expect(status["retained"] < each * len(crowd), "all the crowd had sent was handled first")
    # $SYS may have come beside it.
    wait_until(lambda: broker.status()["retained"] >= each * len(crowd), "all of it is handled")


def test_a_long_subscription_goes_on_in_a_crowd(ctx):
    """Who has more to be sent than fits one turn is not forgotten while a crowd fills every turn."""
    broker = ctx.broker().start()
    count, at_once = 60_000, 500
    writer = fresh(broker, "writer")
    for begin in range(0, count, at_once):
        writer.send(b"".join(writer.publish_bytes(f"r/{n}", b"x", 1, packet_id=n % at_once + 1,
                                                  retain=True)
                             for n in range(begin, begin + at_once)))
        for _ in range(at_once):
            writer.receive(PUBACK)
    crowd = ctx.program("tandemq-bench", "pubsub", "--qos", "0", "--pubs", "800", "--subs", "10",
                      "--seconds", "40", "--port", str(broker.port), "--quiet",
                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(2)
        reader = fresh(broker, "reader", timeout=60)
        reader.send(packet(SUBSCRIBE, 2, b"\0\1\0\0\3r/#\0"))
        topics = [p.topic for p in reader.drain(10, limit=count)]
        expect(len(topics) == count, f"{len(topics)} of {count} came")
        expect(crowd.poll() is None, "they came only when the crowd had gone")
    finally:
        crowd.kill()
        crowd.wait()
