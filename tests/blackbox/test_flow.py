"""QoS 0, 1 and 2 in both directions, windows, identifiers, order, real clients."""
import struct
import subprocess
import time

from support.expect import expect, wait_until
from support.wire import (DISCONNECT, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, Client)


def fresh(broker, name="c", **arguments):
    return Client(broker.port, name, clean=True, expiry=0, **arguments)


def test_every_qos_to_every_qos(ctx):
    broker = ctx.broker().start()
    for version in (3, 4, 5):
        for wanted in range(3):
            reader = fresh(broker, "reader", version=version)
            reader.subscribe("a", wanted)
            writer = fresh(broker, "writer", version=version)
            for sent in range(3):
                packet_id = writer.publish("a", f"{sent}", sent)
                got = reader.receive(PUBLISH)
                expect(got.qos == min(sent, wanted), f"{sent} to {wanted} came with {got.qos}")
                expect(got.payload == b"%d" % sent and not got.dup and not got.retain, f"{got}")
                if got.qos:
                    reader.ack(PUBACK if got.qos == 1 else PUBREC, got.id)
                if got.qos == 2:
                    expect(reader.receive(PUBREL).id == got.id, "PUBREL")
                    reader.ack(PUBCOMP, got.id)
                if sent == 1:
                    expect(writer.receive(PUBACK).id == packet_id, "PUBACK")
                if sent == 2:
                    expect(writer.receive(PUBREC).id == packet_id, "PUBREC")
                    writer.ack(PUBREL, packet_id)
                    expect(writer.receive(PUBCOMP).id == packet_id, "PUBCOMP")
            reader.disconnect()
            writer.disconnect()


def test_qos2_sent_again_is_one_message(ctx):
    broker = ctx.broker().start()
    reader, writer = fresh(broker, "reader"), fresh(broker, "writer")
    reader.subscribe("a", 2)
    for dup in (False, True, True):
        writer.publish("a", "once", 2, packet_id=9, dup=dup)
        expect(writer.receive(PUBREC).id == 9, "PUBREC")
    expect(len(reader.drain()) == 1, "one message")
    writer.ack(PUBREL, 9)
    expect(writer.receive(PUBCOMP).code == 0, "PUBCOMP")
    writer.ack(PUBREL, 9)
    expect(writer.receive(PUBCOMP).code == 0x92, "the identifier is free")
    writer.publish("a", "again", 2, packet_id=9)
    writer.receive(PUBREC)
    expect([p.payload for p in reader.drain()] == [b"again"], "it means a new message now")


def test_window_towards_a_client(ctx):
    broker = ctx.broker().start()
    reader = fresh(broker, "reader", properties=b"\x21" + struct.pack("!H", 3))
    reader.subscribe("a")
    writer = fresh(broker, "writer")
    for n in range(10):
        writer.publish("a", str(n), 1)
    got = reader.drain(acknowledge=False)
    expect(len(got) == 3, f"{len(got)} are in flight, the window is 3")
    for n in range(3, 10):
        reader.ack(PUBACK, got[n - 3].id)
        got.append(reader.receive(PUBLISH))
    expect([int(p.payload) for p in got] == list(range(10)), "the order")


def test_window_of_a_client(ctx):
    broker = ctx.broker(limits_receive_maximum=5).start()
    writer = fresh(broker, "writer")
    writer.send(b"".join(writer.publish_bytes("a", "x", 2, packet_id=n) for n in range(1, 7)))
    found = writer.expect_closed()
    expect(found[-1].kind == DISCONNECT and found[-1].code == 0x93, f"got {found}")


def test_window_of_a_client_qos_1(ctx):
    """[5:u3.3.4-2] A QoS 1 message counts until its PUBACK goes out, which waits for the disk."""
    broker = ctx.broker(limits_receive_maximum=5).start()
    kept = Client(broker.port, "kept")
    kept.subscribe("a")
    for version, sent in ((5, 5), (4, 9)):
        writer = fresh(broker, "writer", version=version)
        writer.send(b"".join(writer.publish_bytes("a", "x", 1, packet_id=n + 1) for n in range(sent)))
        for n in range(sent):
            expect(writer.receive(PUBACK).id == n + 1, "the acknowledgements of what is allowed")
    writer = fresh(broker, "writer")
    writer.send(b"".join(writer.publish_bytes("a", "x", 1, packet_id=n) for n in range(1, 7)))
    found = writer.expect_closed()
    expect(found[-1].kind == DISCONNECT and found[-1].code == 0x93, f"got {found}")


def test_nothing_follows_a_disconnect(ctx):
    """[5:3.14.4-1] Acknowledgements that are committed later are not sent, though the client read
    so slowly that the DISCONNECT is still here."""
    broker = ctx.broker(limits_receive_maximum=5).start()
    kept = Client(broker.port, "kept")
    kept.subscribe("a")
    writer, other = fresh(broker, "writer"), fresh(broker, "other")
    writer.subscribe("big", 0)
    for _ in range(10):
        other.publish("big", b"x" * 700_000)
    other.publish("a", "x", 1)
    other.receive(PUBACK)
    writer.send(b"".join(writer.publish_bytes("a", "x", 1, packet_id=n) for n in range(1, 7)))
    time.sleep(0.5)
    found = writer.expect_closed()
    expect(found[-1].kind == DISCONNECT and found[-1].code == 0x93, f"got {found[-7:]}")


