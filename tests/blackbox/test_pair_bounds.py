"""What a pair holds while nothing can be committed, and for clients that do not read, is bounded."""
import os
import socket
import time

from support.expect import expect, wait_until
from support.pair import Pair
from support.wire import Client

MIB = 1 << 20


def resident_mib(node):
    with open(f"/proc/{node.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) // 1024


def folder_mib(node):
    return sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(node.data)
               for name in names) // MIB


def push(clients, data, seconds, most):
    """Sends `data` again and again until nobody is read from any more; MiB taken."""
    taken, end = 0, time.monotonic() + seconds
    rest = {}
    while time.monotonic() < end and taken < most * MIB:
        moved = 0
        for one in clients:
            one.socket.settimeout(0)
            left = rest.get(one) or data
            try:
                sent = one.socket.send(left)
            except (BlockingIOError, socket.timeout):
                continue
            rest[one] = left[sent:]
            moved += sent
        taken += moved
        if not moved:
            time.sleep(0.01)
    return taken // MIB


def waiting_pair(ctx):
    """The pair and four clients of a primary that has lost its standby."""
    pair = Pair(ctx).start()
    absent = Client(pair.a.port, "absent")
    absent.subscribe("big/#", 1)
    absent.disconnect()
    clients = [Client(pair.a.port, f"p{i}", version=4) for i in range(4)]
    pair.b.kill()
    wait_until(lambda: pair.a.status()["pair_state"] == "waiting", "it waits")
    return pair, clients


def test_waiting_large_messages(ctx):
    """Acknowledgements are small, the messages that they are for are not."""
    pair, clients = waiting_pair(ctx)
    data = clients[0].publish_bytes("big/x", bytes(256 << 10), 1, packet_id=1)
    before = folder_mib(pair.a)
    taken = push(clients, data, 6, 600)
    expect(taken < 300, f"{taken} MiB were read while nothing could be committed")
    expect(folder_mib(pair.a) - before < 300, f"{folder_mib(pair.a)} MiB are on disk")
    pair.b.start(listening=False)
    pair.wait_paired()
    got = clients[0].next_packet(10)
    expect(got is not None and got.kind == 4, f"acknowledged once the peer is back, not {got}")


def test_waiting_small_messages(ctx):
    pair, clients = waiting_pair(ctx)
    data = clients[0].publish_bytes("big/x", b"", 1, packet_id=1) * 500
    push(clients, data, 5, 200)
    expect(resident_mib(pair.a) < 600, f"{resident_mib(pair.a)} MiB")
    pair.b.start(listening=False)
    pair.wait_paired()
    got = clients[0].next_packet(10)
    expect(got is not None and got.kind == 4, f"acknowledged once the peer is back, not {got}")


def test_publisher_that_reads_no_acknowledgement(ctx):
    node = ctx.broker().start()
    clients = [Client(node.port, f"p{i}", version=4) for i in range(2)]
    data = clients[0].publish_bytes("nobody", b"", 1, packet_id=1) * 2000
    taken = push(clients, data, 8, 1000)
    expect(taken < 700, f"{taken} MiB are read from clients that read no acknowledgement")
    expect(resident_mib(node) < 400, f"{resident_mib(node)} MiB after {taken} MiB of PUBLISHes")
    clients[0].socket.settimeout(5)
    for _ in range(20):
        expect(clients[0].socket.recv(1 << 20), "it gets its acknowledgements")


def test_subscriber_that_never_reads(ctx):
    """Each may have its window in its socket's buffer, and its queue."""
    node = ctx.broker(limits_inflight_maximum=64, limits_queued_bytes_max=64 << 20).start()
    slow = [Client(node.port, f"s{i}", version=4) for i in range(4)]
    for one in slow:
        one.subscribe("big/#", 1)
    publisher = Client(node.port, "p", version=4)
    data = publisher.publish_bytes("big/x", bytes(256 << 10), 1, packet_id=1)
    push([publisher], data, 4, 800)
    expect(resident_mib(node) < 350, f"{resident_mib(node)} MiB")


def test_largest_packet(ctx):
    """The largest packet that may be configured is kept, followed and delivered, retained too."""
    largest = 32 * MIB
    pair = Pair(ctx, limits_maximum_packet_size=largest).start()
    absent = Client(pair.a.port, "absent")
    absent.subscribe("big/#", 1)
    absent.disconnect()
    publisher = Client(pair.a.port, "p", version=4)
    publisher.send(publisher.publish_bytes("big/x", bytes(largest - 64), 1, packet_id=1, retain=True))
    got = publisher.next_packet(30)
    expect(got is not None and got.kind == 4, f"it is acknowledged, not answered with {got}")
    wait_until(lambda: pair.b.status()["last_lsn"] == pair.a.status()["last_lsn"], "the standby has it")
    reader = Client(pair.a.port, "r", version=4)
    reader.subscribe("big/#", 1)
    message = reader.next_packet(30)
    expect(message is not None and message.kind == 3, f"the retained message comes, not {message}")
