"""Packets of every broken kind: the reason code that 5.0 names, a closed connection, no crash."""
import struct

from support.expect import expect
from support.wire import (CONNACK, CONNECT, DISCONNECT, PUBACK, PUBLISH, PUBREL, SUBSCRIBE, UNSUBSCRIBE,
                  Client, Raw, packet, text)

ID = struct.pack("!H", 5)
MALFORMED, PROTOCOL = 0x81, 0x82

# What a connected 5.0 client sends, and the code of the DISCONNECT that it gets.
BROKEN = {
    "reserved packet type 0": (b"\0\0", {MALFORMED}),
    "AUTH again without a method in CONNECT": (b"\xf0\x06\x19\x04\x15\0\1x", {PROTOCOL}),
    "AUTH without a method": (b"\xf0\0", {PROTOCOL}),
    "CONNACK from a client": (b"\x20\x03\0\0\0", {PROTOCOL}),
    "SUBACK from a client": (packet(9, 0, ID + b"\0\0"), {PROTOCOL}),
    "PINGRESP from a client": (b"\xd0\0", {PROTOCOL}),
    "PINGREQ with a body": (b"\xc0\x01x", {MALFORMED}),
    "PINGREQ with flags": (b"\xc1\0", {MALFORMED}),
    "length of five bytes": (b"\x30\xff\xff\xff\xff\x01", {MALFORMED}),
    "length not minimal": (b"\xc0\x80\0", {MALFORMED}),
    "PUBLISH with QoS 3": (packet(PUBLISH, 6, text("a") + ID + b"\0x"), {MALFORMED}),
    "PUBLISH with DUP at QoS 0": (packet(PUBLISH, 8, text("a") + b"\0x"), {MALFORMED}),
    "PUBLISH without topic": (packet(PUBLISH, 0, b"\0\0\0x"), {PROTOCOL}),
    "PUBLISH to a wildcard": (packet(PUBLISH, 0, text("a/+") + b"\0x"), {0x90}),
    "PUBLISH with topic cut": (packet(PUBLISH, 0, b"\0\x09a"), {MALFORMED}),
    "PUBLISH without identifier": (packet(PUBLISH, 2, text("a")), {MALFORMED}),
    "PUBLISH with identifier 0": (packet(PUBLISH, 2, text("a") + b"\0\0\0x"), {PROTOCOL, MALFORMED}),
    "PUBLISH with bad UTF-8": (packet(PUBLISH, 0, b"\0\2\xff\xfe\0"), {MALFORMED}),
    "PUBLISH with U+0000": (packet(PUBLISH, 0, b"\0\3a\0b\0"), {MALFORMED}),
    "PUBLISH with a surrogate": (packet(PUBLISH, 0, b"\0\3\xed\xa0\x80\0"), {MALFORMED}),
    "PUBLISH with an unknown property": (packet(PUBLISH, 0, text("a") + b"\2\x7e\0"), {MALFORMED}),
    "PUBLISH with a foreign property": (packet(PUBLISH, 0, text("a") + b"\3\x21\0\1"),
                                        {MALFORMED, PROTOCOL}),
    "PUBLISH with a property twice": (packet(PUBLISH, 0, text("a") + b"\4\1\0\1\0"), {PROTOCOL}),
    "PUBLISH with properties too long": (packet(PUBLISH, 0, text("a") + b"\x09\1\0"), {MALFORMED}),
    "PUBLISH with topic alias 0": (packet(PUBLISH, 0, text("a") + b"\3\x23\0\0x"), {0x94, PROTOCOL}),
    "PUBLISH with topic alias too high": (packet(PUBLISH, 0, text("a") + b"\3\x23\xff\xffx"), {0x94}),
    "PUBLISH with an alias never set": (packet(PUBLISH, 0, b"\0\0\3\x23\0\1x"), {PROTOCOL, 0x94}),
    "PUBLISH with a subscription identifier": (packet(PUBLISH, 0, text("a") + b"\2\x0b\1x"),
                                               {PROTOCOL}),
    "SUBSCRIBE without filter": (packet(SUBSCRIBE, 2, ID + b"\0"), {PROTOCOL, MALFORMED}),
    "SUBSCRIBE with flags": (packet(SUBSCRIBE, 0, ID + b"\0" + text("a") + b"\0"), {MALFORMED}),
    "SUBSCRIBE with QoS 3": (packet(SUBSCRIBE, 2, ID + b"\0" + text("a") + b"\3"),
                             {PROTOCOL, MALFORMED}),
    "SUBSCRIBE with reserved options": (packet(SUBSCRIBE, 2, ID + b"\0" + text("a") + b"\xc0"),
                                        {MALFORMED, PROTOCOL}),
    "SUBSCRIBE with identifier 0": (packet(SUBSCRIBE, 2, b"\0\0\0" + text("a") + b"\0"),
                                    {PROTOCOL, MALFORMED}),
    "SUBSCRIBE with subscription identifier 0": (
        packet(SUBSCRIBE, 2, ID + b"\2\x0b\0" + text("a") + b"\0"), {PROTOCOL}),
    "SUBSCRIBE no local of a shared filter": (
        packet(SUBSCRIBE, 2, ID + b"\0" + text("$share/g/a") + b"\4"), {PROTOCOL}),
    "UNSUBSCRIBE without filter": (packet(UNSUBSCRIBE, 2, ID + b"\0"), {PROTOCOL, MALFORMED}),
    "PUBREL with wrong flags": (packet(PUBREL, 0, ID), {MALFORMED}),
    "PUBACK without identifier": (packet(PUBACK, 0, b"\5"), {MALFORMED}),
    "PUBACK with a code of another packet": (packet(PUBACK, 0, ID + b"\x92\0"),
                                             {PROTOCOL, MALFORMED}),
    "DISCONNECT with flags": (b"\xe1\0", {MALFORMED}),
    "DISCONNECT with an unknown code": (b"\xe0\x02\x77\0", {PROTOCOL, MALFORMED}),
    "a packet that is too large": (b"\x30\xff\xff\x7f", {0x95}),
}