def test_identifiers_that_nobody_knows(ctx):
    broker = ctx.broker().start()
    client = fresh(broker)
    client.ack(PUBREL, 77)
    expect(client.receive(PUBCOMP).code == 0x92, "PUBREL")
    client.ack(PUBREC, 77)
    got = client.receive(PUBREL)
    expect(got.id == 77 and got.code == 0x92, f"PUBREC was answered by {got}")
    client.ack(PUBACK, 77)
    client.ack(PUBCOMP, 77)
    client.publish("a", "x", 1, packet_id=5)
    expect(client.receive(PUBACK).id == 5, "the others are ignored")


def test_large_messages(ctx):
    broker = ctx.broker().start()
    client = fresh(broker)
    client.subscribe("a", 1)
    for size in (0, 1, 120, 127, 128, 16_000, 130_000, 700_000, (1 << 20) - 20):
        payload = ctx.random.randbytes(size)
        client.publish("a", payload, 1)
        got = [client.next_packet(5), client.next_packet(5)]
        expect({p.kind for p in got} == {PUBACK, PUBLISH}, f"got {got}")
        publish = next(p for p in got if p.kind == PUBLISH)
        expect(publish.payload == payload, f"{size} bytes came back otherwise")
        client.ack(PUBACK, publish.id)


def test_message_expiry(ctx):
    broker = ctx.broker().start()
    reader = Client(broker.port, "reader")
    reader.subscribe("a")
    reader.disconnect()
    writer = fresh(broker, "writer")
    for seconds in (1, 60):
        writer.publish("a", str(seconds), 1, properties=b"\2" + struct.pack("!I", seconds))
        writer.receive(PUBACK)
    time.sleep(1.6)
    got = Client(broker.port, "reader").drain()
    expect([p.payload for p in got] == [b"60"], f"got {got}")
    left = struct.unpack("!I", got[0].properties[1:5])[0]
    expect(got[0].properties[0] == 2 and 57 <= left <= 59, f"{left} s are left")


def test_properties_travel(ctx):
    broker = ctx.broker().start()
    client = fresh(broker)
    client.subscribe("a", 0, properties=b"\x0b\x2a")
    forward = (b"\1\1" + b"\3\0\4text" + b"\x08\0\5reply" + b"\x09\0\2\0\xff"
               + b"\x26\0\1k\0\1v" + b"\x26\0\1k\0\1w")
    client.publish("a", "x", properties=forward)
    got = client.receive(PUBLISH).properties
    expect(sorted(got) == sorted(forward + b"\x0b\x2a"), f"got {got}")
    expect(got.index(b"\0\1v") < got.index(b"\0\1w"), "user properties keep their order")


def test_topic_alias(ctx):
    broker = ctx.broker().start()
    client = fresh(broker)
    client.subscribe("long/topic/name", 0)
    client.publish("long/topic/name", "1", properties=b"\x23\0\1")
    client.publish("", "2", properties=b"\x23\0\1")
    got = client.drain()
    expect([(p.topic, p.payload) for p in got] == [("long/topic/name", b"1"),
                                                   ("long/topic/name", b"2")], f"got {got}")


def test_no_topic_alias_from_us(ctx):
    """[5:3.1.2-26 5:3.1.2-27 5:3.3.2-11] Also not to a client that takes them."""
    broker = ctx.broker().start()
    for properties in (b"", b"\x22\0\0", b"\x22\0\x0a"):
        client = fresh(broker, properties=properties)
        client.subscribe("a/topic", 1)
        for n in range(3):
            client.publish("a/topic", str(n))
        got = client.drain()
        expect([(p.topic, p.properties) for p in got] == 3 * [("a/topic", b"")], f"got {got}")


def test_text_is_passed_on(ctx):
    """[5:1.5.4-3 3:1.5.3-3 5:4.7.3-4 3:4.7.3-4 5:u3.1.3.2.3-2 5:u3.3.2.3.2-1] Topics are compared
    and sent as they were written; a payload marked as UTF-8 is not looked at."""
    broker = ctx.broker().start()
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    for version in (4, 5):
        client = fresh(broker, version=version)
        client.subscribe(composed, 0)
        client.subscribe("bom/+", 0)
        for topic in (composed, decomposed, "bom/\ufeff", "bom/x\ufeffy", "\ufeffbom/x", "BOM/x"):
            client.publish(topic, "x")
        got = [p.topic for p in client.drain()]
        expect(got == [composed, "bom/\ufeff", "bom/x\ufeffy"], f"got {got}")
    marked = {"will_properties": b"\1\1", "will": ("bom/w", b"\xff\xfe", 0, False)}
    fresh(broker, "mortal", **marked).close()
    got = client.receive(PUBLISH)
    expect((got.payload, got.properties) == (b"\xff\xfe", b"\1\1"), f"got {got}")
    client.publish("bom/x", b"\xff", properties=b"\1\1")
    got = client.receive(PUBLISH)
    expect((got.payload, got.properties) == (b"\xff", b"\1\1"), f"got {got}")


