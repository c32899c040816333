"""What was acknowledged survives kill -9 of a single node, with checkpoints at any moment."""
import json
import subprocess
import threading
import time

from support.expect import expect, wait_until
from support.wire import PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, Client


def absent_subscriber(broker, name="reader", topic="plant/#", qos=1):
    client = Client(broker.port, name)
    client.subscribe(topic, qos)
    client.disconnect()


def publish_acknowledged(broker, count, first=0, qos=1, name="writer"):
    """Publishes numbered messages, many at a time, and waits for every acknowledgement."""
    client = Client(broker.port, name, clean=True, expiry=0)
    for begin in range(first, first + count, 500):
        end = min(begin + 500, first + count)
        client.send(b"".join(client.publish_bytes("plant/1", str(n), qos, packet_id=client.take_id())
                             for n in range(begin, end)))
        for _ in range(begin, end):
            client.receive(PUBACK)
    client.disconnect()


def expect_numbers(broker, count, name="reader"):
    client = Client(broker.port, name)
    expect(client.connack.session_present, f"the session of {name} is gone")
    got = [int(p.payload) for p in client.drain(limit=count)]
    more = client.drain(0.2)
    expect(got == list(range(count)), f"{len(got)} of {count} messages came, or in another order")
    expect(not more, f"{len(more)} messages came twice")
    client.disconnect()


def test_5000_for_an_absent_subscriber(ctx):
    broker = ctx.broker().start()
    absent_subscriber(broker)
    publish_acknowledged(broker, 5000)
    broker.kill()
    broker.start()
    expect_numbers(broker, 5000)


def test_checkpoints_between(ctx):
    broker = ctx.broker().start()
    absent_subscriber(broker)
    for part in range(5):
        publish_acknowledged(broker, 400, first=400 * part)
        if part % 2 == 0:
            broker.checkpoint()
        broker.kill()
        broker.start()
    expect_numbers(broker, 2000)
    broker.checkpoint()
    broker.kill()
    broker.start()
    expect(broker.status()["queued"] == 0, "acknowledged messages came back")


def test_qos2_publisher_goes_on_where_it_was(ctx):
    broker = ctx.broker().start()
    absent_subscriber(broker, qos=2)
    writer = Client(broker.port, "writer")
    first, second = writer.publish("plant/1", "one", 2), writer.publish("plant/1", "two", 2)
    for packet_id in (first, second):
        expect(writer.receive(PUBREC).id == packet_id, "PUBREC")
    writer.ack(PUBREL, first)
    expect(writer.receive(PUBCOMP).id == first, "PUBCOMP")
    if ctx.random.random() < 0.5:
        broker.checkpoint()
    broker.kill()
    broker.start()
    writer = Client(broker.port, "writer")
    expect(writer.connack.session_present, "the publisher's session is gone")
    # The second one was received: sending it again must not make another message.
    writer.publish("plant/1", "two", 2, packet_id=second, dup=True)
    expect(writer.receive(PUBREC).id == second, "PUBREC again")
    writer.ack(PUBREL, second)
    expect(writer.receive(PUBCOMP).id == second, "PUBCOMP")
    # The first identifier is free: this is a new message.
    writer.publish("plant/1", "three", 2, packet_id=first)
    writer.receive(PUBREC)
    writer.ack(PUBREL, first)
    writer.receive(PUBCOMP)
    got = [p.payload for p in Client(broker.port, "reader").drain()]
    expect(got == [b"one", b"two", b"three"], f"the subscriber got {got}")