# What a server gets instead of a CONNECT of 5.0, and the code of its CONNACK.
CONNECT_HEAD = b"\0\4MQTT\5"
BROKEN_CONNECT = {
    "reserved flag": (CONNECT_HEAD + b"\3\0\0\0\0\1c", MALFORMED),
    "will QoS 3": (CONNECT_HEAD + b"\x1e\0\0\0\0\1c\0\0\1t\0\1p", MALFORMED),
    "will QoS without will": (CONNECT_HEAD + b"\x0a\0\0\0\0\1c", MALFORMED),
    "will retain without will": (CONNECT_HEAD + b"\x22\0\0\0\0\1c", MALFORMED),
    "no client identifier": (CONNECT_HEAD + b"\2\0\0\0", MALFORMED),
    "client identifier cut": (CONNECT_HEAD + b"\2\0\0\0\0\5c", MALFORMED),
    "bytes after the last field": (CONNECT_HEAD + b"\2\0\0\0\0\1cxx", MALFORMED),
    "client identifier not UTF-8": (CONNECT_HEAD + b"\2\0\0\0\0\2\xff\xff", MALFORMED),
    "will topic with a wildcard": (CONNECT_HEAD + b"\6\0\0\0\0\1c\0\0\1#\0\1p", 0x90),
    "receive maximum 0": (CONNECT_HEAD + b"\2\0\0\3\x21\0\0\0\1c", PROTOCOL),
    "a property twice": (CONNECT_HEAD + b"\2\0\0\6\x21\0\1\x21\0\1\0\1c", PROTOCOL),
    "authentication data without method": (CONNECT_HEAD + b"\2\0\0\4\x16\0\1x\0\1c", PROTOCOL),
    "authentication method": (CONNECT_HEAD + b"\2\0\0\4\x15\0\1x\0\1c", 0x8c),
    "request problem information 2": (CONNECT_HEAD + b"\2\0\0\2\x17\2\0\1c", PROTOCOL),
}