def test_what_is_too_large_for_a_client(ctx):
    """[5:3.1.2-24 5:3.1.2-25 5:u3.1.2.11.4-2] Dropped, as if delivered: the next one comes. A share
    does not look for another member."""
    broker = ctx.broker().start()
    reader = fresh(broker, "reader", properties=b"\x27\0\0\0\x64\x21\0\1")
    writer = fresh(broker, "writer")
    writer.publish("kept", b"x" * 200, 1, retain=True)
    writer.receive(PUBACK)
    for topic_filter in ("a", "kept", "$share/g/b"):
        reader.subscribe(topic_filter, 2)
    for qos in range(3):
        for topic in "ab":
            for payload in (b"x" * 200, b"fits"):
                writer.publish(topic, payload, qos)
    got = reader.drain(0.5)
    expect(sorted((p.topic, p.qos, p.payload) for p in got)
           == [(t, q, b"fits") for t in "ab" for q in range(3)], f"got {got}")
    writer.publish("a", b"x" * 94)
    expect(len(reader.receive(PUBLISH).body) == 98, "exactly as large as it may be")
    writer.publish("a", b"x" * 95)
    expect(reader.drain() == [], "a byte more")


def test_subscription_options(ctx):
    broker = ctx.broker().start()
    client, other = fresh(broker), fresh(broker, "other")
    client.subscribe("own", 4)
    client.publish("own", "mine")
    other.publish("own", "theirs")
    expect([p.payload for p in client.drain()] == [b"theirs"], "no local")
    client.subscribe("kept", 8)
    other.publish("kept", "x", retain=True)
    expect(client.receive(PUBLISH).retain, "retain as published")
    expect(client.unsubscribe("kept").codes == [0], "unsubscribed")
    expect(client.unsubscribe("kept").codes == [0x11], "no subscription existed")
    other.publish("kept", "y", retain=True)
    expect(client.drain() == [], "nothing after UNSUBSCRIBE")


def test_wildcards(ctx):
    broker = ctx.broker().start()
    for topic_filter, topics in (("a/+/c", ["a/b/c", "a//c"]), ("a/#", ["a", "a/b", "a/b/c", "a//c"]),
                                 ("+/b", ["a/b", "/b"]), ("#", ["a", "a/b", "a/b/c", "a//c", "/b"]),
                                 ("$own/+", [])):  # $ topics are the broker's own
        client = fresh(broker)
        client.subscribe(topic_filter, 0)
        for topic in ("a", "a/b", "a/b/c", "a//c", "/b", "$own/x"):
            client.publish(topic, "x")
        got = [p.topic for p in client.drain(0.2)]
        expect(got == topics, f"{topic_filter} got {got}")
        client.disconnect()


def test_mosquitto_clients(ctx):
    """[3:7.0.0-2]"""
    broker = ctx.broker().start()
    for version in ("mqttv31", "mqttv311", "5"):
        reader = subprocess.Popen(["mosquitto_sub", "-p", str(broker.port), "-t", "a/#", "-q", "2",
                                   "-C", "3", "-v", "-V", version, "-W", "10"],
                                  stdout=subprocess.PIPE, text=True)
        wait_until(lambda: broker.status()["subscriptions"] == 1, "subscribed")
        for qos in range(3):
            subprocess.run(["mosquitto_pub", "-p", str(broker.port), "-t", f"a/{qos}", "-m",
                            f"message {qos}", "-q", str(qos), "-V", version], check=True)
        out, _ = reader.communicate(timeout=15)
        expect(out == "".join(f"a/{q} message {q}\n" for q in range(3)), f"{version} got {out}")
        wait_until(lambda: broker.status()["subscriptions"] == 0, "gone")


def test_paho(ctx):
    """[3:7.0.0-2]"""
    import paho.mqtt.client as paho
    broker = ctx.broker().start()
    for protocol in (paho.MQTTv311, paho.MQTTv5):
        got = []
        reader = paho.Client(client_id="paho", protocol=protocol)
        reader.on_message = lambda _c, _u, message: got.append(message.payload)
        reader.connect("127.0.0.1", broker.port)
        reader.loop_start()
        subscribed = []
        reader.on_subscribe = lambda *_: subscribed.append(1)
        wait_until(reader.is_connected, "connected")
        reader.subscribe("a", 2)
        wait_until(lambda: subscribed, "subscribed")
        for n in range(200):
            reader.publish("a", str(n), n % 3)
        wait_until(lambda: len(got) == 200, "200 messages")
        for qos in range(3):
            numbers = [int(m) for m in got if int(m) % 3 == qos]
            expect(numbers == sorted(numbers), f"the order at QoS {qos}")
        reader.loop_stop()
        reader.disconnect()
