"""The roles of a pair by order of the control socket: who listens, what waits, what is handed over."""
import json
import re
import signal
import socket
import time
from urllib.request import urlopen

from support import control
from support.expect import expect, free_port, wait_until
from support.pair import Pair
from support.wire import CONNACK, DISCONNECT, PUBACK, PUBLISH, PUBREC, Client, Raw


def refused(broker):
    try:
        socket.create_connection(("127.0.0.1", broker.port), 2).close()
    except ConnectionRefusedError:
        return True
    return False


def code(broker, command, **arguments):
    """The code of a refusal, None when it was obeyed."""
    return control.ask(broker.socket_file, command, 20, **arguments).get("code")


def test_only_the_primary_listens(ctx):
    pair = Pair(ctx)
    for node in pair.nodes.values():
        node.start(listening=False)
        expect(refused(node), "a node of a pair serves without an order")
        expect(node.status()["role"] == "standby", "it starts as standby")
    wait_until(lambda: pair.a.status()["peer_connected"], "the nodes see each other")
    pair.a.control("promote")
    expect(not refused(pair.a), "promote is answered when it listens")
    pair.wait_paired()
    expect(refused(pair.b), "the standby does not listen")


def test_what_is_logged_of_link_and_epoch(ctx):
    """The epoch is the number that tandemqctl shows, and a link that came up is not said to have been closed."""
    pair = Pair(ctx)
    for node in pair.nodes.values():
        node.start(listening=False)
    wait_until(lambda: pair.a.status()["peer_connected"], "the nodes see each other")
    pair.b.kill()
    wait_until(lambda: not pair.a.status()["peer_connected"], "the link breaks")
    pair.b.start(listening=False)
    wait_until(lambda: pair.a.status()["peer_connected"], "and comes back")
    pair.promote(pair.a)
    pair.wait_paired()
    lines = pair.a.log().splitlines()
    up = [line for line in lines if "event=link_changed" in line and "peer_connected=true" in line]
    expect(up and not any("closed" in line for line in up), f"{up}")
    reign = [line for line in lines if "event=role_changed" in line and "role=primary" in line]
    expect(len(reign) == 1 and f" epoch={pair.a.status()['epoch'] >> 8} " in reign[0], f"{reign}")


def test_the_bytes_of_a_link_are_counted_while_it_stands(ctx):
    pair = Pair(ctx)
    port = free_port()
    pair.a.settings["metrics.listen"] = f"127.0.0.1:{port}"
    pair.start()

    def carried():
        with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            return [int(line.split()[1]) for line in answer.read().decode().splitlines()
                    if re.match(r"tandemq_link_(sent|received)_bytes_total ", line)]
    wait_until(carried, "there are metrics")
    before = carried()
    client = Client(pair.a.port, "p", clean=False, expiry=60)
    client.subscribe("t", 1)
    client.publish("t", "x" * 10000, 1)
    client.drain()
    wait_until(lambda: carried()[0] - before[0] >= 10000 and carried()[1] > before[1], f"10 kB more than {before}", 5)


def intruder(port):
    """Another program that wants the port, as Debian's mosquitto does at boot; None when it is held."""
    other = socket.socket()
    other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        other.bind(("127.0.0.1", port))
        other.listen()
    except OSError:
        other.close()
        return None
    return other


def test_a_standby_holds_its_port(ctx):
    """Else it would be promoted, could not listen, and nobody served."""
    pair = Pair(ctx).start()
    expect(intruder(pair.b.port) is None, "another program got the standby's port")
    pair.take_over(pair.b, pair.a)
    Client(pair.b.port, "c")
    pair.a.start(listening=False)
    pair.wait_paired()
    expect(intruder(pair.a.port) is None, "... of the node that came back")


def test_a_port_that_was_taken_is_no_promotion(ctx):
    """Connections of an earlier reign keep a node from exclusive use of its port for a while."""
    pair = Pair(ctx).start()
    client = Client(pair.a.port, "c")
    pair.a.control("switchover", reason="test")
    client.expect_closed()
    client.close()
    pair.wait_paired()
    other = intruder(pair.a.port)
    expect(other is not None, "this machine has no connections in TIME_WAIT: the test tests nothing")
    try:
        answer = control.ask(pair.a.socket_file, "promote", 20, reason="test", force=True)
        expect(not answer["ok"] and f":{pair.a.port}" in answer["error"], f"{answer}")
        expect(pair.b.status()["role"] == "primary", "the reign went on")
    except (OSError, ValueError):
        pass  # it found out first
    expect(pair.a.exit_code() == 3, "a standby that cannot serve stays")
    expect(f"cannot listen on 127.0.0.1:{pair.a.port}" in pair.a.log(), pair.a.log_tail())
    other.close()
    pair.solo(pair.b)
    pair.a.start(listening=False)
    pair.wait_paired()


