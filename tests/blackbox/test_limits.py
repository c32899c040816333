"""What is bounded, and how: queues of all sessions, memory, rates; also after a failover."""
import struct
import time

from support.expect import alone, expect, wait_until
from support.pair import Pair
from support.wire import (CONNACK, CONNECT, PINGREQ, PINGRESP, PUBACK, PUBLISH, Client, Raw, packet,
                          text)

MIB = 1 << 20
CEILING = 256 * MIB
QUOTA_EXCEEDED = 0x97


def publish_all(client, topic, payloads, **options):
    """QoS 1, each acknowledged."""
    for payload in payloads:
        client.publish(topic, payload, 1, **options)
        client.receive(PUBACK)


def test_queues_of_all_sessions_after_a_failover(ctx):
    """The standby has dropped the same, and goes on by the same limits."""
    pair = Pair(ctx, limits_queued_messages_total_max=10, limits_queue_full="drop_oldest",
                limits_queue_qos0_messages=True).start()
    for name in ("one", "two"):
        away = Client(pair.a.port, name)
        away.subscribe(name, 1)
        away.disconnect()
    writer = Client(pair.a.port, "writer", clean=True, expiry=0)
    publish_all(writer, "one", map(str, range(8)))
    writer.publish("two", "unanswered")
    publish_all(writer, "two", map(str, range(5)))
    expect(pair.a.tells("event=queue_full"), "it is told")
    pair.expect_same_state()
    pair.take_over(pair.b, pair.a)
    writer = Client(pair.b.port, "writer", clean=True, expiry=0)
    publish_all(writer, "one", ["8"])
    got = [p.payload for p in Client(pair.b.port, "one").drain()]
    expect(got == [b"%d" % n for n in range(1, 9)], f"the newest of one: {got}")
    got = [p.payload for p in Client(pair.b.port, "two").drain()]
    expect(got == [b"3", b"4"], f"the newest of two: {got}")


def test_rate_of_a_client(ctx):
    """QoS 1 above it waits and comes, QoS 0 is dropped and counted; others do not notice."""
    broker = ctx.broker(limits_publish_rate_max=20).start()
    reader, writer, other = (Client(broker.port, n, clean=True, expiry=0)
                             for n in ("reader", "writer", "other"))
    reader.subscribe("t", 1)
    begun = time.monotonic()
    writer.send(b"".join(writer.publish_bytes("t", str(n), 1, packet_id=n + 1) for n in range(32)))
    other.publish("t", "other", 1)
    other.receive(PUBACK, seconds=5)
    for _ in range(32):
        writer.receive(PUBACK, seconds=10)
    expect(time.monotonic() - begun > 0.4, "32 at 20 a second")
    got = [p.payload for p in reader.drain(0.5, limit=33) if p.payload != b"other"]
    expect(got == [b"%d" % n for n in range(32)], f"all in order: {got}")
    expect(broker.tells("event=rate_limited"), "it is told")
    writer.send(b"".join(writer.publish_bytes("t", "q0") for _ in range(100)) + packet(PINGREQ, 0, b""))
    writer.receive(PINGRESP)
    expect(len(reader.drain(0.5)) < 40, "what is above the rate with QoS 0 is dropped")


@alone
def test_rate_of_connections(ctx):
    """They wait in order; who is in already is served."""
    broker = ctx.broker(limits_connect_rate_max=20).start()
    calm = Client(broker.port, "calm", clean=True, expiry=0)
    begun, crowd = time.monotonic(), []
    for n in range(40):
        crowd.append(Raw(broker.port))
        body = text("MQTT") + bytes([5, 2, 0, 60, 0]) + text(f"c{n}")
        crowd[-1].send(packet(CONNECT, 0, body))
    calm.send(packet(PINGREQ, 0, b""))
    calm.receive(PINGRESP, seconds=0.5)
    for one in crowd:
        expect(one.receive(CONNACK, seconds=10).code == 0, "it comes in")
    took = time.monotonic() - begun
    expect(0.9 < took < 5, f"40 at 20 a second took {took:.1f} s")