def test_after_connect(ctx):
    """[5:4.13.1-1 5:u4.13.1-1 5:4.13.2-1 5:u1.2-1 5:3.14.4-2 5:3.15.2-1 5:u3.15-1 5:4.12.1-2]"""
    broker = ctx.broker().start()
    bystander = Client(broker.port, "bystander")
    wrong = []
    for name, (data, codes) in BROKEN.items():
        client = Client(broker.port, "c", clean=True, expiry=0)
        client.send(data)
        try:
            found = client.expect_closed()
        except AssertionError:
            found = ["nothing"]
        if len(found) != 1 or found[0] == "nothing" or found[0].kind != DISCONNECT \
                or found[0].code not in codes:
            wrong.append(f"{name}: {found}, wanted {[hex(c) for c in codes]}")
    expect(not wrong, "\n      ".join(wrong))
    expect(broker.status()["sessions"] == 1, "sessions are left")
    expect(bystander.subscribe("a").codes == [1], "others are not touched")


def test_after_connect_of_3_1_1(ctx):
    """[3:4.8.0-1] 3.1.1 has no DISCONNECT from the server: it closes, and nothing else."""
    broker = ctx.broker().start()
    for data in (b"\0\0", b"\xf0\0", b"\xc0\x01x", packet(PUBLISH, 6, text("a") + ID),
                 packet(SUBSCRIBE, 0, ID + text("a") + b"\0"), packet(PUBLISH, 0, text("#") + b"x")):
        client = Client(broker.port, "c", 4, clean=True)
        client.send(data)
        found = client.expect_closed()
        expect(found == [], f"{data}: got {found}")


def test_connect_of_3_1_1(ctx):
    """[3:3.1.4-1 3:3.2.2-6] No return code fits a malformed CONNECT: closed without CONNACK."""
    broker = ctx.broker().start()
    for head in (b"\0\4MQTT\4", b"\0\6MQIsdp\3"):
        for body in (b"\x1e\0\0\0\1c\0\1t\0\1p", b"\x42\0\0\0\1c\0\1p", b"\2\0\0",
                     b"\2\0\0\0\1cx", b"\2\0\0\0\1\xff", b"\6\0\0\0\1c\0\1#\0\1p"):
            raw = Raw(broker.port, 4)
            raw.send(packet(CONNECT, 0, head + body))
            expect(raw.expect_closed() == [], f"{head + body} was answered")


def test_connect(ctx):
    """[5:3.1.4-1 5:3.2.2-8 5:3.14.0-1 5:4.12.0-1 5:4.12.0-2 5:4.12.0-4 5:4.12.0-5 5:3.15.2-2
    5:3.15.2-3] CONNACK with the code, no AUTH, no DISCONNECT."""
    broker = ctx.broker().start()
    wrong = []
    for name, (body, code) in BROKEN_CONNECT.items():
        raw = Raw(broker.port)
        raw.send(packet(CONNECT, 0, body))
        found = raw.expect_closed()
        if [(p.kind, p.code) for p in found] != [(CONNACK, code)]:
            wrong.append(f"{name}: {found}, wanted {hex(code)}")
    expect(not wrong, "\n      ".join(wrong))


def test_noise(ctx):
    """Random bytes, after CONNECT and instead of it: the broker lives and serves."""
    broker = ctx.broker().start()
    for n in range(300):
        noise = ctx.random.randbytes(ctx.random.randrange(1, 200))
        client = Client(broker.port, "c", clean=True, expiry=0) if n % 2 else Raw(broker.port)
        try:
            client.send(noise)
            client.close()
        except ConnectionError:
            pass
    good = Client(broker.port, "good", clean=True, expiry=0)
    good.subscribe("a")
    good.publish("a", "x")
    expect(good.receive(PUBLISH).payload == b"x", "it serves")


def test_packets_in_pieces(ctx):
    """Every packet byte by byte, and many in one piece, are the same to the broker."""
    broker = ctx.broker().start()
    slow = Client(broker.port, "slow", clean=True, expiry=0)
    slow.subscribe("a", 0)
    data = b"".join(slow.publish_bytes("a", f"message {n}") for n in range(30))
    for n in range(len(data)):
        slow.send(data[n:n + 1])
    expect([p.payload.decode() for p in slow.drain()] == [f"message {n}" for n in range(30)], "pieces")
    many = b"".join(slow.publish_bytes("a", str(n)) for n in range(50_000))
    slow.send(many)
    got = [int(p.payload) for p in slow.drain(1)]
    expect(got == list(range(50_000)), f"{len(got)} of 50000 came")