def test_demotion(ctx):
    pair = Pair(ctx).start()
    client = Client(pair.a.port, "c")
    volatile = Client(pair.a.port, "v", clean=True, expiry=0)
    pair.a.control("demote", reason="test")
    expect(refused(pair.a), "it listens still")
    for gone in (client, volatile):
        found = gone.expect_closed()
        expect([p.kind for p in found] == [DISCONNECT], f"got {found}")
    status = pair.a.status()
    expect(status["role"] == "standby" and not status["listening"], f"{status}")
    expect(status["sessions"] == 1, "volatile sessions end with the reign, durable ones stay")
    wait_until(lambda: pair.b.status()["in_sync"], "b is in sync")
    pair.b.control("promote", reason="test")
    pair.wait_paired()
    expect(Client(pair.b.port, "c").connack.session_present, "the session is on the new primary")
    status = pair.b.status()
    expect(status["sessions_before"] == 1 and status["sessions_back"] == 1, f"{status}")
    expect(status["first_client_ms"] >= 0, "first_client_ms")


def test_switchover(ctx):
    pair = Pair(ctx).start()
    reader = Client(pair.a.port, "reader")
    reader.subscribe("a", 1)
    reader.disconnect()
    writer = Client(pair.a.port, "writer")
    for n in range(500):
        writer.publish("a", str(n), 1)
    acknowledged = [writer.receive(PUBACK).id for _ in range(500)]
    pair.a.control("switchover", reason="test")
    expect(pair.b.status()["role"] == "primary", "it is answered when the peer is primary")
    expect(refused(pair.a), "the old primary listens")
    writer.expect_closed()
    got = Client(pair.b.port, "reader").drain(limit=len(acknowledged))
    expect([int(p.payload) for p in got] == list(range(500)), f"{len(got)} of 500 came")
    pair.wait_paired()


def mixed_share(port):
    """40 messages, acknowledged, for a share of a session that stays and a clean one; both get one at a time."""
    one_at_a_time = b"\x21\0\1"
    members = [Client(port, "keeper", properties=one_at_a_time),
               Client(port, "worker", clean=True, expiry=0, properties=one_at_a_time)]
    for member in members:
        member.subscribe("$share/group/a", 1)
    writer = Client(port, "writer")
    for n in range(40):
        writer.publish("a", str(n), 1)
    for n in range(40):
        writer.receive(PUBACK)
    return members  # connected for as long as they are held


def expect_all_at_keeper(port):
    keeper = Client(port, "keeper")
    Client(port, "worker", clean=True, expiry=0)
    got = {int(message.payload) for message in keeper.drain()}
    expect(got == set(range(40)), f"{40 - len(got)} of 40 are missing")


def test_a_mixed_share_is_handed_over(ctx):
    pair = Pair(ctx).start()
    members = mixed_share(pair.a.port)
    pair.a.control("switchover")
    pair.wait_paired()
    expect_all_at_keeper(pair.b.port)
    del members


def test_a_mixed_share_whose_primary_dies(ctx):
    pair = Pair(ctx).start()
    members = mixed_share(pair.a.port)
    pair.a.kill()
    pair.promote(pair.b)
    pair.solo(pair.b)
    expect_all_at_keeper(pair.b.port)
    del members


def test_orders_that_are_refused(ctx):
    pair = Pair(ctx).start()
    expect(code(pair.a, "solo", authority="test") == "refused", "solo while paired")
    expect(code(pair.a, "leave") == "refused", "leave of the primary")
    expect(code(pair.b, "switchover") == "refused", "switchover of the standby")
    expect(code(pair.b, "promote", deadline_ms=1) == "expired", "promote after its deadline")
    expect(code(pair.b, "solo") == "refused", "solo of the standby")
    expect(code(pair.b, "promote", force=True, change=pair.b.status()["change"] - 1) == "stale",
           "promote by force for an episode that is over")
    single = ctx.broker("single").start()
    expect(code(single, "switchover") == "refused", "switchover of a single node")
    for node in (pair.a, pair.b, single):
        expect(node.control("ping")["ok"], "all go on")
    pair.b.control("lose_sync", reason="test")
    expect(code(pair.b, "promote") == "refused" or pair.b.status()["in_sync"],
           "a standby out of sync was promoted")


