"""Nonsense at every door of a pair: it changes nothing and stops nobody."""
import socket
import struct
import time

from support.expect import Failed, expect
from support.pair import Pair
from support.wire import Client


def throw(address, data, family=socket.AF_INET):
    """Sends it and reads whatever comes, until the other side closes or is silent."""
    with socket.socket(family) as one:
        one.settimeout(0.05)
        try:
            one.connect(address)
            one.sendall(data)
            while one.recv(65536):
                pass
        except OSError:
            pass


def expect_well(pair):
    pair.wait_paired(10)
    with_qos = Client(pair.a.port, "well")
    with_qos.subscribe("well", 1)
    with_qos.publish("well", "here", 1)
    expect(len(with_qos.drain(5, limit=1)) == 1, "the pair serves")
    with_qos.disconnect()


def pieces(random):
    kinds = [
        lambda: random.randbytes(random.randint(1, 2000)),
        lambda: b"\x10" + random.randbytes(random.randint(1, 400)),
        lambda: struct.pack("<IIB", random.choice([0, 9, 10, 0xffffffff, 65536]), 0,
                            random.randint(0, 255)) + random.randbytes(random.randint(0, 200)),
        lambda: b"{" * random.randint(1, 70000) + b"\n",
        lambda: b'{"cmd": "' + random.randbytes(20) + b'"}\n',
        lambda: b"\n" * 1000,
    ]
    while True:
        yield random.choice(kinds)()


def test_random_bytes(ctx):
    pair = Pair(ctx).start()
    source = pieces(ctx.random)
    for _ in range(60):
        throw(("127.0.0.1", pair.a.port), next(source))
        throw(("127.0.0.1", pair.link_port), next(source))
        throw(ctx.random.choice([pair.a, pair.b]).socket_file, next(source), socket.AF_UNIX)
    expect_well(pair)


def test_wrong_arguments(ctx):
    pair = Pair(ctx).start()
    values = [None, -1, 0, 1.5, 1 << 63, (1 << 64) - 1, 1 << 70, "x", "", [], {}, True, "\udc80" * 3]
    names = {"promote": ["epoch", "force", "reason", "deadline_ms"], "solo": ["authority", "change"],
             "ping": ["id"], "nonsense": ["x"], "status": ["x"], "watch": ["x"],
             "lose_sync": ["x"]}
    for command, arguments in names.items():
        for name in arguments:
            for value in values:
                node = pair.b if command in ("solo",) else pair.a
                try:
                    node.control(command, **{name: value})
                except (Failed, ConnectionError, ValueError, UnicodeError):
                    pass
    expect_well(pair)


def test_epoch_too_high(ctx):
    """An order to reign in the last epoch that there is must not end all reigns after it."""
    pair = Pair(ctx).start()
    pair.a.kill()
    for epoch in ((1 << 64) - 1, (1 << 64) - 2, 1 << 63):
        try:
            pair.b.control("promote", epoch=epoch)
        except (Failed, ConnectionError):
            pass
    expect(pair.b.process.poll() is None, f"it is dead: {pair.b.log_tail()}")
    pair.promote(pair.b)
    pair.solo(pair.b)
    pair.a.start(listening=False)
    pair.wait_paired()
    pair.take_over(pair.a, pair.b)


def test_control_reader_that_never_reads(ctx):
    node = ctx.broker().start()
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(node.socket_file)
        link.settimeout(0.2)
        try:
            for _ in range(100):
                link.sendall(b'{"cmd":"status","id":1}\n' * 500)
        except OSError:
            pass
        time.sleep(0.3)
        with open(f"/proc/{node.process.pid}/status", encoding="ascii") as status:
            rss = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    expect(rss < 120_000, f"{rss} KiB are used")
    expect(node.status()["listening"], "it answers others")