def near_the_ceiling(ctx, **settings):
    broker = ctx.broker(limits_memory_max=CEILING, **settings).start()
    honest = Client(broker.port, "honest")
    honest.subscribe("for/honest", 1)
    return broker, honest


def expect_below(broker, honest):
    """The process stayed below but for a buffer that grew, who is in is served, who has a session comes back."""
    with open(f"/proc/{broker.process.pid}/status", encoding="ascii") as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) << 10
    expect(peak < CEILING + CEILING // 8, f"{peak >> 20} MiB in use")
    expect(broker.status()["memory"] != "ample", f"{broker.status()['memory_bytes']} bytes")
    expect(broker.tells("event=memory"), "it is told")
    honest.send(packet(PINGREQ, 0, b""))
    honest.receive(PINGRESP, seconds=5)
    honest.close()
    expect(Client(broker.port, "honest").connack.code == 0, "a session that exists")
    expect(Client(broker.port, "stranger").connack.code == QUOTA_EXCEEDED, "a new session")


def flood(client, packets, until, seconds=30):
    """Sends until then, or for so long."""
    end = time.monotonic() + seconds
    client.socket.settimeout(0)
    left = b""
    while time.monotonic() < end and not until():
        for _ in range(8):
            left = left or next(packets)
            try:
                left = left[client.socket.send(left):]
            except BlockingIOError:
                time.sleep(0.002)
                break
    client.socket.settimeout(10)


def test_memory_retained(ctx):
    broker, honest = near_the_ceiling(ctx)
    writer = Client(broker.port, "writer")
    flood(writer, (writer.publish_bytes(f"r/{n}", bytes(256 << 10), 1, packet_id=n + 1, retain=True)
                   for n in range(1000)), lambda: broker.status()["memory"] != "ample")
    expect_below(broker, honest)


def test_memory_slow_readers(ctx):
    """Readers of large messages that do not read are sent away; what was acknowledged comes."""
    broker, honest = near_the_ceiling(ctx)
    stuck = [Client(broker.port, f"stuck{n}") for n in range(6)]
    for one in stuck:
        one.subscribe("big", 1)
    writer = Client(broker.port, "writer")
    flood(writer, (writer.publish_bytes("big", struct.pack("!I", n) + bytes(256 << 10), 1,
                                        packet_id=n) for n in range(1, 1000)),
          lambda: "event=slow_reader_closed" in broker.log())
    expect(broker.tells("event=slow_reader_closed"), "a slow reader is sent away")
    expect_below(broker, honest)
    answered = [p.id for p in iter(lambda: writer.next_packet(0.5), None) if p.kind == PUBACK]
    for one in stuck:
        one.close()
    got = [struct.unpack("!I", p.payload[:4])[0] for p in Client(broker.port, "stuck0").drain(1)]
    expect(set(answered) <= set(got), f"of {len(answered)} acknowledged {len(got)} came")


@alone
def test_a_large_publish_on_a_slow_line(ctx):
    """Its bytes are signs of life: no timeout and no will while they flow."""
    broker = ctx.broker().start()
    reader = Client(broker.port, "reader", clean=True, expiry=0)
    for topic in ("will", "slow"):
        reader.subscribe(topic, 1)
    slow = Client(broker.port, "slow", keep_alive=1, will=("will", "gone", 1, False))
    data = slow.publish_bytes("slow", bytes(80_000), 1, packet_id=1)
    for at in range(0, len(data), 2000):
        slow.send(data[at:at + 2000])
        time.sleep(0.1)
    slow.receive(PUBACK)
    expect(reader.receive(PUBLISH).topic == "slow", "the message, and no will before it")
    wait_until(lambda: broker.status()["connections"] == 2, "both are there")