def test_a_primary_that_slept_acknowledges_nothing(ctx):
    """Not even what makes no record because nobody has subscribed here: somebody has, at its successor,
    while it stood still and the PUBLISH waited in its socket."""
    pair = Pair(ctx).start()
    writers = [Client(pair.a.port, f"writer{n}", clean=n % 2 == 0, expiry=n % 2) for n in range(8)]
    pair.a.process.send_signal(signal.SIGSTOP)
    pair.b.control("promote", reason="test")
    pair.b.control("solo", authority="operator")
    Client(pair.b.port, "late").subscribe("late", 1)
    for n, writer in enumerate(writers):
        writer.publish("late", f"{n}", 1 + n // 4)
    pair.a.process.send_signal(signal.SIGCONT)
    got = [writer.next_packet(1) for writer in writers[:1]] + [
        writer.next_packet(0.1) for writer in writers[1:]]
    acknowledged = [p for p in got if p and p.kind in (PUBACK, PUBREC)]
    expect(not acknowledged, f"acknowledged by a node whose reign was over: {acknowledged}")


def test_waiting_holds_acknowledgements(ctx):
    """While the peer is gone and nobody has decided: QoS 0 flows, everything else waits."""
    pair = Pair(ctx).start()
    durable = Client(pair.a.port, "durable")
    durable.subscribe("a", 1)
    plain = Client(pair.a.port, "plain", clean=True, expiry=0)
    plain.subscribe("b", 0)
    pair.b.kill()
    wait_until(lambda: pair.a.status()["pair_state"] == "waiting", "it waits")
    writer = Client(pair.a.port, "writer", clean=True, expiry=0)
    writer.publish("nobody", "held", 1)
    writer.publish("nobody", "held", 2)
    writer.publish("a", "held", 1)
    expect(writer.next_packet(0.5) is None, "an acknowledgement came")
    expect(durable.next_packet(0.3) is None, "a delivery came")
    writer.publish("b", "flows")
    expect(plain.receive(PUBLISH, 2).payload == b"flows", "QoS 0")
    late = Raw(pair.a.port)
    late.client_id = "late"
    late.send(bytes.fromhex("10 13 0004 4d515454 05 00 003c 05 11ffffffff 0001 6c"))
    expect(late.next_packet(0.3) is None, "CONNACK of a durable session came")
    pair.a.control("solo", authority="test")
    expect(writer.receive(PUBACK).kind == PUBACK, "the acknowledgement")
    expect(durable.receive(PUBLISH).payload == b"held", "the delivery")
    expect(late.receive(CONNACK).code == 0, "the CONNACK")


def test_reading_stops_when_too_much_is_held(ctx):
    pair = Pair(ctx).start()
    durable = Client(pair.a.port, "durable")
    durable.subscribe("a", 1)
    pair.b.kill()
    wait_until(lambda: pair.a.status()["pair_state"] == "waiting", "it waits")
    writers = [Client(pair.a.port, f"w{n}", clean=True, expiry=0) for n in range(2)]
    payload, sent = b"x" * 500_000, [0, 0]
    data = [b"".join(w.publish_bytes("a", payload, 1, packet_id=n + 1) for n in range(150))
            for w in writers]
    for writer in writers:
        writer.socket.setblocking(False)
    silent_since = time.monotonic()
    while time.monotonic() - silent_since < 1 and sent[0] < len(data[0]):
        for n, writer in enumerate(writers):
            try:
                sent[n] += writer.socket.send(data[n][sent[n]:sent[n] + 200_000])
                silent_since = time.monotonic()
            except BlockingIOError:
                time.sleep(0.01)
    expect(sum(sent) < sum(map(len, data)), "everything was read though nothing could be committed")
    expect(pair.a.tells("event=reading_paused"), "the log does not say so")
    expect(pair.a.control("ping")["ok"], "the loop goes on")
    pair.a.control("solo", authority="test")
    for n, writer in enumerate(writers):
        writer.socket.setblocking(True)
        writer.send(data[n][sent[n]:])
        for _ in range(150):
            writer.receive(PUBACK)
    expect(pair.a.tells("event=reading_resumed"), "the log does not say so")


def test_watch(ctx):
    pair = Pair(ctx).start()
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(10)
        link.connect(pair.a.socket_file)
        lines = link.makefile()
        link.sendall(b'{"cmd":"watch","id":1}\n')
        expect(json.loads(lines.readline())["status"]["pair_state"] == "paired", "the answer")
        pair.b.kill()
        states = []
        while "waiting" not in states:
            event = json.loads(lines.readline())
            expect(event["event"] == "status", f"got {event}")
            states.append(event["status"]["pair_state"])
        pair.a.control("solo", authority="test")
        while "solo" not in states:
            states.append(json.loads(lines.readline())["status"]["pair_state"])


def test_a_primary_that_is_told_to_end_hands_over(ctx):
    """Without an agent: when a host goes down nobody knows which of its services still is there."""
    pair = Pair(ctx).start()
    client = Client(pair.a.port, "c")
    client.publish("kept", b"before", 1, retain=True)
    client.receive(PUBACK)
    pair.a.process.send_signal(signal.SIGTERM)
    wait_until(lambda: pair.b.status()["role"] == "primary", "the peer reigns")
    expect(pair.a.exit_code() == 0, "an orderly end")
    # The one that left said so: its successor neither waits for it nor asks anybody.
    wait_until(lambda: pair.b.status()["pair_state"] == "solo", "the peer goes on alone", 2)
    pair.a.start(listening=False)
    pair.wait_paired()
    expect(pair.primary() is pair.b, "who was handed the reign keeps it")


def test_a_primary_that_is_told_to_end_while_it_hands_over(ctx):
    """By an operator's order: it takes its leave behind it all the same."""
    pair = Pair(ctx)
    for node in (pair.a, pair.b):   # the peer stands still for a moment, and is not taken for gone
        node.settings["replication.peer_silence_ms"] = 5000
    pair.start()
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(pair.a.socket_file)
        pair.b.process.send_signal(signal.SIGSTOP)
        link.sendall(b'{"cmd":"switchover","id":1}\n')
        wait_until(lambda: "event=order_switchover" in pair.a.log(), "it hands over")
        pair.a.process.send_signal(signal.SIGTERM)
        wait_until(lambda: "event=stopping" in pair.a.log(), "it stops")
        pair.b.process.send_signal(signal.SIGCONT)
        expect(pair.a.exit_code() == 0, "an orderly end")
    wait_until(lambda: pair.b.status()["pair_state"] == "solo", "the peer goes on alone", 2)


def test_a_node_that_is_told_to_end_right_behind_its_hand_over(ctx):
    """The link is not up again yet: it follows first, as only who follows can take its leave."""
    pair = Pair(ctx).start()
    pair.a.control("switchover", reason="test")
    pair.a.process.send_signal(signal.SIGTERM)
    expect(pair.a.exit_code() == 0, "an orderly end")
    wait_until(lambda: pair.b.status()["pair_state"] == "solo", "the peer goes on alone", 2)
    expect("good order" in pair.b.log(), "the other one has said so")


def test_a_primary_without_a_standby_just_ends(ctx):
    pair = Pair(ctx).start()
    pair.b.stop()
    wait_until(lambda: pair.a.status()["pair_state"] == "solo", "it goes on alone")
    pair.a.stop()
    expect("event=handed_over" not in pair.a.log(), "there was nobody to hand over to")


def test_a_node_by_itself_is_no_half_of_a_pair(ctx):
    """Two such nodes have equal epochs for different records: none may slip into a pair."""
    pair = Pair(ctx)
    pair.a.settings.update({"replication.mode": "single", "replication.pair_id": ""})
    for _ in range(2):
        pair.a.start()
        pair.a.stop()
    expect("meta_missing" not in pair.a.log(), "a node by itself is no alarm")
    pair.a.settings.update({"replication.mode": "pair", "replication.pair_id": "plant-1"})
    pair.a.launch()
    expect(pair.a.exit_code() == 2, "its data are refused")
    expect(pair.a.tells("belongs to pair"), pair.a.log_tail())


def test_a_node_that_knows_its_pair_becomes_half_of_it(ctx):
    pair = Pair(ctx)
    pair.a.settings["replication.mode"] = "single"
    pair.a.start()
    client = Client(pair.a.port, "c")
    client.publish("kept", b"from before", 1, retain=True)
    client.receive(PUBACK)
    pair.a.stop()
    pair.a.settings["replication.mode"] = "pair"
    pair.start()
    pair.expect_same_state()
    expect(pair.b.status()["retained"] > 0, "what it held is on both")