def test_qos2_subscriber_goes_on_where_it_was(ctx):
    for with_checkpoint in (False, True):
        broker = ctx.broker(f"node-{with_checkpoint}").start()
        reader = Client(broker.port, "reader")
        reader.subscribe("plant/#", 2)
        writer = Client(broker.port, "writer", clean=True, expiry=0)
        ids = []
        for payload in ("one", "two", "three"):
            packet_id = writer.publish("plant/1", payload, 2)
            writer.receive(PUBREC)
            writer.ack(PUBREL, packet_id)
            writer.receive(PUBCOMP)
            ids.append(reader.receive(PUBLISH).id)
        reader.ack(PUBREC, ids[0])
        expect(reader.receive(PUBREL).id == ids[0], "PUBREL")
        reader.ack(PUBCOMP, ids[0])
        reader.ack(PUBREC, ids[1])
        expect(reader.receive(PUBREL).id == ids[1], "PUBREL")
        wait_until(lambda b=broker: b.status()["queued"] == 2, "the first delivery is over")
        if with_checkpoint:
            broker.checkpoint()
        broker.kill()
        broker.start()
        reader = Client(broker.port, "reader")
        got = {}
        for _ in range(2):
            packet = reader.next_packet(5)
            expect(packet is not None, "what was in flight did not come again")
            got[packet.kind] = packet
        expect(got[PUBREL].id == ids[1], "PUBREL of the received one under its identifier")
        expect(got[PUBLISH].id == ids[2] and got[PUBLISH].dup, "the third again, with DUP")
        expect(got[PUBLISH].payload == b"three", "the third again")


def test_retained_subscriptions_and_wills(ctx):
    broker = ctx.broker().start()
    keeper = Client(broker.port, "keeper")
    keeper.subscribe("will/#", 1)
    keeper.subscribe("$share/group/plant/#", 1)
    writer = Client(broker.port, "writer", clean=True, expiry=0)
    for n in range(20):
        writer.publish(f"plant/{n}", f"old {n}", 1, retain=True)
        writer.receive(PUBACK)
    broker.checkpoint()
    for n in range(0, 20, 2):
        writer.publish(f"plant/{n}", "" if n % 4 else f"new {n}", 1, retain=True)
        writer.receive(PUBACK)
    keeper.drain()
    mortal = Client(broker.port, "mortal", will=("will/mortal", "gone", 1, False), expiry=2)
    broker.kill()
    broker.start()
    fresh = Client(broker.port, "fresh", clean=True, expiry=0)
    fresh.subscribe("plant/#", 0)
    got = {p.topic: p.payload.decode() for p in fresh.drain()}
    wanted = {f"plant/{n}": f"new {n}" if n % 2 == 0 else f"old {n}"
              for n in range(20) if n % 4 != 2}
    expect(got == wanted, f"retained messages are {got}")
    keeper = Client(broker.port, "keeper")
    expect(keeper.connack.session_present, "the keeper's session is gone")
    fresh.publish("plant/x", "to the group", 1)
    fresh.publish("will/x", "direct", 1)
    got = sorted(p.payload for p in keeper.drain(0.5))
    expect(got == [b"direct", b"to the group"], f"the keeper got {got}")


def test_kill_under_load(ctx):
    """Exactly once, nothing lost, in order, through many deaths, checkpoints running all the time."""
    broker = ctx.broker(journal_segment_bytes=1 << 20).start()
    seconds = 15
    load = ctx.program("tandemq-bench", "failover", "--port", str(broker.port), "--pubs", "10",
                       "--subs", "10", "--rate", "2000", "--seconds", str(seconds), "--json",
                       "--quiet", stdout=subprocess.PIPE, text=True)
    over = threading.Event()

    def checkpoints():
        while not over.wait(0.02):
            try:
                broker.checkpoint()
            except (OSError, ValueError, AssertionError):
                pass

    checkpointing = threading.Thread(target=checkpoints)
    checkpointing.start()
    end = time.monotonic() + seconds - 2
    kills = 0
    try:
        while time.monotonic() < end:
            time.sleep(ctx.random.uniform(0.2, 1.2))
            broker.kill()
            kills += 1
            broker.start()
        out, _ = load.communicate(timeout=60)
    finally:
        over.set()
        checkpointing.join()
        load.kill()
    result = json.loads(out)
    expect(result["acknowledged"] > 1000, f"the load did little: {result}")
    for what in ("lost", "qos2_duplicates", "order_violations", "sessions_lost"):
        expect(result[what] == 0, f"{what} after {kills} kills: {result}")
